package emodel

import (
	"math"
	"testing"
	"time"
)

func ms(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }

// The values of Idd and MOS are those of G.107's formulas, computed apart.
func TestDelay(t *testing.T) {
	for _, c := range []struct{ delay, want float64 }{{0, 0}, {100, 0}, {150, .16}, {200, 3.04}, {300, 14.76}, {400, 24.07}} {
		if got := Delay(ms(c.delay)); math.Abs(got-c.want) > .01 {
			t.Errorf("%v ms impair by %.2f, want %.2f", c.delay, got, c.want)
		}
	}
}

func TestMOS(t *testing.T) {
	for _, c := range []struct{ r, want float64 }{{-3, 1}, {0, 1}, {64.5, 2.58}, {103.2, 4.02}, {129, 4.5}, {140, 4.5}} {
		if got := MOS(c.r); math.Abs(got-c.want) > .01 {
			t.Errorf("R %v is MOS %.2f, want %.2f", c.r, got, c.want)
		}
	}
}

// What makes a call worse never makes it score better.
func TestEverythingImpairs(t *testing.T) {
	former := 200.
	for rate := 4000.; rate < 50000; rate += 100 {
		if ie := Codec(rate, 60*time.Millisecond); ie > former {
			t.Fatalf("%v bit/s impair more than fewer", rate)
		} else {
			former = ie
		}
		if Codec(rate, 20*time.Millisecond) < former {
			t.Fatalf("%v bit/s in short frames are better", rate)
		}
	}
	for share := 0.; share < 1; share += .01 {
		if R(ms(80), 20, share+.01) >= R(ms(80), 20, share) {
			t.Errorf("more made up than %.2f scores better", share)
		}
	}
	for _, r := range []float64{R(0, 0, 0), R(time.Hour, 95, 1), R(-1, 20, -1), R(0, 20, 2)} {
		if r < 0 || r > Perfect || math.IsNaN(r) {
			t.Errorf("R is %v", r)
		}
	}
}
