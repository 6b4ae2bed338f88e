package adapt

import (
	"math"
	"time"

	"peerphone/node/media/emodel"
	"peerphone/node/media/opus"
	"peerphone/node/wire"
)

const (
	minBitrate = 6000
	maxBitrate = 40000
	// enough is the bit rate beyond which nobody hears a difference that would
	// be worth waiting for.
	enough = 18000
	// Below these bit rates a narrower band sounds better, by PESQ.
	wideFrom   = 8800
	mediumFrom = 6000
	// reports is what reports cost, in bytes a second, lossReports where packets
	// are lost: four a second.
	reports     = 25
	lossReports = 85
	// copyCost is what a copy costs besides its sound.
	copyCost = 2
	// coarseness is the bit rate of a copy to that of what it repeats, by PESQ at 20 %
	// loss, where .65 and .75 are as good; leastCoarse is a bit rate below which
	// copies are whole.
	coarseness  = .7
	leastCoarse = 7000
	// leastAsked is the same of those that are asked for: all that is lost once is
	// heard so.
	leastAsked = 10500
	// coarseHeard is by how much a share of coarse sound is heard more than in
	// proportion.
	coarseHeard = 2
	// asking is how much is kept for copies that are asked for to what is used of it in
	// the mean: losses come in bursts, and copies cannot wait.
	asking = 1.3
	// impatience is what a ms costs where the E-model's Idd is nothing yet, in R,
	// and patience the share of Idd that counts: who hears badly rather waits.
	impatience = .1
	patience   = .3
	// lossPatience is how much less both count where a share of the packets is lost:
	// at a third of them sound in pieces is worth any wait.
	lossPatience = 3
	// better is by how much R must rise for another shape.
	better = 1.0
	// steadier is the same while copies are sent: a change of shape is heard, since
	// the far end has to wait anew.
	steadier = 1.5
	// settled is the same where losses come in bursts: copies lie far apart, and the
	// far end takes seconds to wait for others.
	settled = 4
	// longest is the longest packet where packets are lost, in ms: what longer ones
	// gain in bits they lose in gaps, by PESQ.
	longest = 40
	// recovered is the share of a frame that in-band FEC does not bring back, in
	// the ear of PESQ, and fecShare the share of the bit rate that it takes.
	unrecovered = .18
	fecShare    = .2
	// tight is a rate, in bytes a second, at which only long packets leave room for
	// sound.
	tight = 2500
	// scant is a loss that nothing is done against.
	scant = .002
	// soon is a delay beyond which Idd says all.
	soon = 150 * time.Millisecond
	// elsewhere is the rest of the time from mouth to ear.
	elsewhere = 70 * time.Millisecond
)

// shape is a way to spend bytes.
type shape struct {
	packet time.Duration
	copies int
	spread int // packets from one copy to the next
	fec    bool
	asked  bool // copies go only until the far end has one
}

var (
	lengths = [...]time.Duration{10, 20, 40, 60, 80, 120}
	spreads = [...]int{1, 2, 3, 4, 5, 6}
)

// mostCopies is how many copies each packet may hold that nobody asked for.
const mostCopies = 3

// mostWait is what the receiver can wait for the last copy.
const mostWait = 480 * time.Millisecond

// road is what a shape has to get along with.
type road struct {
	allowed  float64 // bytes a second
	overhead int     // of a packet
	loss     Loss
	delay    time.Duration // of the network, with its jitter
	answers  time.Duration // after which the far end says what it has; 0: it does not
}

// bitrate is what remains for the codec, and for each copy.
func (s shape) bitrate(r road) (rate, copied int) {
	packets := float64(time.Second) / float64(s.packet)
	told, overhead := float64(reports), float64(r.overhead)
	if r.loss.Share > scant {
		told = lossReports
		overhead += wire.MissingSize
	}
	copies := s.sends(r)
	sound := 8 * (r.allowed - told - packets*(overhead+copies*copyCost))
	part, least := float64(1), float64(leastCoarse)
	if s.asked {
		least = leastAsked
	}
	if coarse := coarseness * sound / (1 + coarseness*copies); coarse >= least {
		part = coarseness
	}
	rate = int(sound / (1 + part*copies))
	rate = min(rate-rate%100, maxBitrate)
	return rate, int(part * float64(rate))
}

// sends is how many copies there are of a packet, in the mean. Those that are
// asked for go while the far end cannot have answered, until it has one, and when
// its answers are lost, as many as our packets.
func (s shape) sends(r road) float64 {
	if !s.asked {
		return float64(s.copies)
	}
	answered := s.answered(r)
	blind := (answered+s.spread-1)/s.spread - 1
	silence := r.loss.Share * math.Pow(1-1/max(r.loss.Burst, 1), float64(max(s.spread-answered, 0)))
	n := float64(blind) + silence + r.loss.Share/max(1-r.loss.after(s.spread), .01)
	return min(asking*n, float64(s.copies))
}

