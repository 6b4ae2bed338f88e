package haltest

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"peerphone/hal"
)

const (
	period = 10 * time.Millisecond
	// wakeup is how late a thread may be woken on the machine that runs this.
	wakeup = 60 * time.Millisecond
)

// A card under test.
type cardTest struct {
	*testing.T
	card   hal.Card
	format hal.Format
	now    func() hal.Instant
}

// TestCard runs the conformance tests of a sound card, in real time; open makes
// a fresh one with nothing open.
func TestCard(t *testing.T, open func(t *testing.T) hal.Card) {
	testCard(t, open, func(t *testing.T, test func(t *testing.T)) { test(t) })
}

// TestVirtualCard is TestCard for a card that runs by package time: each test
// has a bubble of testing/synctest, so that a busy machine disturbs nothing.
func TestVirtualCard(t *testing.T, open func(t *testing.T) hal.Card) {
	testCard(t, open, synctest.Test)
}

func testCard(t *testing.T, open func(*testing.T) hal.Card, in func(*testing.T, func(*testing.T))) {
	for _, test := range []struct {
		name string
		run  func(*cardTest)
	}{
		{"Format", (*cardTest).formatIsOurs},
		{"MicTime", (*cardTest).micKeepsTime},
		{"SpeakerTime", (*cardTest).speakerKeepsTime},
		{"LateReader", (*cardTest).lateReaderLosesNothing},
		{"CloseEndsRead", (*cardTest).closeEndsRead},
		{"CloseEndsWrite", (*cardTest).closeEndsWrite},
		{"OpenOnce", (*cardTest).eachDirectionOpensOnce},
		{"Allocations", (*cardTest).nothingIsAllocated},
	} {
		t.Run(test.name, func(t *testing.T) {
			in(t, func(t *testing.T) {
				card := open(t)
				f, ok := card.(hal.Formatter)
				if !ok {
					t.Fatal("the card is no hal.Formatter")
				}
				test.run(&cardTest{t, card, f.Format(), clockOf(card)})
			})
		})
	}
}

func (t *cardTest) openMic() hal.Mic {
	t.Helper()
	m, err := t.card.OpenMic()
	if err != nil {
		t.Fatalf("OpenMic: %v", err)
	}
	return m
}

func (t *cardTest) openSpeaker() hal.Speaker {
	t.Helper()
	s, err := t.card.OpenSpeaker()
	if err != nil {
		t.Fatalf("OpenSpeaker: %v", err)
	}
	return s
}

func (t *cardTest) frame() hal.Frame { return hal.Frame{PCM: make([]int16, t.format.Period)} }

// read reads; a stall or two are the machine's.
func (t *cardTest) read(m hal.Mic, f *hal.Frame) {
	t.Helper()
	for range 3 {
		err := m.Read(f)
		if err == nil {
			return
		}
		if !errors.Is(err, hal.ErrStall) {
			t.Fatalf("Read: %v", err)
		}
	}
	t.Fatal("Read stalls again and again")
}

func (t *cardTest) write(s hal.Speaker, pcm []int16) hal.Instant {
	t.Helper()
	for range 3 {
		at, err := s.Write(pcm)
		if err == nil {
			return at
		}
		if !errors.Is(err, hal.ErrStall) {
			t.Fatalf("Write: %v", err)
		}
	}
	t.Fatal("Write stalls again and again")
	return 0
}

func (t *cardTest) formatIsOurs() {
	if !t.format.Valid() {
		t.Errorf("%d Hz in periods of %d samples, want one of %d and 10 ms", t.format.Rate, t.format.Period, hal.Rates)
	}
}

func (t *cardTest) micKeepsTime() {
	opened := t.now()
	m := t.openMic()
	defer m.Close()
	f := t.frame()
	var former hal.Instant
	for i := range 30 {
		t.read(m, &f)
		now := t.now()
		if age := now.Sub(f.At); age < period-time.Millisecond || age > period+wakeup {
			t.Errorf("frame %d is %v old when it is read", i, age)
		}
		if f.At < opened {
			t.Errorf("frame %d was captured before the microphone opened", i)
		}
		if step := f.At.Sub(former); i > 0 && !f.Gap && (step < 9*time.Millisecond || step > 11*time.Millisecond) {
			t.Errorf("frame %d begins %v after the one before", i, step)
		}
		former = f.At
	}
}

