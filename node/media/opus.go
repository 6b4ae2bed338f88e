package media

import (
	"runtime"

	"peerphone/node/media/dsp"
	"peerphone/node/media/opus"
)

const (
	// opusUnits and opusBitrate are what a call begins with: packets of 20 ms
	// that go within adapt's first guess of the bandwidth.
	opusUnits   = 2
	opusBitrate = 8000
)

// complexity is what the smallest boards, with 32-bit processors, can afford.
func complexity() int {
	if runtime.GOARCH == "arm" {
		return 2
	}
	return 8 // as good at 10 kb/s as 5 is at 11.5
}

// opusEncoder encodes speech.
type opusEncoder struct{ encoder *opus.Encoder }

func newOpusEncoder() Encoder {
	e, err := opus.NewEncoder(opus.EncoderConfig{
		Bitrate: opusBitrate, Complexity: complexity(), FrameMS: 10 * opusUnits, Bandwidth: opus.Wide,
	})
	if err != nil {
		panic("media: " + err.Error()) // the configuration is ours and constant
	}
	return opusEncoder{e}
}

// Units is what Tune asked for last.
func (o opusEncoder) Units() int { return o.encoder.Config().FrameMS / 10 }

// Encode appends a packet; sound of another length than Units is our own bug
// and gives none.
func (o opusEncoder) Encode(dst []byte, pcm []int16) []byte {
	packet, err := o.encoder.Encode(dst, pcm)
	if err != nil {
		return dst
	}
	return packet
}

// Bound holds the next packets to a size.
func (o opusEncoder) Bound(bytes int) { o.encoder.Bound(bytes) }

// AppendCoarse appends what Tune asked for beside the packet encoded last.
func (o opusEncoder) AppendCoarse(dst []byte) []byte { return o.encoder.AppendCoarse(dst) }

// opusDecoder hears every Opus packet of whole units. The foreign decoder has no
// concealment, so what is missing after its sound is made up by repeating pitch
// periods.
type opusDecoder struct {
	listener *Listener
	conceal  dsp.Concealer // of the foreigner's sound
	gap      bool          // conceal spoke last
}

// joint is over how much sound comes back after a gap in foreign sound, or
// where CELT breaks off: 5 ms.
const joint = dsp.Rate / 200

func newOpusDecoder() Decoder {
	l, err := NewListener(dsp.Rate)
	if err != nil {
		panic("media: " + err.Error()) // a rate that it knows
	}
	return &opusDecoder{listener: l}
}

// Duration is 0 too for packets that last no whole number of units: 2.5 and
// 5 ms of CELT, which no time of a media header could tell apart.
func (*opusDecoder) Duration(packet []byte) int {
	p, err := opus.Parse(packet)
	if err != nil || p.Duration()%unit != 0 {
		return 0
	}
	return int(p.Duration() / unit)
}

func (d *opusDecoder) Decode(pcm []int16, packet []byte) error {
	if _, err := d.listener.Decode(pcm, packet); err != nil {
		return err
	}
	if d.gap || d.listener.abrupt {
		var before [joint]int16
		d.conceal.Conceal(before[:])
		dsp.CrossFade(pcm, before[:])
	}
	d.gap = false
	if d.listener.heard != ourselves {
		d.conceal.Hear(pcm)
	}
	return nil
}

func (d *opusDecoder) Conceal(pcm []int16) {
	switch d.listener.heard {
	case ourselves:
		d.listener.own.Conceal(pcm)
	case nobody:
		clear(pcm)
	default:
		d.conceal.Conceal(pcm)
		d.gap = true
	}
}
