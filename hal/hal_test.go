package hal

import (
	"testing"
	"time"
)

func TestNowGoesForward(t *testing.T) {
	former := Now()
	for range 1000 {
		now := Now()
		if now < former {
			t.Fatalf("%d after %d", now, former)
		}
		former = now
	}
}

func TestInstantArithmetic(t *testing.T) {
	at := Instant(5e9)
	if got := at.Add(250 * time.Millisecond).Sub(at); got != 250*time.Millisecond {
		t.Errorf("got %v, want 250ms", got)
	}
	if got := at.Sub(at.Add(time.Second)); got != -time.Second {
		t.Errorf("got %v, want -1s", got)
	}
}

func TestKeysOfATelephone(t *testing.T) {
	valid := 0
	for k := range 256 {
		if Key(k).Valid() {
			valid++
		}
	}
	if valid != 12 || !Key('#').Valid() || !Key('*').Valid() || Key('A').Valid() {
		t.Errorf("%d keys are valid, want the twelve", valid)
	}
	if s := Key('7').String(); s != "7" {
		t.Errorf("got %q, want 7", s)
	}
}

func TestLightsHaveWords(t *testing.T) {
	for l, want := range map[Light]string{Off: "off", On: "on", Blink: "blink", Flash: "flash"} {
		if got := l.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