// answered is how many packets later the far end has said what it has.
func (s shape) answered(r road) int { return int((r.answers + s.packet - 1) / s.packet) }

// missing is the share of the sound that does not come in any way.
func (s shape) missing(l Loss) float64 {
	p := l.Share
	if s.copies > 0 {
		p *= math.Pow(l.after(s.spread), float64(s.copies))
	}
	if s.fec {
		again := l.after(1)
		p *= again + (1-again)*unrecovered
	}
	return p
}

// waits is what sound waits for: its packet to be full, and copies.
func (s shape) waits(l Loss) time.Duration {
	d := s.packet
	if l.Share > scant {
		d += time.Duration(s.copies*s.spread) * s.packet
		if s.fec {
			d += s.packet
		}
	}
	return d
}

// frame is the length of the frames that the codec makes of a packet.
func (s shape) frame() time.Duration {
	const ms = time.Millisecond
	switch s.packet {
	case 80 * ms:
		return 40 * ms
	case 120 * ms:
		return 60 * ms
	}
	return s.packet
}

// score is how well people would hear each other.
func (s shape) score(r road) float64 {
	main, copied := s.bitrate(r)
	rate := float64(main)
	if s.asked && r.answers == 0 {
		return -200
	}
	if rate < minBitrate {
		return rate/minBitrate - 100 // the nearest to what is possible
	}
	if s.fec {
		rate *= 1 - fecShare
	}
	delay := r.delay + s.waits(r.loss) + elsewhere
	ie := emodel.Codec(min(rate, enough), s.frame())
	if s.copies > 0 {
		coarse := emodel.Codec(min(float64(copied), enough), s.frame())
		ie += (coarse - ie) * min(coarseHeard*r.loss.Share, 1)
	}
	waiting := patience*emodel.Delay(delay) + impatience*float64(min(delay, soon)/time.Millisecond)
	return emodel.Perfect - emodel.Loss(ie, s.missing(r.loss)) - waiting*max(0, 1-lossPatience*r.loss.Share)
}

// possible reports whether the receiver can make use of a shape.
func (s shape) possible() bool {
	wait := time.Duration(s.copies*s.spread) * s.packet
	return wait <= mostWait && s.copies*s.spread <= history
}

// choose returns the shape that is heard best, which is the one so far unless
// another is clearly better.
func choose(now shape, r road) shape {
	best, score := now, now.score(r)+better
	switch apart := float64(now.spread) >= r.loss.apart(); {
	case now.copies == 0 || r.loss.Share <= scant:
	case now.asked || !r.loss.bursty():
		score += steadier - better
	case apart:
		score += settled - better
	default:
		score -= better // one burst takes what is sent and its copy
	}
	try := func(s shape) {
		if s.possible() {
			if x := s.score(r); x > score {
				best, score = s, x
			}
		}
	}
	for _, length := range lengths {
		if r.loss.Share > scant && length > longest && r.allowed > tight {
			break
		}
		packet := length * time.Millisecond
		try(shape{packet: packet})
		if r.loss.Share <= scant {
			continue
		}
		try(shape{packet: packet, fec: true})
		for copies := 1; copies <= mostCopies; copies++ {
			for _, spread := range spreads {
				if r.loss.bursty() && float64(spread) < r.loss.apart() {
					continue // one burst would take both
				}
				try(shape{packet: packet, copies: copies, spread: spread})
			}
		}
		if r.answers > 0 {
			tryAsked(r, packet, try)
		}
	}
	return best
}

// tryAsked tries what can be asked for in packets of that length. Copies that come
// much later than an answer could have are too late for nothing.
func tryAsked(r road, packet time.Duration, try func(shape)) {
	answered := shape{packet: packet}.answered(r)
	least := max(1, answered-1)
	if r.loss.bursty() { // or one burst takes what is sent blindly with its copies
		least = max(least, int(math.Ceil(r.loss.apart())))
	}
	for spread := least; spread <= max(least, answered+2); spread++ {
		for copies := 1; ; copies++ {
			s := shape{packet: packet, copies: copies, spread: spread, asked: true}
			if !s.possible() {
				break
			}
			try(s)
		}
	}
}

// band is how wide sound is coded.
func band(bitrate int) opus.Bandwidth {
	switch {
	case bitrate < mediumFrom:
		return opus.Narrow
	case bitrate < wideFrom:
		return opus.Medium
	}
	return opus.Wide
}
