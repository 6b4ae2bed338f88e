package plot

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

func figure() Figure {
	return Figure{
		Title: "A & <B>", Subtitle: "sub", Description: "what is to be seen", Seconds: 10, XLabel: "seconds",
		Panels: []Panel{
			{Title: "Delay, ms", Height: 100, High: 50, Limits: []Limit{{120, "limit"}},
				Series: []Series{{Name: "there", Color: "#123456", Points: []Point{{0, 60}, {5, 65}, {10, 61}}}}},
			{Title: "Buffer, ms", Height: 80, High: 10, Series: []Series{{Name: "s", Color: "red", Kind: Step, Points: []Point{{0, 5}, {1, 7}}}}},
			{Title: "Loss", Height: 60, High: 5, Whole: true, Series: []Series{{Name: "b", Color: "red", Kind: Bars, Points: []Point{{0, 0}, {1, 3}}}}},
			{Title: "Level", Height: 90, Low: -60, Series: []Series{{Name: "a", Color: "red", Kind: Area, Points: []Point{{0, -50}, {1, -90}}}, {Name: "none"}}},
		},
	}
}

// wellFormed parses the drawing as XML and returns its text.
func wellFormed(t *testing.T, svg []byte) string {
	t.Helper()
	var all strings.Builder
	for d := xml.NewDecoder(strings.NewReader(string(svg))); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all.String()
		}
		if err != nil {
			t.Fatalf("no XML: %v\n%s", err, svg)
		}
		if s, ok := token.(xml.CharData); ok {
			all.Write(s)
		}
	}
}

func TestFigure(t *testing.T) {
	svg := figure().SVG()
	words := wellFormed(t, svg)
	for _, want := range []string{"A & <B>", "what is to be seen", "Delay, ms", "Loss", "limit", "seconds", "−20"} {
		if !strings.Contains(words, want) {
			t.Errorf("the drawing does not say %q", want)
		}
	}
	for _, bad := range []string{"NaN", "Inf", "%!"} {
		if strings.Contains(string(svg), bad) {
			t.Errorf("the drawing holds %q", bad)
		}
	}
}

// TestOddFigures: what was never measured must not spoil the drawing.
func TestOddFigures(t *testing.T) {
	for _, f := range []Figure{
		{Seconds: 1},
		{Seconds: 1, Panels: []Panel{{Height: 50}}},
		{Seconds: 600, Panels: []Panel{{Height: 50, Series: []Series{{Points: []Point{{1, 1e9}}}}}}},
		{Seconds: .01, Panels: []Panel{{Height: 10, Low: -1, High: -1}}},
	} {
		svg := string(f.SVG())
		wellFormed(t, []byte(svg))
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("%+v: %s", f, svg)
		}
	}
}

func TestFittedHoldsEverything(t *testing.T) {
	p := figure().Panels[0].fitted()
	if p.High < 120 {
		t.Errorf("the axis ends at %v, below the limit of 120", p.High)
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		n         int
		want      []float64
	}{
		{0, 10, 12, []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
		{0, 10, 6, []float64{0, 2, 4, 6, 8, 10}},
		{0, 130, 4, []float64{0, 50, 100}},
		{-60, 0, 4, []float64{-60, -40, -20, 0}},
		{0, 1, 3, []float64{0, .5, 1}},
		{0, 862, 6, []float64{0, 200, 400, 600, 800}},
	} {
		got := ticks(c.low, c.high, c.n)
		same := slices.EqualFunc(got, c.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 })
		if !same {
			t.Errorf("ticks(%v, %v, %d) = %v, want %v", c.low, c.high, c.n, got, c.want)
		}
	}
}
