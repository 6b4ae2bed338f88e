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
	"runtime"
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
	now     func() hal.Instant
	packets chan []byte
	free    chan []byte
	done    chan struct{}
	dropped atomic.Uint64
}

func newCable(far *Leg, now func() hal.Instant) *cable {
	c := &cable{far: far, now: now, packets: make(chan []byte, 64), free: make(chan []byte, 64), done: make(chan struct{})}
	for range 64 {
		c.free <- make([]byte, 0, 1500)
	}
	go c.read() // ended by pull
	return c
}

func (c *cable) read() {
	defer close(c.done)
	Urgent() // as the reader of the socket is
	for p := range c.packets {
		c.far.Receive(c.now(), p)
		c.free <- p[:0]
	}
}

// pull takes the cable out.
func (c *cable) pull() {
	close(c.packets)
	<-c.done
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

// piece is half a second of what is heard, placed in what the far end said.
type piece struct {
	delay time.Duration // mouth to ear: from the far microphone's capture to this speaker's sounding
	match float64       // of 1
}

// mouthToEar places each half second that p heard.
func (p *phone) mouthToEar(far *phone) (pieces []piece) {
	p.t.Helper()
	heard, err := sim.ReadWAV(filepath.Join(p.dir, "heard.wav"))
	must(p.t, err)
	hp, ha := stamps(p.t, filepath.Join(p.dir, "heard.stamps"))
	mp, ma := stamps(p.t, filepath.Join(far.dir, "mic.stamps"))
	step := heard.Rate / 2
	for at := heard.Rate; at+step < len(heard.PCM)-heard.Rate/2; at += step {
		lag, match := align(heard.PCM[at:at+step], far.mic, at, heard.Rate/2)
		sounded, ok1 := instantOf(hp, ha, at, heard.Rate)
		captured, ok2 := instantOf(mp, ma, at-lag, heard.Rate)
		if ok1 && ok2 {
			pieces = append(pieces, piece{delay: sounded.Sub(captured), match: match})
		}
	}
	return pieces
}

// align finds by how many samples piece, which begins at at, lies later than in
// whole, and how well it matches there: first every few lags, then those around
// the best.
func align(piece, whole []int16, at, most int) (lag int, match float64) {
	match = -1
	try := func(l, step int) {
		from := at - l
		if from < 0 || from+len(piece) > len(whole) {
			return
		}
		if m := likeness(piece, whole[from:], step); m > match {
			lag, match = l, m
		}
	}
	coarse := len(piece) / 4000
	for l := -most / 4; l <= most; l += coarse {
		try(l, 2*coarse+1)
	}
	best := lag
	match = -1
	for l := best - 2*coarse; l <= best+2*coarse; l++ {
		try(l, 1)
	}
	return lag, match
}

// likeness is the normalised correlation of every step-th sample.
func likeness(a, b []int16, step int) float64 {
	var ab, aa, bb float64
	for i := 0; i < len(a); i += step {
		x, y := float64(a[i]), float64(b[i])
		ab += x * y
		aa += x * x
		bb += y * y
	}
	return ab / math.Sqrt(aa*bb+1)
}

// conversation is a call between two boards.
type conversation struct {
	rate   int // of both cards
	packet Encoder
	most   time.Duration // mouth to ear
}

// conversations are held to their figures in virtual time.
var conversations = []conversation{
	{rate: 16000, packet: pcmEncoder{}, most: 85 * time.Millisecond},
	{rate: 44100, packet: pcmEncoder{}, most: 85 * time.Millisecond},
	{rate: 48000, packet: pcmEncoder{}, most: 85 * time.Millisecond},
	{rate: 16000, packet: shortPCM{}, most: 70 * time.Millisecond},
	{rate: 48000, packet: shortPCM{}, most: 70 * time.Millisecond},
}

func (c conversation) name() string {
	return fmt.Sprintf("%d Hz, %d ms", c.rate, 10*c.packet.Units())
}

// shortPCM makes packets of 10 ms.
type shortPCM struct{ pcmEncoder }

func (shortPCM) Units() int { return 1 }

// TestMouthToEar talks in real time, by the clocks, threads and goroutines that a
// phone has: what is said comes both ways, and soon. How soon to the millisecond,
// and that nothing is concealed, is held in virtual time only: between a card's
// tick and the goroutine that waits for it a machine with other work adds what no
// instrument of a test sees, and the buffer waits for up to twice that.
func TestMouthToEar(t *testing.T) {
	// As the programs do: a thread that the system has put aside does not
	// keep an audio thread from running.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(4, runtime.NumCPU())))
	for _, c := range []conversation{conversations[0], conversations[1], conversations[4]} {
		t.Run(c.name(), func(t *testing.T) {
			wanting := []string{"a to b", "b to a"}
			for try := 1; try <= 5 && len(wanting) > 0; try++ {
				wanting = nil
				for _, w := range c.talk(t, sim.Config{}, 3*time.Second) {
					t.Logf("%s: %d of %d half seconds come within %v; %+v", w.name, w.soon(), len(w.pieces), soon, w.stats)
					if w.soon() == 0 {
						wanting = append(wanting, w.name)
					}
				}
			}
			if len(wanting) > 0 {
				t.Errorf("%v: of what was said not half a second is heard within %v", wanting, soon)
			}
		})
	}
}

// soon is of the order of a buffer that has seen a machine with other work: four
// times what the longest conversation takes on one that has none, and 60 ms.
const soon = 400 * time.Millisecond

// sameWords is the match of a piece that is what was said; a pitch period that is
// left out within a piece moves what is behind it.
const sameWords = 0.6

// way is one direction of a conversation.
type way struct {
	name    string
	pieces  []piece
	stats   Stats
	seconds []Second
}

// soon counts the pieces that are what was said, and came soon.
func (w way) soon() (n int) {
	for _, p := range w.pieces {
		if p.match >= sameWords && p.delay > 0 && p.delay <= soon {
			n++
		}
	}
	return n
}

// talk lets the two talk; their clocks differ.
func (c conversation) talk(t *testing.T, cfg sim.Config, length time.Duration) []way {
	t.Helper()
	cfg.Rate, cfg.DriftPPM = c.rate, 50
	a := newPhone(t, 1, cfg)
	cfg.DriftPPM = -50
	b := newPhone(t, 2, cfg)
	a.leg.enc, b.leg.enc = c.packet, c.packet
	ab, ba := newCable(b.leg, b.engine.now), newCable(a.leg, a.engine.now)
	a.leg.SetRoute(&Route{Sender: ab})
	b.leg.SetRoute(&Route{Sender: ba})
	a.engine.Talk(a.leg)
	b.engine.Talk(b.leg)
	time.Sleep(length)
	ways := []way{
		{name: "a to b", stats: b.leg.Stats(), seconds: b.leg.History()},
		{name: "b to a", stats: a.leg.Stats(), seconds: a.leg.History()},
	}
	for _, p := range []*phone{a, b} {
		p.engine.Close()
		must(t, p.board.Close())
	}
	ab.pull()
	ba.pull()
	ways[0].pieces, ways[1].pieces = b.mouthToEar(a), a.mouthToEar(b)
	return ways
}
