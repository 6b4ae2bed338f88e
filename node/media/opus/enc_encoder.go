package opus

import (
	"errors"
	"fmt"
)

const (
	// MinBitrate and MaxBitrate bound what an Encoder may be asked for, in bit/s.
	MinBitrate = 5000
	MaxBitrate = 80000
	// MaxComplexity is the highest; the lowest is 0.
	MaxComplexity = 10
)

// ErrFrameLength is sound that is not one packet's.
var ErrFrameLength = errors.New("opus: sound is not as long as a packet")

// EncoderConfig says how to encode.
type EncoderConfig struct {
	Rate         int       // of the sound, in Hz: 16000; 0 is that too
	Bitrate      int       // bit/s, MinBitrate to MaxBitrate, on average or, with CBR, always
	Complexity   int       // 0 to MaxComplexity
	FrameMS      int       // of a packet: 10, 20, 40, 60, 80, 100 or 120; 0 is 20
	Bandwidth    Bandwidth // Narrow, Medium or Wide
	ExpectedLoss int       // of packets, in percent
	FEC          bool      // send speech twice if loss is expected and the rate allows
	CBR          bool      // packets of one size
	DTX          bool      // almost nothing is sent when nobody speaks
	Coarse       int       // bit/s, on average, of a second packet of the same sound (AppendCoarse); 0: there is none
}

func (c *EncoderConfig) check() error {
	switch {
	case c.Rate != 16000:
		return fmt.Errorf("opus: cannot encode %d Hz", c.Rate)
	case c.Bitrate < MinBitrate || c.Bitrate > MaxBitrate:
		return fmt.Errorf("opus: bit rate %d is not in %d to %d", c.Bitrate, MinBitrate, MaxBitrate)
	case c.Complexity < 0 || c.Complexity > MaxComplexity:
		return fmt.Errorf("opus: complexity %d is not in 0 to %d", c.Complexity, MaxComplexity)
	case c.ExpectedLoss < 0 || c.ExpectedLoss > 100:
		return fmt.Errorf("opus: loss of %d %%", c.ExpectedLoss)
	case c.Coarse < 0 || c.Coarse > c.Bitrate:
		return fmt.Errorf("opus: coarse packets of %d bit/s beside %d", c.Coarse, c.Bitrate)
	case c.Bandwidth > Wide:
		return fmt.Errorf("opus: cannot encode bandwidth %v", c.Bandwidth)
	}
	switch c.FrameMS {
	case 10, 20, 40, 60, 80, 100, 120:
		return nil
	}
	return fmt.Errorf("opus: no packet has %d ms", c.FrameMS)
}

// Encoder turns mono sound into packets, one after another. It uses SILK only
// and allocates nothing. It is not safe for concurrent use.
type Encoder struct {
	config EncoderConfig
	most   int // bytes of a packet; 0: any number
	rng    uint32

	entry  entry
	frame  frameEncoder
	budget budget
	pause  pause

	packet  [maxPacket]byte
	payload [maxPacketFrames * MaxFrame]byte
	sizes   [maxPacketFrames]int
	ms      int // of the Opus frames of the last packet
	frames  int // of it; 0: none yet
}

// NewEncoder returns an Encoder, or an error that names what it cannot do.
func NewEncoder(config EncoderConfig) (*Encoder, error) {
	e := &Encoder{}
	e.config.Rate = 16000
	if err := e.Configure(config); err != nil {
		return nil, err
	}
	e.Reset()
	return e, nil
}

// Reset makes the Encoder forget all it heard.
func (e *Encoder) Reset() {
	e.rng = 0
	e.budget = budget{}
	e.pause = pause{}
	e.frame.reset()
	e.frames = 0
	e.frame.coarse.enabled = e.config.Coarse > 0
	e.entry = entry{}
}

// Config is how the Encoder encodes at present.
func (e *Encoder) Config() EncoderConfig { return e.config }

// Configure changes how to encode, from the next packet on. The bandwidth
// changes when nobody speaks, at the latest after some seconds.
func (e *Encoder) Configure(config EncoderConfig) error {
	if config.Rate == 0 {
		config.Rate = 16000
	}
	if config.FrameMS == 0 {
		config.FrameMS = 20
	}
	if err := config.check(); err != nil {
		return err
	}
	e.config = config
	e.frame.coarse.enabled = config.Coarse > 0
	return nil
}

// SetBitrate changes the bit rate from the next packet on.
func (e *Encoder) SetBitrate(bitrate int) error {
	c := e.config
	c.Bitrate = bitrate
	return e.Configure(c)
}

// SetComplexity changes the complexity from the next packet on.
func (e *Encoder) SetComplexity(level int) error {
	c := e.config
	c.Complexity = level
	return e.Configure(c)
}

// SetFrameMS changes the length of packets from the next one on.
func (e *Encoder) SetFrameMS(ms int) error {
	c := e.config
	c.FrameMS = ms
	return e.Configure(c)
}

// SetExpectedLoss changes how many packets in a hundred are likely to be lost.
func (e *Encoder) SetExpectedLoss(percent int) error {
	c := e.config
	c.ExpectedLoss = percent
	return e.Configure(c)
}

// SetBandwidth changes the bandwidth, as Configure has it.
func (e *Encoder) SetBandwidth(b Bandwidth) error {
	c := e.config
	c.Bandwidth = b
	return e.Configure(c)
}

// Bound says how large the next packets may be at most, in bytes, unless they
// are of a constant bit rate; 0: as large as they like. What is said is
// understood at MinBitrate, which no packet is held below.
func (e *Encoder) Bound(bytes int) { e.most = bytes }

