package jitter

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"sort"
	"sync"
	"testing"
	"time"

	"peerphone/hal"
	"peerphone/node/media/dsp"
)

// pcm16 is a decoder of linear PCM in packets of any number of units, 0xffff
// at the start being a packet that will not decode.
type pcm16 struct {
	c       dsp.Concealer
	decoded int
}

func (*pcm16) Duration(p []byte) int {
	if len(p)%(2*Unit) != 0 {
		return 0
	}
	return len(p) / (2 * Unit)
}

type spoiltPacket struct{}

func (spoiltPacket) Error() string { return "spoilt" }

func (d *pcm16) Decode(pcm []int16, p []byte) error {
	if p[0] == 0xff && p[1] == 0x7f {
		return spoiltPacket{}
	}
	d.decoded++
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(p[2*i:]))
	}
	d.c.Hear(pcm)
	return nil
}

func (d *pcm16) Conceal(pcm []int16) { d.c.Conceal(pcm) }

// flight is a packet on its way: seq-th, sent and arriving at these times
// after the start.
type flight struct {
	seq  int
	at   time.Duration
	lost bool
}

// link is a sender, a network and a receiver in virtual time.
type link struct {
	t      testing.TB
	b      *Buffer
	units  int     // per packet
	start  uint16  // time of packet 0
	ppm    float64 // by how much the receiver's card is fast
	sender float64 // by how many ppm the sender's clock is slow
	pull   time.Duration
	begin  hal.Instant

	pulls  int
	played []int16
	keep   bool // collect played
	delay  time.Duration
	delays int
	waits  []time.Duration // delay of each second, nothing for none
	sumW   time.Duration
	numW   int
}

func newLink(t testing.TB) *link {
	return &link{t: t, b: New(new(pcm16)), units: 2, start: 65000, begin: 1e9}
}

// tone is the sender's sound at sample n: 200 Hz and its overtones.
func tone(n int) int16 {
	x := 2 * math.Pi * 200 / Rate * float64(n)
	return int16(4000*math.Sin(x) + 2000*math.Sin(2*x) + 1000*math.Sin(3*x))
}

var (
	packetsMu sync.Mutex
	packets   = map[[2]int][]byte{}
)

// packet is the seq-th packet of tone; what it returns is not to be written.
func packet(seq, units int) []byte {
	packetsMu.Lock()
	defer packetsMu.Unlock()
	key := [2]int{seq, units}
	if packets[key] == nil {
		packets[key] = makePacket(seq, units)
	}
	return packets[key]
}

func makePacket(seq, units int) []byte {
	p := make([]byte, 0, 2*units*Unit)
	for i := range units * Unit {
		p = binary.LittleEndian.AppendUint16(p, uint16(tone(seq*units*Unit+i)))
	}
	return p
}

// run plays the arrivals and then until the end.
func (l *link) run(as []flight, end time.Duration) {
	sort.SliceStable(as, func(i, j int) bool { return as[i].at < as[j].at })
	for _, a := range as {
		if a.lost {
			continue
		}
		l.pullUntil(a.at)
		l.insert(a)
	}
	l.pullUntil(end)
}

func (l *link) insert(a flight) Fate {
	return l.b.Insert(l.begin.Add(a.at), l.start+uint16(a.seq*l.units), packet(a.seq%50, l.units))
}

// pullAt is when the n-th pull of the card happens.
func (l *link) pullAt(n int) time.Duration {
	return l.pull + time.Duration(float64(n)*1e7/(1+l.ppm/1e6))
}

func (l *link) pullUntil(end time.Duration) {
	var pcm [Unit]int16
	for l.pullAt(l.pulls) <= end {
		at := l.begin.Add(l.pullAt(l.pulls))
		s := l.b.Pull(at, pcm[:])
		l.pulls++
		if s.Arrived != 0 {
			d := at.Add(s.Offset).Sub(s.Arrived)
			l.delay += d
			l.delays++
			l.sumW += d
			l.numW++
		}
		if l.pulls%100 == 0 {
			if l.numW > 0 {
				l.waits = append(l.waits, l.sumW/time.Duration(l.numW))
			}
			l.sumW, l.numW = 0, 0
		}
		if l.keep {
			l.played = append(l.played, pcm[:]...)
		}
	}
}

func (l *link) meanDelay() time.Duration { return l.delay / time.Duration(max(l.delays, 1)) }

// steady are n packets that take delay and up to jitter more.
func (l *link) steady(seed uint64, n int, delay, jitter time.Duration) []flight {
	r := rand.New(rand.NewPCG(seed, 0))
	as := make([]flight, n)
	for i := range as {
		as[i] = flight{seq: i, at: l.sent(i) + delay}
		if jitter > 0 {
			as[i].at += time.Duration(r.Int64N(int64(jitter)))
		}
	}
	return as
}

func (l *link) sent(seq int) time.Duration {
	return time.Duration(float64(seq*l.units) * 1e7 * (1 + l.sender/1e6))
}
