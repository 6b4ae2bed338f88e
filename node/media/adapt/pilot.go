package adapt

import (
	"math"
	"time"

	"peerphone/hal"
	"peerphone/node/media/opus"
	"peerphone/node/wire"
)

// history is how many earlier packets a sender must be able to repeat.
const history = 24

const (
	// tickEvery is the time between two looks at the clock.
	tickEvery = 250 * time.Millisecond
	// mostRTT is a round trip that is none: the report speaks of another packet.
	mostRTT = 10 * time.Second
	// leastRTT is one that cannot be told from none.
	leastRTT = 2 * time.Millisecond
)

// Limits are what a Pilot has to keep within.
type Limits struct {
	Most     int // bytes a second, with all headers
	Overhead int // bytes of a packet besides sound and copies: all headers
	Beside   int // bytes a second that the phone sends besides, for which a thin line needs room
}

// Setting is how to code and repeat sound. It holds from the next packet on.
type Setting struct {
	Bitrate int // bit/s of the codec
	Packet  time.Duration
	Band    opus.Bandwidth
	Loss    int  // percent of packets whose sound will be missing
	FEC     bool // the codec's own redundancy
	Steady  bool // packets of one size: they go by a bottleneck, where a large one waits
	Coarse  int  // bit/s of a copy; 0: the packet itself
	Copies  int  // of earlier packets in each; those asked for: of a packet, at most
	Spread  int  // packets from one copy to the next: 1 is the packet before
	Asked   bool // copies go as Again says, not in each packet
}

// Way is what a Pilot believes of the network.
type Way struct {
	RTT     time.Duration // round trip, 0: not known
	Loss    Loss
	Queue   time.Duration // what packets wait at a bottleneck
	Jitter  time.Duration
	Allowed int           // bytes a second
	Through int           // bytes a second that come through, as the last report has it; 0: none came of late
	Skew    float64       // of our clock in millionths, as the far end sees it
	Delay   time.Duration // at the far end, from arrival to sounding
	State   State
}

// A Pilot decides for one sender. NewPilot makes it.
type Pilot struct {
	limits Limits
	band   bandwidth
	losses losses
	spent  account
	shape  shape
	again  again
	behind backlog

	began  bool
	ticked hal.Instant
	sent   [256]hal.Instant // by number
	next   uint8
	count  uint16 // packets ever sent
	bytes  int    // likewise
	rtt    time.Duration
	last   wire.Report
	lastAt hal.Instant   // 0: no report yet
	base   uint16        // count at the last report
	queue  time.Duration // that it told of, but for what is known here
}

// NewPilot returns a Pilot for a call that begins.
func NewPilot(l Limits) *Pilot {
	p := &Pilot{limits: l}
	p.band.most = float64(l.Most)
	p.shape = shape{packet: 20 * time.Millisecond}
	p.band.allowed = min(startRate, p.band.most)
	return p
}

// Expect says how many bytes a second the line lets through at the instant at, and
// how many it has not let through yet of what was sent before; line 0: nobody knows. Once reports
// have shown that the line is thin they say more.
func (p *Pilot) Expect(at hal.Instant, line, owed int) {
	switch {
	case line <= 0:
		return
	case p.began && p.band.ceiling > 0 && float64(line) <= p.band.known:
	case p.band.expect(float64(line)):
		p.band.since = at
		p.choose()
	default:
		return
	}
	p.behind.follow(at, p.band.line())
	p.behind.owes(float64(owed))
}

// Beyond takes note of bytes that the phone has sent besides packets of sound.
func (p *Pilot) Beyond(now hal.Instant, bytes int) { p.behind.add(now, bytes) }

// Hush reports whether nothing is to be said now, for a thin line has too much to
// carry already.
func (p *Pilot) Hush(now hal.Instant) bool { return p.behind.hush(now) }

// Limit changes what to keep within: the way has become another. Before the
// first report nothing is known of the network by which to choose a shape.
func (p *Pilot) Limit(l Limits) {
	p.limits = l
	p.band.most = float64(l.Most)
	if p.lastAt != 0 {
		p.choose()
	}
}

// Sent takes note of a packet of so many bytes, with all headers.
func (p *Pilot) Sent(now hal.Instant, seq uint8, bytes int) {
	if !p.began {
		p.began = true
		p.band.begin(now)
		p.ticked = now
	}
	p.spent.spend(now, bytes, p.allowed())
	p.behind.leave(now, seq, bytes)
	p.sent[seq] = now
	p.again.sent(seq)
	p.next = seq + 1
	p.count++
	p.bytes += bytes
}

