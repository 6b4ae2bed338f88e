package directory

import (
	"cmp"
	"encoding/binary"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

const (
	// strangerRTT is how far somebody is taken to be whom we have never asked.
	strangerRTT = 100 * time.Millisecond
	// An answer is overdue when it takes a quarter longer than the last, and overdueBy.
	overdueBy = 20 * time.Millisecond
	// Who has kept silent is asked last for mutedFor.
	mutedFor = 30 * time.Second
	// maxFellows bounds the fellows of whom something is remembered.
	maxFellows = 2048
	// gloomFrom is from which gloom on a search begins with eight: a quarter of
	// those whom we asked last were silent.
	gloomFrom, gloomFull = 64, 256
)

// fellow is what is remembered of a fellow supernode.
type fellow struct {
	rtt   time.Duration // of its last answer; 0: not known
	muted time.Time     // when it was last silent; zero: it has answered since
}

// memo is a fellow as it is kept, for there are many.
type memo struct {
	muted time.Duration // after fellows.birth; 0: it has answered since
	rtt   uint32        // in microseconds
}

// mark is the part of a supernode's ID by which it is kept. Who makes another one's
// mark its own takes that one's place in a queue, no more.
type mark uint64

func markOf(id identity.ID) mark { return mark(binary.LittleEndian.Uint64(id[:])) }

// fellows remembers how far fellow supernodes are, and who of them has kept silent.
// When there are too many those are forgotten of whom nothing was heard for longest.
// The zero value knows nobody.
type fellows struct {
	young, old map[mark]memo
	birth      time.Time // a moment before the first was put
	gloom      int       // the share of those asked lately who were silent, of gloomFull
}

func (l *fellows) find(id identity.ID) fellow {
	m, ok := l.young[markOf(id)]
	if !ok {
		m = l.old[markOf(id)]
	}
	f := fellow{rtt: time.Duration(m.rtt) * time.Microsecond}
	if m.muted > 0 {
		f.muted = l.birth.Add(m.muted)
	}
	return f
}

func (l *fellows) put(now time.Time, id identity.ID, f fellow) {
	if l.birth.IsZero() {
		l.birth = now.Add(-time.Second)
	}
	m := memo{rtt: uint32(f.rtt.Microseconds())}
	if !f.muted.IsZero() {
		m.muted = f.muted.Sub(l.birth)
	}
	if _, known := l.young[markOf(id)]; !known && (l.young == nil || len(l.young) >= maxFellows/2) {
		l.old, l.young = l.young, map[mark]memo{}
	}
	l.young[markOf(id)] = m
}

// answered notes an answer. Of one that was asked twice nobody knows to which
// question it belongs (P. Karn, C. Partridge: Improving round-trip time estimates,
// SIGCOMM 1987).
func (l *fellows) answered(now time.Time, a *ask) {
	f := l.find(a.to.Node)
	f.muted = time.Time{}
	if a.pause == askAgain {
		f.rtt = now.Sub(a.asked)
	}
	l.put(now, a.to.Node, f)
	l.gloom -= l.gloom / 8
}

// overdue notes that somebody has not answered, once for each question.
func (l *fellows) overdue(now time.Time, a *ask) {
	f := l.find(a.to.Node)
	if !f.muted.Before(a.asked) {
		return
	}
	f.muted = now
	l.put(now, a.to.Node, f)
	l.gloom += (gloomFull - l.gloom) / 8
}

// expect returns when an answer may be expected: of whom has kept silent lately,
// after all others.
func (l *fellows) expect(now time.Time, id identity.ID) time.Duration {
	f := l.find(id)
	switch {
	case now.Sub(f.muted) < mutedFor:
		return askWait
	case f.rtt == 0:
		return strangerRTT
	}
	return f.rtt
}

// sort puts those first who answer soonest; of equals the nearer to the key stays
// before.
func (l *fellows) sort(now time.Time, queue []wire.Member) {
	slices.SortStableFunc(queue, func(a, b wire.Member) int { return cmp.Compare(l.expect(now, a.Node), l.expect(now, b.Node)) })
}

// first returns how many a search begins with.
func (l *fellows) first() int {
	if l.gloom >= gloomFrom {
		return waveNext
	}
	return waveFirst
}

// patience returns how long a wave is waited for before the next one goes out: until
// the second of them is overdue.
func (l *fellows) patience(now time.Time, wave []wire.Member) time.Duration {
	wait := waveWait
	var soonest [2]time.Duration
	for i, to := range wave {
		e := l.expect(now, to.Node)
		switch {
		case i == 0, e < soonest[0]:
			soonest = [2]time.Duration{e, soonest[0]}
		case i == 1, e < soonest[1]:
			soonest[1] = e
		}
	}
	if len(wave) > 1 {
		wait = min(wait, due(soonest[1]))
	}
	return wait
}

// due returns when an answer is overdue that may be expected after rtt.
func due(rtt time.Duration) time.Duration { return rtt + rtt/4 + overdueBy }

// missed notes who of a wave should have answered: whose distance is known.
func (l *fellows) missed(now time.Time, open asks) {
	for _, a := range open {
		if rtt := l.find(a.to.Node).rtt; rtt > 0 && now.Sub(a.asked) > due(rtt) {
			l.overdue(now, a)
		}
	}
}
