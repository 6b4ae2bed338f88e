package media

import (
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"peerphone/hal"
	"peerphone/hal/haltest"
	"peerphone/hal/sim"
	"peerphone/node/media/dsp"
	"peerphone/node/wire"
)

// desk is an engine on a fake card, in virtual time.
type desk struct {
	*testing.T
	card   *haltest.Card
	engine *Engine
}

func onDesk(t *testing.T, rate int, run func(*desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{T: t, card: haltest.NewCard(rate)}
		var err error
		d.engine, err = NewEngine(d.card, slog.New(slog.NewTextHandler(io.Discard, nil)))
		must(t, err)
		defer d.engine.Close()
		run(d)
	})
}

// wait lets time pass and everything that is due happen.
func (d *desk) wait(t time.Duration) {
	time.Sleep(t)
	synctest.Wait()
}

func (d *desk) wantCard(mic, speaker CardState) {
	d.Helper()
	if m, s := d.engine.Card(); m != mic || s != speaker {
		d.Errorf("card: microphone %v, speaker %v; want %v, %v", m, s, mic, speaker)
	}
}

// wantSound checks whether what was played since the last look sounds.
func (d *desk) wantSound(what string, want bool) {
	d.Helper()
	played := d.card.Played()
	if sounds := dsp.Energy(played) > uint64(len(played)); sounds != want {
		d.Errorf("%s: sounds %v, want %v", what, sounds, want)
	}
}

// collector is a route that keeps what is sent.
type collector struct {
	mu   sync.Mutex
	sent [][]byte
}

func (c *collector) SendMedia(payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = append(c.sent, append([]byte(nil), payload...))
}

func (c *collector) take() [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sent
	c.sent = nil
	return s
}

func TestMicrophoneIsOpenOnlyWhileTalking(t *testing.T) {
	onDesk(t, 16000, func(d *desk) {
		d.wait(time.Second)
		d.wantCard(CardClosed, CardClosed)
		d.engine.Tone(ToneDial)
		d.wait(time.Second)
		d.wantCard(CardClosed, CardOpen)
		leg := NewLeg(wire.CodecPCM16, false)
		d.engine.Tone(ToneNone)
		d.engine.Talk(leg)
		d.wait(time.Second)
		d.wantCard(CardOpen, CardOpen)
		d.engine.Talk(leg) // once more changes nothing
		d.engine.Talk(nil)
		if mic, _ := d.card.Open(); mic {
			d.Error("the microphone is open after Talk(nil)")
		}
		d.wait(time.Second)
		d.wantCard(CardClosed, CardClosed)
		if n, _ := d.card.Opened(); n != 1 {
			d.Errorf("the microphone was opened %d times, want 1", n)
		}
	})
}

func TestCloseWhileTalkingEndsEverything(t *testing.T) {
	onDesk(t, 16000, func(d *desk) {
		d.engine.Tone(ToneRingback)
		d.engine.Talk(NewLeg(wire.CodecPCM16, false))
		d.wait(95 * time.Millisecond)
		d.engine.Close()
		if mic, speaker := d.card.Open(); mic || speaker {
			d.Errorf("open after Close: microphone %v, speaker %v", mic, speaker)
		}
		d.engine.Talk(NewLeg(wire.CodecPCM16, false))
		d.engine.Close()
		d.wait(time.Second)
		d.wantCard(CardClosed, CardClosed)
	})
}

func TestTonesSoundAndStop(t *testing.T) {
	for _, rate := range hal.Rates {
		onDesk(t, rate, func(d *desk) {
			d.engine.Tone(ToneDial)
			d.wait(200 * time.Millisecond)
			d.wantSound("dial tone", true)
			d.engine.Tone(ToneNone)
			d.wait(50 * time.Millisecond)
			d.card.Played()
			d.wait(100 * time.Millisecond)
			d.wantSound("after the dial tone", false)
			d.engine.Tone(ToneRingback)
			d.wait(1200 * time.Millisecond)
			d.wantSound("ringback", true)
			d.wait(3500 * time.Millisecond)
			d.wantSound("between rings", false)
		})
	}
}