// backlog is what a packet that is sent now waits, if all since the start goes by
// what lets through bytes a second pass.
func (p *Pilot) backlog(now hal.Instant, through float64) time.Duration {
	passed := through * now.Sub(p.band.began).Seconds()
	return time.Duration(max(0, float64(p.bytes)-passed) / max(through, 1) * float64(time.Second))
}

// Told takes a report that came at the instant at.
func (p *Pilot) Told(at hal.Instant, r wire.Report) {
	if !p.began {
		return
	}
	first := p.lastAt == 0
	dt := at.Sub(p.lastAt)
	if !first && (dt < 0 || r.Expected-p.last.Expected > math.MaxInt16) {
		return // overtaken by a newer one
	}
	p.measureRTT(at, r)
	queue := p.behind.told(at, r.Newest, p.sent[r.Newest], time.Duration(r.Queue)*time.Millisecond)
	s := sample{
		dt: dt, queue: queue, through: float64(r.Rate),
		packet: p.shape.packet, rtt: p.rtt, sent: p.sent[r.Newest],
	}
	if first {
		s.dt, s.grown = at.Sub(p.band.began), s.queue
		if s.queue >= onsetRise && s.through < p.band.allowed {
			s.queue = max(s.queue, p.backlog(at, s.through))
		}
	} else {
		s.grown = s.queue - p.queue
		p.lost(r, &s)
	}
	s.whole = p.whole(r)
	s.long = p.losses.long
	if p.band.guessed > 0 && s.sent < p.band.since && s.queue > news {
		return // it was made before the guess, and says no more
	}
	p.last, p.lastAt, p.base, p.queue = r, at, p.count, queue
	p.band.take(at, s)
	p.behind.follow(at, p.band.line())
	p.choose()
}

// Missing takes what the far end lacks, by word that came at the instant at.
func (p *Pilot) Missing(at hal.Instant, m wire.Missing) {
	if sent := p.sent[m.Newest]; sent != 0 && at.Sub(sent) < mostRTT && p.next-m.Newest <= history {
		p.again.told(at, m, sent)
	}
}

// Again puts the packets before dst that go once more in packet seq, which is
// sent now, the most urgent first. Carries says which of them do.
func (p *Pilot) Again(dst []uint8, now hal.Instant, seq uint8) []uint8 {
	if s := p.shape; s.asked && int(p.count) > s.copies*s.spread {
		dst = p.again.due(dst, now, seq, s)
	}
	return dst
}

// Carries takes note that packet seq holds a copy of an older one.
func (p *Pilot) Carries(now hal.Instant, seq, old uint8) {
	p.again.carries(now, seq, old, p.shape.copies*p.shape.spread)
}

// Left is how many bytes copies that are asked for may have in a packet that is
// sent now.
func (p *Pilot) Left(now hal.Instant) int {
	s := p.Setting()
	own := float64(p.limits.Overhead) + least*s.mean()
	return int(p.spent.left(now, s.Packet, p.allowed()*copied) - own)
}

// mean is how many bytes the sound of a packet has.
func (s Setting) mean() float64 { return float64(s.Bitrate) / 8 * s.Packet.Seconds() }

// Sound is how many bytes the sound of a packet may have that is sent now, which
// has so many besides, with all headers.
func (p *Pilot) Sound(now hal.Instant, besides int) int {
	s := p.Setting()
	return int(p.spent.beside(now, s.Packet, p.allowed(), s.mean(), float64(besides)))
}

// Untold reports whether the far end has not reported yet.
func (p *Pilot) Untold() bool { return p.lastAt == 0 }

// Beside tells what the packets of the far end wait somewhere, and how many of
// its bytes come in a second, while it has not reported yet.
func (p *Pilot) Beside(now hal.Instant, waits time.Duration, through int) {
	if !p.began || !p.Untold() {
		return
	}
	queue := waits
	if waits >= onsetRise {
		queue = max(waits, p.backlog(now, float64(through)))
	}
	if p.band.guess(now, sample{
		dt: now.Sub(p.band.began), queue: queue, grown: waits, through: float64(through), packet: p.shape.packet, rtt: p.rtt,
	}) {
		p.choose()
	}
}