// FinalRange is the state of the range coder after the last frame, which is that
// of a decoder that has read it; 0 where nothing was sent.
func (e *Encoder) FinalRange() uint32 { return e.rng }

// Encode appends a packet of pcm to dst. pcm is FrameMS long, else the error is
// ErrFrameLength. A packet of one byte says that nobody speaks; it need not be
// sent.
func (e *Encoder) Encode(dst []byte, pcm []int16) ([]byte, error) {
	if len(pcm) != e.config.FrameMS*e.config.Rate/1000 {
		return dst, ErrFrameLength
	}
	ms := innerMS(e.config.FrameMS)
	frames := e.config.FrameMS / ms
	room := roomFor(&e.config, e.most, frames)
	used := 0
	for i := range frames {
		n := len(pcm) / frames
		e.sizes[i] = e.encode(e.payload[used:][:room], pcm[i*n:][:n], ms, i)
		used += e.sizes[i]
	}
	e.ms, e.frames = ms, frames
	want := 0
	if e.config.CBR && used > 0 {
		want = constantSize(&e.config)
	}
	return append(dst, e.pack(e.payload[:used], e.sizes[:frames], want)...), nil
}

// AppendCoarse appends a packet of the sound that was encoded last, coarser and
// smaller: Coarse says how large. A decoder that missed the other decodes it in
// its place. It appends nothing where there is none.
func (e *Encoder) AppendCoarse(dst []byte) []byte {
	c := &e.frame.coarse
	if !c.enabled || e.frames == 0 {
		return dst
	}
	sizes := c.sizes[:e.frames]
	for _, n := range sizes {
		if n == 0 {
			return dst
		}
	}
	return append(dst, e.pack(c.payload[:c.used], sizes, 0)...)
}

// encode encodes Opus frame number of a packet and returns its size; 0: nobody
// speaks. Only the first may change the rate inside.
func (e *Encoder) encode(payload []byte, pcm []int16, ms, number int) int {
	s := &e.frame
	e.rng = 0
	silent := e.pause.hear(pcm)
	x := e.entry.filter(pcm)
	e.begin(ms, number == 0)
	s.coarse.begin(s, number)
	e.pause.begin(e.config.DTX && !silent)
	e.budget.begin(&e.config, ms, len(payload))

	var coder rangeEncoder
	coder.init(payload)
	e.writeHead(&coder)
	flags := uint32(0)
	for i := range s.inner {
		part := e.entry.next(s, x, i)
		active := s.listen(part, silent)
		e.pause.frame(active)
		flags <<= 1
		if active {
			flags |= 1
		}
		e.entry.fade.run(part)
		s.ratioQ7 = ratioFor(e.budget.frameRate(&coder, i, s.inner, ms), s.format)
		s.encode(&coder, part, e.budget.task(&e.config, i, s.inner))
	}
	flags <<= 1
	if s.redundancy.present {
		flags |= 1
	}
	coder.patch(flags, uint(s.inner+1))
	size := e.finish(&coder, payload, ms, silent)
	s.coarse.finish(number, s.inner, flags&^1, size, size*e.config.Coarse/e.config.Bitrate)
	return size
}

// begin sets up an Opus frame.
func (e *Encoder) begin(ms int, first bool) {
	s, c := &e.frame, &e.config
	f := format{kHz: s.kHz, subframes: maxSubframes}
	if first {
		f.kHz = e.entry.rate(c.Bandwidth)
	}
	inner := ms / 20
	if ms == 10 {
		f.subframes, inner = 2, 1
	}
	if f.kHz != s.kHz {
		s.format = f
		s.restart()
		e.entry.refill(s)
	}
	if f != s.format || inner != s.inner || s.fresh {
		s.redundancy.flags = [maxInner]bool{}
	}
	s.format, s.inner, s.loss = f, inner, c.ExpectedLoss
	s.effort = ladder[c.Complexity].at(f)
	s.redundancy.set(e.budget.redundant(c, ms, s.redundancy.enabled), c.ExpectedLoss)
}

// flagsLater is a symbol that takes the room of 2, 3 or 4 flags.
var flagsLater = [maxInner][2]uint8{{192, 0}, {224, 0}, {240, 0}}

// writeHead writes room for the flags, and the redundancy.
func (e *Encoder) writeHead(coder *rangeEncoder) {
	s := &e.frame
	coder.symbol(0, flagsLater[s.inner-1][:])
	before := coder.tell()
	s.redundancy.write(s, coder)
	e.budget.redundancy = coder.tell() - before
}

// finish ends an Opus frame.
func (e *Encoder) finish(coder *rangeEncoder, payload []byte, ms int, silent bool) int {
	bits := coder.tell()
	size := (bits + 7) / 8
	e.entry.judge(e.frame.activity.speechQ8, ms)
	if e.pause.skips() {
		e.budget.end(0)
		return 0
	}
	e.budget.end(size)
	if e.config.DTX && silent && e.pause.lasts(ms) {
		return 0
	}
	if !e.config.DTX || !silent {
		e.pause.silentMS = 0
	}
	if _, err := coder.finish(); err != nil || size > len(payload) {
		payload[0] = 0 // too short for a frame: the decoder conceals it
		return 1
	}
	e.rng = coder.rng
	for size > 2 && payload[size-1] == 0 {
		size-- // the decoder reads zeros behind the end
	}
	e.budget.steer(size, ms)
	return size
}
