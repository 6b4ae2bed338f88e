package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"peerphone/firmware/lab/natlab"
)

// What a start may take in bytes, with three homes and to the first: it takes
// 14,900 and 4,200, and without UDP 16,250 and 4,480 to the first, of which 100 or so
// are segments that only acknowledge: how many is up to TCP, so that those to the first
// are not held, and those of the whole start have some room. A
// machine with other work, which takes longer than stillMS to attach, or than shutMS
// without UDP, or stood still meanwhile, sends again what it was too slow to answer;
// its bytes say nothing.
const (
	mostAtStart = 15000
	mostShut    = 17000 // in all, without UDP
	mostToHome  = 4600
	stillMS     = 400
	shutMS      = 450
)

// TestPaper makes the short form: logins and a call in each set-up. Times are
// for the command to show; bytes are held.
func TestPaper(t *testing.T) {
	needLab(t)
	t.Parallel() // it mostly waits
	out, err := lab(t, "paper", "--short", "--talk", "3s", "--json", "--dir", t.TempDir()).Output()
	if err != nil {
		t.Fatal(err)
	}
	var r paperResult
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	var still, shut []paperStart
	for i, s := range r.Setups {
		if i < 2 {
			for _, start := range []paperStart{s.Later, s.Flushed} {
				if t.Logf("%s: %v, %.0f ms stalled", s.Name, start, start.StalledMS); start.AttachedMS <= stillMS && start.StalledMS == 0 {
					still = append(still, start)
				}
			}
		}
		if i == 2 && s.Later.AttachedMS <= shutMS && s.Later.StalledMS == 0 {
			t.Logf("%s: %v", s.Name, s.Later)
			shut = append(shut, s.Later)
		}
		if s.Later.AttachedMS <= 0 || s.Later.ReadyMS <= 0 || s.Flushed.ReadyMS <= 0 || s.First.ReadyMS <= 0 {
			t.Errorf("%s: a start never came to its end: %+v", s.Name, s)
		}
		if s.Later.Homes != 3 || s.Call.SetupMS <= 0 || s.Call.UpKBs < 3 || s.Call.DownKBs < 3 {
			t.Errorf("%s: %d homes, call %+v", s.Name, s.Later.Homes, s.Call)
		}
		if i == 2 && r.Return.Call.Path != directWay.String() {
			t.Errorf("with UDP again the voice goes by %s", r.Return.Call.Path)
		}
		if i == 2 && s.Call.Path != streamWay.String() {
			t.Errorf("%s: the voice goes by %s", s.Name, s.Call.Path)
		}
	}
	for _, start := range shut {
		if start.SaidBytes > mostToHome || start.SaidBytes < mostToHome/2 {
			t.Errorf("without UDP %d bytes to the first home and acknowledgements, want at most %d", start.SaidBytes, mostToHome)
		}
	}
	if len(shut) > 0 {
		if least := slices.MinFunc(shut, func(a, b paperStart) int { return a.Bytes - b.Bytes }); least.Bytes > mostShut {
			t.Errorf("without UDP %d bytes in all, want at most %d", least.Bytes, mostShut)
		}
	}
	if len(still) == 0 {
		t.Log("the machine has other work: bytes are not held")
	} else if least := slices.MinFunc(still, func(a, b paperStart) int { return a.Bytes - b.Bytes }); least.AttachedBytes > mostToHome || least.Bytes > mostAtStart {
		t.Errorf("%d bytes to the first home and %d in all, want at most %d and %d", least.AttachedBytes, least.Bytes, mostToHome, mostAtStart)
	}
}

// needLab skips a test where there can be no laboratory; with CI=true that is a
// failure.
func needLab(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs whole networks")
	}
	l, err := natlab.Open(t.Context(), nil)
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	l.Close()
}

// TestPaperTable: every row is there, in words for people, also where nothing
// was measured.
func TestPaperTable(t *testing.T) {
	r := paperResult{RTTMS: 100, Setups: paperSetups(), Band: band{50, 7800}, Speech: []paperSpeech{
		{KBs: 16, Similarity: .95, Heard: 1, UpKBs: 5.5}, {KBs: 1.5, Problem: "silence"},
	}}
	r.Setups[0].Later = paperStart{AttachedMS: 310, AttachedBytes: 3930}
	var b strings.Builder
	if err := r.print(&b, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"0.31 s", "3.9 kB", "50-7800 Hz", "good: similarity 0.95", "silence", "almost unintelligible", "IP headers"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, b.String())
		}
	}
}

func TestCodecBand(t *testing.T) {
	b, err := codecBand()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.0f to %.0f Hz", b.Low, b.High)
	if b.Low > 100 || b.High < 7000 {
		t.Errorf("the codec carries %.0f to %.0f Hz, want at least 100 to 7000", b.Low, b.High)
	}
}

// TestRates: what was sent and received in a time, and nothing else.
func TestRates(t *testing.T) {
	at := func(ms int) time.Time { return epoch.Add(time.Duration(ms) * time.Millisecond) }
	up, down := rates([]natlab.Packet{
		{At: at(0), Out: true, Length: 900}, {At: at(100), Out: true, Length: 100}, {At: at(500), Length: 300}, {At: at(1200), Length: 900},
	}, at(50), at(1050))
	if up != .1 || down != .3 {
		t.Errorf("%v up, %v down, want 0.1 and 0.3 kB/s", up, down)
	}
}