// whole reports whether nearly all has come that was sent since the last report, be
// that the start of the call.
func (p *Pilot) whole(r wire.Report) bool {
	expected, received := int(r.Expected-p.last.Expected), int(int16(r.Received-p.last.Received))
	return expected > 0 && received >= expected-expected/10
}

// lost takes what was lost since the last report. What a full queue drops
// says nothing about the network's own losses.
func (p *Pilot) lost(r wire.Report, s *sample) {
	expected := int(r.Expected - p.last.Expected)
	lost := expected - int(int16(r.Received-p.last.Received))
	bursts := int(r.Bursts - p.last.Bursts)
	if expected > int(p.count-p.base)+256 || lost > expected {
		return // it cannot be
	}
	lost = max(lost, 0)
	s.expected = expected
	s.lost = float64(lost) / float64(max(expected, 1))
	if s.queue <= p.band.bearable(*s) && p.band.state != Draining {
		p.losses.add(s.dt, expected, lost, min(bursts, lost))
	}
}

// measureRTT follows the least round trip closely, larger ones slowly.
func (p *Pilot) measureRTT(at hal.Instant, r wire.Report) {
	sent := p.sent[r.Newest]
	rtt := at.Sub(sent) - time.Duration(r.Held)*time.Millisecond
	if sent == 0 || rtt < -leastRTT || rtt > mostRTT {
		return
	}
	rtt = max(rtt, leastRTT) // the clocks of two cards, and a time in whole ms
	if p.rtt == 0 || rtt < p.rtt {
		p.rtt = rtt
		return
	}
	p.rtt += (rtt - p.rtt) / 4
}

// Advance lets time go by. It is called before each packet.
func (p *Pilot) Advance(now hal.Instant) {
	if p.began && now.Sub(p.ticked) >= tickEvery {
		p.ticked = now
		p.band.tick(now)
		p.behind.follow(now, p.band.line())
		p.spent.settle()
		p.choose()
	}
}

// allowed is how many bytes a second packets of sound may have. What a bottleneck
// lets through is not used to the full, which leaves room for half of what goes
// beside.
func (p *Pilot) allowed() float64 {
	if p.behind.rate == 0 {
		return p.band.allowed
	}
	return max(p.band.allowed-float64(p.limits.Beside)/2, leastRate)
}

func (p *Pilot) road() road {
	jitter := time.Duration(p.last.Jitter) * time.Millisecond
	r := road{allowed: p.allowed(), overhead: p.limits.Overhead, loss: p.losses.loss(), delay: p.rtt/2 + 3*jitter}
	if p.again.heeds(p.ticked) {
		r.answers = p.again.answers
	}
	return r
}

func (p *Pilot) choose() { p.shape = choose(p.shape, p.road()) }

// Setting is how to go on.
func (p *Pilot) Setting() Setting {
	r := p.road()
	steady := p.band.ceiling > 0
	if !steady { // packets of one size take what they may
		r.allowed -= p.spent.less
	}
	rate, copied := p.shape.bitrate(r)
	rate = max(rate, minBitrate)
	if p.shape.copies == 0 || copied >= rate {
		copied = 0
	}
	missing := p.shape.missing(r.loss)
	if p.shape.fec {
		missing = r.loss.Share
	}
	return Setting{
		Bitrate: rate, Coarse: copied, Packet: p.shape.packet, Band: band(rate), FEC: p.shape.fec, Steady: steady,
		Loss: int(100*missing + .5), Copies: p.shape.copies, Spread: p.shape.spread, Asked: p.shape.asked,
	}
}

// Room is how many bytes, with all headers, a packet of that length may have
// that is sent now.
func (p *Pilot) Room(now hal.Instant, packet time.Duration) int {
	return int(p.spent.room(now, packet, p.allowed()))
}

// Way is what is believed of the network.
func (p *Pilot) Way() Way {
	const ms = time.Millisecond
	through := int(p.last.Rate)
	if p.band.silence > 0 {
		through = 0
	}
	return Way{
		Through: through,
		RTT:     p.rtt, Loss: p.losses.loss(), Queue: time.Duration(p.last.Queue) * ms, Jitter: time.Duration(p.last.Jitter) * ms,
		Allowed: int(p.band.allowed), Skew: float64(p.last.Skew) / 10, Delay: time.Duration(p.last.Delay) * ms, State: p.band.state,
	}
}
