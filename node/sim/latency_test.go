package sim

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPercentilesAreThoseOfPlanetLab(t *testing.T) {
	p := PlanetLab(3)
	var all []time.Duration
	for a := range 500 {
		for b := range a {
			all = append(all, 2*p.Between(a, b, 0, 0))
			if p.Between(a, b, 0, 0) != p.Between(b, a, 0, 0) {
				t.Fatalf("from %d to %d it is as long as back", a, b)
			}
		}
	}
	slices.Sort(all)
	for _, point := range p.Points[1 : len(p.Points)-1] {
		got := all[int(point.Share*float64(len(all)))]
		if off := got - point.RTT; off.Abs() > point.RTT/20 {
			t.Errorf("percentile %.0f: %v, want %v", 100*point.Share, got, point.RTT)
		}
	}
}

func TestReadMatrix(t *testing.T) {
	m, err := ReadMatrix(strings.NewReader("0\t20\t30\n24\t0\t-1\n30 100 0\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		a, b int
		want time.Duration
	}{
		{0, 1, 10 * time.Millisecond}, {1, 0, 10 * time.Millisecond}, // the smaller
		{1, 2, 50 * time.Millisecond}, // the one there is
		{2, 2, sameHost / 2},
	} {
		if got := m.Between(7, 8, c.a, c.b); got != c.want {
			t.Errorf("between hosts %d and %d: %v, want %v", c.a, c.b, got, c.want)
		}
	}
	if at := m.Place(rand.New(rand.NewPCG(1, 1))); at < 0 || at > 2 {
		t.Errorf("a node stands at host %d of 3", at)
	}
	for _, bad := range []string{"", "1 2\n3", "1 2 3\n4 5 6", "1 2\n3 4\n5 6", "1"} {
		if _, err := ReadMatrix(strings.NewReader(bad)); err == nil {
			t.Errorf("%q passes for a square", bad)
		}
	}
}
