package media

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"peerphone/hal"
	"peerphone/hal/sim"
	"peerphone/node/wire"
)

// speech makes seconds of something like speech: voiced sounds of gliding
// pitch, hissing ones, pauses; never twice the same within a recording.
func speech(seed uint64, rate int, seconds float64) []int16 {
	r := rand.New(rand.NewPCG(seed, 1))
	pcm := make([]int16, int(seconds*float64(rate)))
	for at := 0; at < len(pcm); {
		n := rate/20 + r.IntN(rate/6)
		pitch, glide := 90+r.Float64()*150, 1+(r.Float64()-0.5)*1e-5
		var phase float64
		kind := r.IntN(4)
		for i := 0; i < n && at < len(pcm); i++ {
			shape := 9000 * math.Sin(math.Pi*float64(i)/float64(n))
			phase += pitch / float64(rate)
			pitch *= glide
			var v float64
			switch kind {
			case 0:
				v = 0.3 * (r.Float64()*2 - 1)
			case 1, 2:
				for h := 1.0; h < 9; h++ {
					v += math.Sin(2*math.Pi*h*phase) / (h + 1)
				}
			}
			pcm[at] = int16(shape * v)
			at++
		}
	}
	return pcm
}

// cable is an in-memory route to a leg, with the delay of a goroutine's hand
// over; like a socket it drops when it is full.
type cable struct {
	far     *Leg
	packets chan []byte
	free    chan []byte
	dropped atomic.Uint64
}

func newCable(far *Leg) *cable {
	c := &cable{far: far, packets: make(chan []byte, 64), free: make(chan []byte, 64)}
	for range 64 {
		c.free <- make([]byte, 0, 1500)
	}
	go func() { // ends when the test closes packets
		for p := range c.packets {
			c.far.Receive(hal.Now(), p)
			c.free <- p[:0]
		}
	}()
	return c
}

func (c *cable) SendMedia(payload []byte) {
	select {
	case b := <-c.free:
		c.packets <- append(b, payload...)
	default:
		c.dropped.Add(1)
	}
}

// phone is an engine on a simulated board.
type phone struct {
	t      testing.TB
	dir    string
	mic    []int16
	board  *sim.Board
	engine *Engine
	leg    *Leg
}

func newPhone(t testing.TB, seed uint64, cfg sim.Config) *phone {
	t.Helper()
	p := &phone{t: t, dir: t.TempDir()}
	if cfg.Rate == 0 {
		cfg.Rate = 16000
	}
	p.mic = speech(seed, cfg.Rate, 8)
	cfg.Mic = filepath.Join(p.dir, "said.wav")
	cfg.Speaker = filepath.Join(p.dir, "heard.wav")
	must(t, sim.WriteWAV(cfg.Mic, sim.WAV{Rate: cfg.Rate, PCM: p.mic}))
	var err error
	p.board, err = sim.New(cfg)
	must(t, err)
	p.engine, err = NewEngine(p.board, slog.New(slog.NewTextHandler(io.Discard, nil)))
	must(t, err)
	p.leg = NewLeg(wire.CodecPCM16, false)
	return p
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// stamps reads a file of stamps.
func stamps(t testing.TB, name string) (pos []int, at []hal.Instant) {
	t.Helper()
	f, err := os.Open(name)
	must(t, err)
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var p int
		var i int64
		if _, err := fmt.Sscan(s.Text(), &p, &i); err != nil {
			t.Fatalf("%s: %q: %v", name, s.Text(), err)
		}
		pos, at = append(pos, p), append(at, hal.Instant(i))
	}
	return pos, at
}

// instantOf is when the sample at position n sounded or was captured.
func instantOf(pos []int, at []hal.Instant, n, rate int) (hal.Instant, bool) {
	for i := len(pos) - 1; i >= 0; i-- {
		if pos[i] <= n {
			return at[i].Add(time.Duration(n-pos[i]) * time.Second / time.Duration(rate)), n-pos[i] < rate/100
		}
	}
	return 0, false
}