func TestPacketsOfACall(t *testing.T) {
	onDesk(t, 16000, func(d *desk) {
		var route collector
		leg := NewLeg(wire.CodecPCM16, false)
		d.card.Hear(func(pcm []int16) {
			for i := range pcm {
				pcm[i] = 1000
			}
		})
		d.engine.Talk(leg)
		d.wait(95 * time.Millisecond) // nowhere to go yet: 4 packets
		leg.SetRoute(&Route{Sender: &route})
		d.wait(time.Second)
		d.engine.Talk(nil)
		sent := route.take()
		if len(sent) != 50 {
			d.Fatalf("%d packets in a second, want 50", len(sent))
		}
		var former wire.Media
		for i, p := range sent {
			m, ok := wire.ParseMedia(p)
			if !ok || m.Codec != wire.CodecPCM16 || len(m.Sound) != 640 || m.Sound[0] != 0xe8 || m.Sound[1] != 3 {
				d.Fatalf("packet %d: %+v, %d bytes", i, m, len(m.Sound))
			}
			if i > 0 && (m.Time-former.Time != 2 || m.Seq-former.Seq != 1) {
				d.Fatalf("packet %d has time %d, number %d after %d, %d", i, m.Time, m.Seq, former.Time, former.Seq)
			}
			former = m
		}
		s := leg.Stats()
		if s.Sent != 50 || s.BytesUp != 50*(4+640+22+28) {
			d.Errorf("%d packets, %d bytes counted", s.Sent, s.BytesUp)
		}
		if s.LevelIn > -30.2 || s.LevelIn < -30.4 {
			d.Errorf("level in %.2f dBFS, want -30.3", s.LevelIn)
		}

		// The microphone was closed for 5 s: the time has gone on.
		d.wait(5 * time.Second)
		d.engine.Talk(leg)
		d.wait(100 * time.Millisecond)
		sent = route.take()
		m, _ := wire.ParseMedia(sent[1])
		if step := m.Time - former.Time; step < 498 || step > 506 {
			d.Errorf("after 5 s the time has gone on by %d units of 10 ms", step)
		}
	})
}

func TestMutedLegSendsSilence(t *testing.T) {
	onDesk(t, 16000, func(d *desk) {
		var route collector
		leg := NewLeg(wire.CodecPCM16, true)
		leg.SetRoute(&Route{Sender: &route})
		d.card.Hear(func(pcm []int16) { pcm[0] = 20000 })
		d.engine.Talk(leg)
		d.wait(time.Second)
		for _, p := range route.take() {
			for _, b := range p[wire.MediaHeader:] {
				if b != 0 {
					d.Fatal("a muted leg sends sound")
				}
			}
		}
		leg.Mute(false)
		d.wait(time.Second)
		if sent := route.take(); len(sent) == 0 || sent[10][wire.MediaHeader] == 0 {
			d.Error("nothing is heard after unmuting")
		}
	})
}

func TestStallsDoNotEndACall(t *testing.T) {
	onDesk(t, 16000, func(d *desk) {
		var route collector
		leg := NewLeg(wire.CodecPCM16, false)
		leg.SetRoute(&Route{Sender: &route})
		d.engine.Talk(leg)
		d.wait(500 * time.Millisecond)
		d.card.Stall(3)
		d.wait(500 * time.Millisecond)
		d.wantCard(CardOpen, CardOpen)
		if m, s := d.engine.Stalls(); m != 3 || s != 3 {
			d.Errorf("%d and %d stalls counted, want 3 and 3", m, s)
		}
		// The time of the lost 30 ms has passed on the wire too.
		sent := route.take()
		first, _ := wire.ParseMedia(sent[0])
		last, _ := wire.ParseMedia(sent[len(sent)-1])
		if span := last.Time - first.Time; span < 96 || span > 98 {
			d.Errorf("the packets of a second span %d units of 10 ms", span)
		}
		if m, s := d.card.Opened(); m != 1 || s != 1 {
			d.Errorf("opened %d and %d times, want once", m, s)
		}
	})
}

