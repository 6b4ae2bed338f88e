package main

import (
	"container/heap"
	"math/rand/v2"
	"time"

	"peerphone/node/wire"
)

// headers is what a payload costs on the wire: session header and tag, IPv4 and
// UDP.
const headers = wire.SessionHeader + wire.Tag + 20 + 8

// voiceLink is one direction of a network: a bottleneck with a queue, then a way
// that delays, and loses packets in bursts.
type voiceLink struct {
	rate   float64       // bytes a second of the bottleneck; 0: as many as come
	queue  time.Duration // that a packet may wait there; one that would wait longer is dropped
	delay  time.Duration
	jitter time.Duration // mean of what each packet takes more
	loss   gilbert
	extra  int // bytes that each packet costs besides headers
	r      *rand.Rand

	free   time.Duration // when the bottleneck has sent all it has
	latest time.Duration // of the arrivals
	flying flights
	seq    int

	count   linkCount
	counted linkCount // at the end of the speech
}

// linkCount is what became of packets.
type linkCount struct{ sent, dropped, lost, bytes int }

// gilbert loses packets with two states; mean is how many in a row.
type gilbert struct {
	share, mean float64
	bad         bool
}

func (g *gilbert) loses(r *rand.Rand) bool {
	end := 1 / max(g.mean, 1)
	if g.mean <= 1 || g.share >= 1 {
		return r.Float64() < g.share // at random, one by one
	}
	if g.bad {
		g.bad = r.Float64() >= end
	} else {
		g.bad = r.Float64() < end*g.share/(1-g.share)
	}
	return g.bad
}

// voiceFlight is a packet on its way.
type voiceFlight struct {
	at      time.Duration
	seq     int
	payload []byte
}

type flights []voiceFlight

func (f flights) Len() int { return len(f) }
func (f flights) Less(i, j int) bool {
	return f[i].at < f[j].at || f[i].at == f[j].at && f[i].seq < f[j].seq
}
func (f flights) Swap(i, j int) { f[i], f[j] = f[j], f[i] }
func (f *flights) Push(x any)   { *f = append(*f, x.(voiceFlight)) }
func (f *flights) Pop() any {
	last := (*f)[len(*f)-1]
	*f = (*f)[:len(*f)-1]
	return last
}

// send lets a packet go at a time.
func (l *voiceLink) send(at time.Duration, payload []byte) {
	size := len(payload) + headers + l.extra
	l.count.sent++
	l.count.bytes += size
	if l.rate > 0 {
		if l.free-at > l.queue {
			l.count.dropped++
			return
		}
		l.free = max(l.free, at) + time.Duration(float64(size)/l.rate*float64(time.Second))
		at = l.free
	}
	if l.loss.loses(l.r) {
		l.count.lost++
		return
	}
	at += l.delay + time.Duration(l.r.ExpFloat64()*float64(l.jitter))
	l.latest = max(l.latest, at) // packets do not overtake each other
	l.seq++
	heap.Push(&l.flying, voiceFlight{l.latest, l.seq, append([]byte(nil), payload...)})
}

// arrives is when the next packet does, never if there is none.
func (l *voiceLink) arrives() time.Duration {
	if len(l.flying) == 0 {
		return never
	}
	return l.flying[0].at
}

// never is later than any call.
const never = time.Duration(1<<63 - 1)

func (l *voiceLink) take() voiceFlight { return heap.Pop(&l.flying).(voiceFlight) }