// mouthToEar is the time from the far microphone's capture to this speaker's
// sounding, for each half second that matches, and the worst match.
func (p *phone) mouthToEar(far *phone) (delays []time.Duration, worst float64) {
	p.t.Helper()
	heard, err := sim.ReadWAV(filepath.Join(p.dir, "heard.wav"))
	must(p.t, err)
	hp, ha := stamps(p.t, filepath.Join(p.dir, "heard.stamps"))
	mp, ma := stamps(p.t, filepath.Join(far.dir, "mic.stamps"))
	worst = 1
	step := heard.Rate / 2
	for at := heard.Rate; at+step < len(heard.PCM)-heard.Rate/2; at += step {
		lag, match := align(heard.PCM[at:at+step], far.mic, at, heard.Rate/2)
		sounded, ok1 := instantOf(hp, ha, at, heard.Rate)
		captured, ok2 := instantOf(mp, ma, at-lag, heard.Rate)
		if !ok1 || !ok2 {
			continue
		}
		delays = append(delays, sounded.Sub(captured))
		worst = min(worst, match)
	}
	return delays, worst
}

// align finds by how many samples piece, which begins at at, lies later than in
// whole, and how well it matches there.
func align(piece, whole []int16, at, most int) (lag int, match float64) {
	match = -1
	for l := -most; l <= most; l++ {
		from := at - l
		if from < 0 || from+len(piece) > len(whole) {
			continue
		}
		var ab, aa, bb float64
		for i := 0; i < len(piece); i += 3 {
			a, b := float64(piece[i]), float64(whole[from+i])
			ab += a * b
			aa += a * a
			bb += b * b
		}
		if m := ab / math.Sqrt(aa*bb+1); m > match {
			lag, match = l, m
		}
	}
	return lag, match
}

func TestMouthToEar(t *testing.T) {
	for _, rate := range []int{16000, 48000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) { testMouthToEar(t, rate) })
	}
}

func testMouthToEar(t *testing.T, rate int) {
	a := newPhone(t, 1, sim.Config{Rate: rate, DriftPPM: 50})
	b := newPhone(t, 2, sim.Config{Rate: rate, DriftPPM: -50})
	ab, ba := newCable(b.leg), newCable(a.leg)
	a.leg.SetRoute(&Route{ab})
	b.leg.SetRoute(&Route{ba})
	a.engine.Talk(a.leg)
	b.engine.Talk(b.leg)
	time.Sleep(5 * time.Second)
	sa, sb := a.leg.Stats(), b.leg.Stats()
	for _, p := range []*phone{a, b} {
		p.engine.Close()
		must(t, p.board.Close())
	}
	close(ab.packets)
	close(ba.packets)
	for _, c := range []struct {
		name      string
		ear, said *phone
		s         Stats
	}{{"a to b", b, a, sb}, {"b to a", a, b, sa}} {
		delays, match := c.ear.mouthToEar(c.said)
		if len(delays) < 4 {
			t.Fatalf("%s: only %d pieces could be placed", c.name, len(delays))
		}
		var sum, most time.Duration
		for _, d := range delays {
			sum += d
			most = max(most, d)
		}
		t.Logf("%s at %d Hz: mouth to ear %.1f ms mean, %.1f ms worst of %d pieces, match %.3f; buffer delay %.1f ms; %+v",
			c.name, rate, ms(sum)/float64(len(delays)), ms(most), len(delays), match, c.s.DelayMS, c.s)
		if most > 120*time.Millisecond {
			t.Errorf("%s: mouth to ear %v, want at most 120 ms", c.name, most)
		}
		if c.s.Concealed != 0 {
			t.Errorf("%s: %d frames concealed, want 0", c.name, c.s.Concealed)
		}
		if match < 0.8 {
			t.Errorf("%s: what is heard matches what was said by %.3f only", c.name, match)
		}
	}
}
