package overlay

import (
	"container/heap"
	"time"

	"peerphone/node/wire"
)

const (
	// beatFor is how long beats go on without another Refresh: nothing is sent for
	// long to an address where nobody listens any more.
	beatFor = refreshEvery * 5 / 4
	// fastestBeat bounds how often a guest can have a beat.
	fastestBeat = 5 * time.Second
	// newsPause is how often a guest can be told of members.
	newsPause = 50 * time.Second
)

// beat is a guest's wish to hear us.
type beat struct {
	nonce uint32
	every time.Duration
	at    time.Time // the next; zero: none
	end   time.Time // none is sent after that
	i     int       // 1 + place in Overlay.beats; 0: not there
}

// Refreshed takes the Refresh of a guest, and lets it hear us as it wants.
func (o *Overlay) Refreshed(now time.Time, ix wire.Index, r wire.Refresh) {
	l := o.link(ix)
	switch {
	case l == nil:
		o.counters.Unasked++
		return
	case l.guest != guest:
		o.counters.Unasked++
		o.send(l, wire.Refused{After: uint16(1 + o.jitter(minTurnAway)/time.Second)})
		return
	}
	o.calm = false
	l.guestEnd, l.others = now.Add(guestWait), r.Others
	if r.First == 0 {
		o.emit(Beat{ix, r.Nonce})
	}
	o.setBeat(now, l, r)
	if r.News && !l.newsAt.After(now) {
		l.newsAt = now.Add(newsPause)
		o.send(l, wire.Members{Live: o.membersFor(l, sample)})
	}
}

func (o *Overlay) setBeat(now time.Time, l *link, r wire.Refresh) {
	b := &l.beat
	b.nonce, b.every, b.end = r.Nonce, max(r.Every, fastestBeat), now.Add(beatFor)
	if r.Every == 0 {
		o.stopBeat(l)
		return
	}
	if b.at = now.Add(r.First); r.First == 0 {
		b.at = now.Add(b.every)
	}
	if b.i == 0 {
		heap.Push(&o.beats, l)
	} else {
		heap.Fix(&o.beats, b.i-1)
	}
	o.armBeats()
}

func (o *Overlay) stopBeat(l *link) {
	if l.beat.i > 0 {
		heap.Remove(&o.beats, l.beat.i-1)
		o.armBeats()
	}
	l.beat.at = time.Time{}
}

// sendBeats sends the beats that are due. It changes nothing else that Next
// depends on.
func (o *Overlay) sendBeats(now time.Time) {
	for passed(o.beatAt, now) {
		l := o.beats[0]
		o.out = append(o.out, Beat{l.ix, l.beat.nonce})
		if l.beat.at = now.Add(l.beat.every); l.beat.at.After(l.beat.end) {
			o.stopBeat(l)
			continue
		}
		heap.Fix(&o.beats, 0)
		o.armBeats()
	}
}

// armBeats sets the timer of the next beat.
func (o *Overlay) armBeats() {
	if o.beatAt = (time.Time{}); len(o.beats) > 0 {
		o.beatAt = o.beats[0].beat.at
	}
}

// beatWake returns when sendBeats has something to do.
func (o *Overlay) beatWake() time.Time {
	if o.gone {
		return time.Time{}
	}
	return o.beatAt
}

// beats is a heap (container/heap) of guests, the next beat on top.
type beats []*link

func (h beats) Len() int           { return len(h) }
func (h beats) Less(i, j int) bool { return h[i].beat.at.Before(h[j].beat.at) }
func (h beats) Swap(i, j int)      { h[i], h[j] = h[j], h[i]; h[i].beat.i, h[j].beat.i = i+1, j+1 }

// Push adds x.
func (h *beats) Push(x any) {
	l := x.(*link)
	*h = append(*h, l)
	l.beat.i = len(*h)
}

// Pop removes the last.
func (h *beats) Pop() any {
	old := *h
	l := old[len(old)-1]
	old[len(old)-1], l.beat.i = nil, 0
	*h = old[:len(old)-1]
	return l
}
