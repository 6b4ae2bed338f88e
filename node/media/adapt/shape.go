package adapt

import (
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
	mediumFrom = 6400
	// reports is what reports cost, in bytes a second, lossReports where packets
	// are lost: four a second.
	reports     = 25
	lossReports = 85
	// copyCost is what a copy costs besides its sound.
	copyCost = 2
	// impatience is what a ms costs where the E-model's Idd is nothing yet, in R,
	// and patience the share of Idd that counts: who hears badly rather waits.
	impatience = .1
	patience   = .3
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
}

var (
	lengths = [...]time.Duration{10, 20, 40, 60, 80, 120}
	spreads = [...]int{1, 2, 3, 4, 6}
)

// mostWait is what the receiver can wait for the last copy.
const mostWait = 480 * time.Millisecond

// road is what a shape has to get along with.
type road struct {
	allowed  float64 // bytes a second
	overhead int     // of a packet
	loss     Loss
	delay    time.Duration // of the network, with its jitter
}

// bitrate is what remains for the codec.
func (s shape) bitrate(r road) int {
	packets := float64(time.Second) / float64(s.packet)
	told := float64(reports)
	if r.loss.Share > scant {
		told = lossReports
	}
	sound := r.allowed - told - packets*float64(r.overhead+s.copies*copyCost)
	rate := int(8 * sound / float64(s.copies+1))
	return min(rate-rate%100, maxBitrate)
}

// missing is the share of the sound that does not come in any way.
func (s shape) missing(l Loss) float64 {
	p := l.Share
	for range s.copies {
		p *= l.after(s.spread)
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
	rate := float64(s.bitrate(r))
	if rate < minBitrate {
		return rate/minBitrate - 100 // the nearest to what is possible
	}
	if s.fec {
		rate *= 1 - fecShare
	}
	delay := r.delay + s.waits(r.loss) + elsewhere
	ie := emodel.Codec(min(rate, enough), s.frame())
	return emodel.Perfect - emodel.Loss(ie, s.missing(r.loss)) - patience*emodel.Delay(delay) -
		impatience*float64(min(delay, soon)/time.Millisecond)
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
	case !r.loss.bursty():
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
		for copies := 1; copies <= wire.MaxCopies; copies++ {
			for _, spread := range spreads {
				if r.loss.bursty() && float64(spread) < r.loss.apart() {
					continue // one burst would take both
				}
				try(shape{packet: packet, copies: copies, spread: spread})
			}
		}
	}
	return best
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