func TestCardThatIsGoneComesBack(t *testing.T) {
	onDesk(t, 16000, func(d *desk) {
		var route collector
		leg := NewLeg(wire.CodecPCM16, false)
		leg.SetRoute(&Route{Sender: &route})
		d.engine.Talk(leg)
		d.wait(500 * time.Millisecond)
		d.card.Unplug()
		d.wait(100 * time.Millisecond)
		d.wantCard(CardGone, CardGone)
		route.take()
		d.wait(5 * time.Second)
		d.wantCard(CardGone, CardGone)
		d.card.Plug()
		d.wait(1200 * time.Millisecond)
		d.wantCard(CardOpen, CardOpen)
		if len(route.take()) == 0 {
			d.Error("nothing is sent after the card came back")
		}
		d.card.Unplug()
		d.wait(100 * time.Millisecond)
		d.engine.Talk(nil) // must not wait for the card
		d.wait(2 * time.Second)
		d.wantCard(CardClosed, CardClosed)
	})
}

func TestForeignPayloadsAreCountedAndDropped(t *testing.T) {
	leg := NewLeg(wire.CodecPCM16, false)
	for _, p := range [][]byte{nil, {0x80}, {0x80, 0, 0, 0}, {0x81, 0, 0, 0, 1, 2}, {0xff, 0, 0, 0, 1}, {0x04, 1, 2, 3, 4, 5}} {
		leg.Receive(1, p)
	}
	if s := leg.Stats(); s.Received != 0 || leg.books.foreign.Load() != 6 {
		t.Errorf("%d received, %d foreign; want 0 and 6", s.Received, leg.books.foreign.Load())
	}
	if NewLeg(wire.Codec(7), false) != nil {
		t.Error("a leg of an unknown codec")
	}
}

// mirror sends a leg's own packets back to it.
type mirror struct{ leg *Leg }

func (m mirror) SendMedia(payload []byte) { m.leg.Receive(goNow(), payload) }

func goNow() hal.Instant { return sim.GoTime{}.Now() }

func TestHistoryHasASecondForEachSecond(t *testing.T) {
	if testing.Short() {
		t.Skip("virtual minutes, which the race detector makes long")
	}
	onDesk(t, 16000, func(d *desk) {
		leg := NewLeg(wire.CodecPCM16, false)
		leg.SetRoute(&Route{Sender: mirror{leg}})
		d.card.Hear(func(pcm []int16) { copy(pcm, speech(1, 16000, 0.01)) })
		d.engine.Talk(leg)
		d.wait(400*time.Second + 50*time.Millisecond)
		h := leg.History()
		if len(h) != historySeconds {
			d.Fatalf("%d seconds, want %d", len(h), historySeconds)
		}
		for i, s := range h {
			if s.BytesUp < 49*694 || s.BytesUp > 51*694+4*17 || s.BytesDown < 49*694 || s.BytesDown > 51*694+4*17 || s.Lost != 0 || s.Concealed != 0 {
				d.Fatalf("second %d: %+v", i, s)
			}
			if i > 0 && (s.At-h[i-1].At < 0.98 || s.At-h[i-1].At > 1.02) {
				d.Fatalf("second %d is at %v after %v", i, s.At, h[i-1].At)
			}
			// 10 to 50 ms in the buffer and 20 to 30 in the card.
			if s.DelayMS < 25 || s.DelayMS > 90 {
				d.Fatalf("second %d: delay %v ms", i, s.DelayMS)
			}
		}
	})
}

// Ten minutes between two phones whose cards drift apart by 200 ppm, on
// simulated boards in virtual time. Package jitter's test has the hour.
func TestLongCallWithDrift(t *testing.T) {
	if testing.Short() {
		t.Skip("virtual minutes, which the race detector makes long")
	}
	synctest.Test(t, func(t *testing.T) {
		log := slog.New(slog.NewTextHandler(io.Discard, nil))
		var legs []*Leg
		for _, ppm := range []float64{-100, 100} {
			board, err := sim.New(sim.Config{DriftPPM: ppm, Clock: sim.GoTime{}})
			must(t, err)
			engine, err := NewEngine(board, log)
			must(t, err)
			defer engine.Close()
			leg := NewLeg(wire.CodecPCM16, false)
			engine.Talk(leg)
			legs = append(legs, leg)
		}
		legs[0].SetRoute(&Route{Sender: mirror{legs[1]}})
		legs[1].SetRoute(&Route{Sender: mirror{legs[0]}})
		time.Sleep(10 * time.Minute)
		for i, l := range legs {
			s := l.Stats()
			t.Logf("leg %d: %+v", i, s)
			if s.Concealed != 0 || s.Lost != 0 || s.Late != 0 {
				t.Errorf("leg %d: %d concealed, %d lost, %d late; want none", i, s.Concealed, s.Lost, s.Late)
			}
			for _, h := range l.History() {
				if h.DelayMS < 30 || h.DelayMS > 80 {
					t.Fatalf("leg %d: delay %v ms", i, h.DelayMS)
				}
			}
		}
	})
}