func (t *cardTest) speakerKeepsTime() {
	s := t.openSpeaker()
	defer s.Close()
	pcm := make([]int16, t.format.Period)
	var former hal.Instant
	began := t.now()
	for i := range 30 {
		at := t.write(s, pcm)
		if ahead := at.Sub(t.now()); ahead < -wakeup || ahead > 100*time.Millisecond {
			t.Errorf("period %d sounds %v after it was written", i, ahead)
		}
		if step := at.Sub(former); i > 0 && step < 9*time.Millisecond {
			t.Errorf("period %d sounds %v after the one before", i, step)
		}
		former = at
	}
	if took := t.now().Sub(began); took < 200*time.Millisecond || took > 300*time.Millisecond+2*wakeup {
		t.Errorf("30 periods were taken in %v", took)
	}
}

func (t *cardTest) lateReaderLosesNothing() {
	m := t.openMic()
	defer m.Close()
	f := t.frame()
	t.read(m, &f)
	former := f.At
	time.Sleep(50 * time.Millisecond)
	for range 6 {
		t.read(m, &f)
		if step := f.At.Sub(former); f.Gap || step > 11*time.Millisecond {
			t.Errorf("after 50 ms without reading a frame begins %v after the one before, gap %v", step, f.Gap)
		}
		former = f.At
	}
}

func (t *cardTest) closeEndsRead() {
	m := t.openMic()
	f := t.frame()
	t.read(m, &f)
	ended := make(chan error)
	go func() { // ends with the microphone
		for {
			if err := m.Read(&f); err != nil && !errors.Is(err, hal.ErrStall) {
				ended <- err
				return
			}
		}
	}()
	time.Sleep(25 * time.Millisecond)
	m.Close()
	t.wantClosed(ended)
	if err := m.Read(&f); !errors.Is(err, hal.ErrClosed) {
		t.Errorf("Read after Close: %v, want ErrClosed", err)
	}
	m.Close()
}

func (t *cardTest) closeEndsWrite() {
	s := t.openSpeaker()
	pcm := make([]int16, t.format.Period)
	ended := make(chan error)
	go func() { // ends with the speaker
		for {
			if _, err := s.Write(pcm); err != nil && !errors.Is(err, hal.ErrStall) {
				ended <- err
				return
			}
		}
	}()
	time.Sleep(55 * time.Millisecond)
	s.Close()
	t.wantClosed(ended)
	if _, err := s.Write(pcm); !errors.Is(err, hal.ErrClosed) {
		t.Errorf("Write after Close: %v, want ErrClosed", err)
	}
	s.Close()
}

func (t *cardTest) wantClosed(ended <-chan error) {
	t.Helper()
	select {
	case err := <-ended:
		if !errors.Is(err, hal.ErrClosed) {
			t.Errorf("it ended with %v, want ErrClosed", err)
		}
	case <-time.After(time.Second):
		t.Fatal("Close did not end it")
	}
}

func (t *cardTest) eachDirectionOpensOnce() {
	m, s := t.openMic(), t.openSpeaker()
	if _, err := t.card.OpenMic(); err == nil {
		t.Error("the microphone opened twice")
	}
	if _, err := t.card.OpenSpeaker(); err == nil {
		t.Error("the speaker opened twice")
	}
	m.Close()
	s.Close()
	t.openMic().Close()
	t.openSpeaker().Close()
}

func (t *cardTest) nothingIsAllocated() {
	m, s := t.openMic(), t.openSpeaker()
	defer m.Close()
	defer s.Close()
	f := t.frame()
	got := testing.AllocsPerRun(20, func() {
		t.read(m, &f)
		t.write(s, f.PCM)
	})
	if got >= 1 {
		t.Errorf("%v allocations per period, want 0", got)
	}
}
