package trace

import (
	"encoding/binary"
	"slices"
	"sort"
	"time"

	"peerphone/hal"
	"peerphone/node/media/dsp"
	"peerphone/node/media/jitter"
)

const (
	// begin is the instant of a trace's time 0.
	begin = hal.Instant(1e15)
	pull  = 10 * time.Millisecond
	// firstTime lets the packets' time wrap early.
	firstTime = 65000
	units     = int(Frame / pull)
	samples   = units * dsp.Unit
)

// Player plays traces through a jitter buffer in virtual time.
type Player struct {
	Phase  time.Duration // when the first pull happens
	Speech []int16       // said again and again, at 16 kHz; nil: silence
	Listen Listener      // may be nil
}

// Listener is told about each 10 ms that were pulled at the time at of the
// trace.
type Listener func(at time.Duration, sound jitter.Sound, pcm []int16, b *jitter.Buffer)

// Result is what a listener had of a trace. Shares are of the time played.
type Result struct {
	MeanDelay float64 `json:"mean_delay"` // ms from sending a frame to the start of playing it
	P95       float64 `json:"p95"`        // its 95th percentile
	Concealed float64 `json:"concealed"`  // share made up, for what was lost too
	Stretched float64 `json:"stretched"`  // share added or left out
	SkewPPM   float64 `json:"skew_ppm"`   // of the sender's clock, as the buffer believes at the end
}

// Play plays t until its last packet has arrived.
func (p Player) Play(t Trace) Result {
	r := run{Player: p, b: jitter.New(new(pcm))}
	arrivals := slices.DeleteFunc(slices.Clone(t.Packets), func(p Packet) bool { return p.Lost })
	sort.SliceStable(arrivals, func(i, j int) bool { return arrivals[i].Arrived < arrivals[j].Arrived })
	for _, a := range arrivals {
		r.until(a.Arrived)
		r.insert(a)
	}
	return r.result()
}

// run is one playing of a trace.
type run struct {
	Player
	b      *jitter.Buffer
	pulls  int
	played int       // pulls since sound began
	delays []float64 // ms
	packet [2 * samples]byte
	sent   [1 << 16]time.Duration // by the packet's time
}

// until pulls what is due before end.
func (r *run) until(end time.Duration) {
	var sound [dsp.Unit]int16
	for ; ; r.pulls++ {
		at := r.Phase + time.Duration(r.pulls)*pull
		if at >= end {
			return
		}
		s := r.b.Pull(begin.Add(at), sound[:])
		if s.State == jitter.Playing || s.State == jitter.Starved {
			r.played++
		}
		if s.Arrived != 0 {
			r.delays = append(r.delays, ms(at+s.Offset-r.sent[s.Time]))
		}
		if r.Listen != nil {
			r.Listen(at, s, sound[:], r.b)
		}
	}
}

func (r *run) insert(p Packet) {
	for i := range samples {
		var v int16
		if n := len(r.Speech); n > 0 {
			v = r.Speech[(p.Seq*samples+i)%n]
		}
		binary.LittleEndian.PutUint16(r.packet[2*i:], uint16(v))
	}
	time := uint16(firstTime + p.Seq*units)
	r.sent[time] = p.Sent
	r.b.Insert(begin.Add(p.Arrived), time, r.packet[:])
}

func (r *run) result() Result {
	c := r.b.Counters()
	total := float64(max(r.played*dsp.Unit, 1))
	res := Result{
		Concealed: float64(c.MadeUp) / total,
		Stretched: float64(c.Stretched) / total,
		SkewPPM:   r.b.Skew(),
	}
	n := len(r.delays)
	if n == 0 {
		return res
	}
	for _, d := range r.delays {
		res.MeanDelay += d / float64(n)
	}
	sort.Float64s(r.delays)
	res.P95 = r.delays[n*95/100]
	return res
}