func TestNothingIsAllocatedPerFrame(t *testing.T) {
	card := haltest.NewCard(48000)
	e, err := NewEngine(card, slog.New(slog.NewTextHandler(io.Discard, nil)))
	must(t, err)
	e.Close() // its goroutine must not run: the stages are walked by hand
	leg := NewLeg(wire.CodecPCM16, false)
	leg.SetRoute(&Route{Sender: mirror{leg}})
	c, p := newCapture(e, leg), newPlayout(e)
	e.leg.Store(leg)
	e.tone.Store(uint32(ToneBusy))
	e.now = goNow
	at := goNow()
	n := 0
	got := testing.AllocsPerRun(1000, func() {
		n++
		c.frame.At, c.frame.Gap = at, n%50 == 0
		if n%50 == 0 {
			at = at.Add(50 * time.Millisecond)
		}
		c.walk()
		e.Key("0123456789"[n%10])
		p.render()
		p.period()
		p.leg.sounds(at.Add(20 * time.Millisecond))
		at = at.Add(unit)
	})
	if got != 0 {
		t.Errorf("%v allocations per frame, want 0", got)
	}
	if s := leg.Stats(); s.Sent == 0 || s.Received == 0 || len(leg.History()) == 0 {
		t.Errorf("not all stages ran: %+v", s)
	}
}

type oddCard struct{ hal.Card }

func (oddCard) Format() hal.Format { return hal.Format{Rate: 44100, Period: 882} }

func TestFormatsThatAreRefused(t *testing.T) {
	for _, card := range []hal.Card{oddCard{}, struct{ hal.Card }{}} {
		if _, err := NewEngine(card, nil); !errors.Is(err, ErrFormat) {
			t.Errorf("got %v, want ErrFormat", err)
		}
	}
}

func TestPCMRefusesOddPackets(t *testing.T) {
	var d pcmDecoder
	for n, want := range map[int]int{0: 0, 1: 0, 319: 0, 320: 1, 640: 2, 960: 3, 1280: 0, 641: 0} {
		if got := d.Duration(make([]byte, n)); got != want {
			t.Errorf("%d bytes: %d units, want %d", n, got, want)
		}
	}
	if err := d.Decode(make([]int16, 160), make([]byte, 640)); err == nil {
		t.Error("a packet longer than its room was decoded")
	}
}

// BenchmarkFrame is what one call costs for each 10 ms on a 48 kHz card:
// capture, coding, jitter buffer, decoding and playout.
func BenchmarkFrame(b *testing.B) {
	e := &Engine{format: hal.Format{Rate: 48000, Period: 480}, now: goNow}
	must(b, e.convert())
	leg := NewLeg(wire.CodecPCM16, false)
	at := hal.Instant(1e9)
	e.now = func() hal.Instant { return at }
	leg.SetRoute(&Route{Sender: back{leg, &at}})
	c, p := newCapture(e, leg), newPlayout(e)
	e.leg.Store(leg)
	copy(c.frame.PCM, speech(1, 48000, 0.01))
	for range b.N {
		c.frame.At = at
		at = at.Add(unit)
		c.walk()
		p.render()
		p.period()
		p.leg.sounds(at.Add(20 * time.Millisecond))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1000/float64(b.N), "us/10ms")
}

// back is mirror with a clock of the test's.
type back struct {
	leg *Leg
	at  *hal.Instant
}

func (m back) SendMedia(payload []byte) { m.leg.Receive(*m.at, payload) }
