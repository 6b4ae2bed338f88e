package sim

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"peerphone/hal"
	"peerphone/hal/haltest"
)

func newBoard(t testing.TB, cfg Config) *Board {
	t.Helper()
	b, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestBoardConforms(t *testing.T) {
	for _, rate := range []int{16000, 44100, 48000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			haltest.TestVirtualCard(t, func(t *testing.T) hal.Card {
				return newBoard(t, Config{Rate: rate, DriftPPM: 100, Clock: GoTime{},
					Speaker: filepath.Join(t.TempDir(), "x.wav")})
			})
		})
	}
	b := newBoard(t, Config{})
	d := b.Devices()
	haltest.TestHook(t, d.Hook, func(lifted bool) { b.SetHook(lifted) }, b.hook.close)
	haltest.TestScreen(t, d.Screen, func() []string { return b.Panel().Lines })
	haltest.TestRinger(t, d.Ringer, func() bool { return b.Panel().Ringing })
	for name, lamp := range d.Lamps {
		haltest.TestLamp(t, lamp, func() hal.Light { return b.Panel().Lamps[name] })
	}
	haltest.TestKeypad(t, d.Keypad, func(k hal.Key) { b.Press(k) }, b.keys.close)
}

func TestKeysThatNobodyReadsAreRefused(t *testing.T) {
	b := newBoard(t, Config{})
	if err := b.Press('A'); !errors.Is(err, ErrNoKey) {
		t.Errorf("A: %v, want ErrNoKey", err)
	}
	for range eventRoom / 2 {
		if err := b.Press('1'); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Press('1'); !errors.Is(err, ErrNotHeard) {
		t.Errorf("got %v, want ErrNotHeard", err)
	}
	b.SetHook(true)
	if !b.Panel().Lifted {
		t.Error("the panel does not show the receiver lifted")
	}
}

// ramp is a recording that tells its positions.
func ramp(n int) []int16 {
	x := make([]int16, n)
	for i := range x {
		x[i] = int16(i)
	}
	return x
}

func writeRamp(t testing.TB, n int) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "mic.wav")
	if err := WriteWAV(name, WAV{16000, ramp(n)}); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestMicPlaysFromTheStartAndGoesRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoard(t, Config{Mic: writeRamp(t, 1000), Clock: GoTime{}})
		for range 2 {
			m, err := b.OpenMic()
			if err != nil {
				t.Fatal(err)
			}
			f := hal.Frame{PCM: make([]int16, 160)}
			for i := range 20 {
				if err := m.Read(&f); err != nil {
					t.Fatal(err)
				}
				for j, s := range f.PCM {
					if want := int16((160*i + j) % 1000); s != want {
						t.Fatalf("sample %d of frame %d: got %d, want %d", j, i, s, want)
					}
				}
			}
			m.Close()
		}
	})
}

// An hour by the card's clock must take an hour less its drift by ours.
func TestDriftForAnHour(t *testing.T) {
	for _, ppm := range []float64{-100, 0, 100} {
		synctest.Test(t, func(t *testing.T) {
			b := newBoard(t, Config{DriftPPM: ppm, Clock: GoTime{}})
			m, _ := b.OpenMic()
			s, _ := b.OpenSpeaker()
			f := hal.Frame{PCM: make([]int16, 160)}
			began := b.Now()
			const frames = 360000
			var first, last hal.Instant
			for i := range frames {
				if err := m.Read(&f); err != nil || f.Gap {
					t.Fatalf("frame %d: %v, gap %v", i, err, f.Gap)
				}
				at, err := s.Write(f.PCM)
				if err != nil {
					t.Fatalf("frame %d: %v", i, err)
				}
				if i == 0 {
					first = at
				}
				last = at
			}
			want := time.Duration(3600e9 / (1 + ppm/1e6))
			if took := b.Now().Sub(began); took-want > 30*time.Millisecond || want-took > 30*time.Millisecond {
				t.Errorf("%v ppm: an hour took %v, want %v", ppm, took, want)
			}
			want = want * (frames - 1) / frames
			if took := last.Sub(first); took-want > time.Millisecond || want-took > time.Millisecond {
				t.Errorf("%v ppm: sounding took %v, want %v", ppm, took, want)
			}
		})
	}
}

func TestSpeakerHasHonestInstants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoard(t, Config{Clock: GoTime{}})
		s, _ := b.OpenSpeaker()
		pcm := make([]int16, 160)
		for i := range 10 {
			at, err := s.Write(pcm)
			if err != nil {
				t.Fatal(err)
			}
			if ahead := at.Sub(b.Now()); ahead != 20*time.Millisecond {
				t.Errorf("period %d sounds %v after Write returned, want 20 ms", i, ahead)
			}
		}
		time.Sleep(20 * time.Millisecond)
		if _, err := s.Write(pcm); err != nil {
			t.Errorf("20 ms late: %v, want no stall", err)
		}
		time.Sleep(45 * time.Millisecond)
		if _, err := s.Write(pcm); !errors.Is(err, hal.ErrStall) {
			t.Errorf("45 ms late: %v, want ErrStall", err)
		}
		if _, err := s.Write(pcm); err != nil {
			t.Errorf("after the stall: %v", err)
		}
	})
}

func TestFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoard(t, Config{Mic: writeRamp(t, 16000), Clock: GoTime{}})
		m, _ := b.OpenMic()
		f := hal.Frame{PCM: make([]int16, 160)}
		m.Read(&f)
		b.Stall()
		if err := m.Read(&f); !errors.Is(err, hal.ErrStall) {
			t.Errorf("got %v, want ErrStall", err)
		}
		if err := m.Read(&f); err != nil || !f.Gap {
			t.Errorf("after a stall: %v, gap %v", err, f.Gap)
		}
		time.Sleep(700 * time.Millisecond)
		if err := m.Read(&f); !errors.Is(err, hal.ErrStall) {
			t.Errorf("700 ms late: %v, want ErrStall", err)
		}
		if err := m.Read(&f); err != nil || !f.Gap {
			t.Errorf("after an overrun: %v, gap %v", err, f.Gap)
		}
		b.Unplug()
		if err := m.Read(&f); !errors.Is(err, hal.ErrGone) {
			t.Errorf("got %v, want ErrGone", err)
		}
		if _, err := b.OpenMic(); !errors.Is(err, hal.ErrGone) {
			t.Errorf("got %v, want ErrGone", err)
		}
		b.Plug()
		if _, err := b.OpenMic(); err != nil {
			t.Error(err)
		}
	})
}

// lines reads a file of stamps.
func lines(t *testing.T, name string) (pos []int64, at []hal.Instant) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var p, i int64
		if n, err := fmt.Sscanf(s.Text(), "%d %d", &p, &i); n != 2 {
			t.Fatalf("%s: %q: %v", name, s.Text(), err)
		}
		pos, at = append(pos, p), append(at, hal.Instant(i))
	}
	return pos, at
}

func TestRecordingAndStamps(t *testing.T) {
	for _, mute := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) { testRecording(t, mute) })
	}
}

func testRecording(t *testing.T, mute bool) {
	dir := t.TempDir()
	b := newBoard(t, Config{Mic: writeRamp(t, 1600), Speaker: filepath.Join(dir, "heard.wav"),
		MuteSpeaker: mute, Clock: GoTime{}})
	m, _ := b.OpenMic()
	s, _ := b.OpenSpeaker()
	f := hal.Frame{PCM: make([]int16, 160)}
	var sounds, captured []hal.Instant
	for range 10 {
		if err := m.Read(&f); err != nil {
			t.Fatal(err)
		}
		captured = append(captured, f.At)
		at, err := s.Write(f.PCM)
		if err != nil {
			t.Fatal(err)
		}
		sounds = append(sounds, at)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	heard, err := ReadWAV(filepath.Join(dir, "heard.wav"))
	if err != nil {
		t.Fatal(err)
	}
	want := ramp(1600)
	if mute {
		want = make([]int16, 1600)
	}
	if heard.Rate != 16000 || !slices.Equal(heard.PCM, want) {
		t.Errorf("mute %v: the recording is not what was played", mute)
	}
	for name, want := range map[string][]hal.Instant{"heard.stamps": sounds, "mic.stamps": captured} {
		pos, at := lines(t, filepath.Join(dir, name))
		if !slices.Equal(at, want) || pos[0] != 0 || pos[9] != 1440 {
			t.Errorf("%s: positions %v, instants %v, want %v", name, pos, at, want)
		}
	}
}

// A process that is killed leaves whole files behind.
func TestRecordingIsCompleteWhileItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "heard.wav")
		b := newBoard(t, Config{Speaker: name, Clock: GoTime{}})
		s, _ := b.OpenSpeaker()
		pcm := ramp(160)
		for until := b.Now().Add(700 * time.Millisecond); b.Now() < until; {
			if _, err := s.Write(pcm); err != nil {
				t.Fatal(err)
			}
		}
		w, err := ReadWAV(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(w.PCM) < 1600 {
			t.Errorf("%d samples on disk after 700 ms", len(w.PCM))
		}
	})
}

func TestRecordingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "heard.wav")
		b := newBoard(t, Config{Speaker: name, Record: time.Second, Clock: GoTime{}})
		s, _ := b.OpenSpeaker()
		pcm := ramp(160)
		for range 300 {
			if _, err := s.Write(pcm); err != nil {
				t.Fatal(err)
			}
		}
		b.Close()
		if w, err := ReadWAV(name); err != nil || len(w.PCM) != 16000 {
			t.Errorf("%d samples, %v; want 16000", len(w.PCM), err)
		}
	})
}

func TestBoardRefusesWhatItCannotPlay(t *testing.T) {
	dir := t.TempDir()
	wide := filepath.Join(dir, "wide.wav")
	WriteWAV(wide, WAV{48000, ramp(100)})
	for _, cfg := range []Config{
		{Rate: 8001},
		{Mic: wide},
		{Mic: filepath.Join(dir, "none.wav")},
		{Speaker: filepath.Join(dir, "no", "folder.wav")},
		{Speaker: filepath.Join(dir, "heard.wav"), MicStamps: filepath.Join(dir, "no", "folder")},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%+v: no error", cfg)
		} else {
			t.Log(err)
		}
	}
}
