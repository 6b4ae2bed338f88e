package adapt

import (
	"math"
	"time"
)

// Loss is how a network loses packets: a process of two states, Gilbert's.
type Loss struct {
	Share float64 // of packets that are lost, 0 to 1
	Burst float64 // how many in a row, on average: 1 or more
}

// bursty reports whether losses come in runs that chance alone does not make.
func (l Loss) bursty() bool { return l.Burst > 1.01/(1-min(l.Share, .99)) }

// farthest is how many packets apart copies must lie at most: few bursts are known
// when a call begins, and one long one shall not forbid all copies.
const farthest = 4

// apart is how many packets apart copies must lie not to be lost together.
func (l Loss) apart() float64 { return min(l.Burst, farthest) }

// after is the share of packets that are lost among those that many behind a
// lost one.
func (l Loss) after(packets int) float64 {
	if l.Share >= 1 {
		return 1
	}
	end := 1 / max(l.Burst, 1)
	begin := end * l.Share / (1 - l.Share)
	memory := min(max(1-end-begin, 0), 1)
	return l.Share + (1-l.Share)*math.Pow(memory, float64(packets))
}

const (
	// lossSoon and lossLong are the time constants of what is remembered: losses
	// are believed soon and forgotten late.
	lossSoon = 1500 * time.Millisecond
	lossLong = 10 * time.Second
	// lossRuns is that of how many are lost in a row: there are few runs, and what
	// they say decides how far copies lie apart, which shall not change for chance.
	lossRuns = 30 * time.Second
	// soonPackets is how many packets the short memory must hold to be believed.
	soonPackets = 12
	// bursty is how much longer runs must be than those of losses that come one by
	// one: a few hundred packets do not tell less.
	bursty = 1.35
	// stillBursty is the same for runs that have been seen.
	stillBursty = 1.1
	// longRun is what runs are taken to be like, at first with the weight of fewRuns:
	// copies too far apart cost a wait, those too near are lost.
	longRun = 4
	fewRuns = 4
)

// losses remember how packets were lost.
type losses struct {
	soon, long, runs tally
	clumped          bool // packets are lost in runs that are no chance
}

// tally is a sum that fades.
type tally struct{ expected, lost, bursts float64 }

func (t *tally) add(dt, span time.Duration, expected, lost, bursts float64) {
	keep := math.Exp(-dt.Seconds() / span.Seconds())
	t.expected = t.expected*keep + expected
	t.lost = t.lost*keep + lost
	t.bursts = t.bursts*keep + bursts
}

func (t tally) share() float64 { return t.lost / max(t.expected, 1) }

// burst is how many are lost in a row. Half a burst of one more than was seen:
// few losses say little.
func (t tally) burst() float64 { return (t.lost + 1) / (t.bursts + 1) }

// add takes what became of the packets of the last dt.
func (l *losses) add(dt time.Duration, expected, lost, bursts int) {
	l.soon.add(dt, lossSoon, float64(expected), float64(lost), float64(bursts))
	l.long.add(dt, lossLong, float64(expected), float64(lost), float64(bursts))
	l.runs.add(dt, lossRuns, float64(expected), float64(lost), float64(bursts))
	limit := bursty
	if l.clumped {
		limit = stillBursty
	}
	l.clumped = l.runs.burst() >= limit/(1-l.share())
}

// share is what is to be expected to be lost: what was of late, if it is more.
func (l *losses) share() float64 {
	share := l.long.share()
	if l.soon.expected >= soonPackets && l.soon.lost >= 2 {
		share = max(share, .8*l.soon.share())
	}
	return min(share, .99)
}

// loss is what is to be expected.
func (l *losses) loss() Loss {
	share := l.share()
	if !l.clumped {
		return Loss{share, 1 / (1 - share)}
	}
	return Loss{share, (l.runs.lost + longRun*fewRuns) / (l.runs.bursts + fewRuns)}
}
