package quality

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"peerphone/firmware/lab/speech"
	"peerphone/firmware/lab/wav"
	"peerphone/node/media/opus"
)

var update = flag.Bool("update", false, "make the golden results in testdata anew")

// TestRanksAsPESQ compares the scores of testdata/pesq.txt with those of PESQ.
func TestRanksAsPESQ(t *testing.T) {
	pesq, ours := table(t)
	if len(pesq) < 200 {
		t.Fatalf("%d lines", len(pesq))
	}
	rho := correlation(ranks(pesq), ranks(ours))
	t.Logf("Spearman correlation %.3f over %d", rho, len(pesq))
	if rho < .95 {
		t.Errorf("Spearman correlation %.3f, want .95", rho)
	}
	sum := 0.0
	for i, p := range pesq {
		sum += (p - ours[i]) * (p - ours[i])
	}
	if rms := math.Sqrt(sum / float64(len(pesq))); rms > .2 {
		t.Errorf("the scores are %.2f beside those of PESQ", rms)
	}
}

func table(t *testing.T) (pesq, ours []float64) {
	t.Helper()
	file, err := os.ReadFile("testdata/pesq.txt")
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(file)); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) == 0 || f[0] == "#" {
			continue
		}
		p, err1 := strconv.ParseFloat(f[4], 64)
		o, err2 := strconv.ParseFloat(f[5], 64)
		if err1 != nil || err2 != nil {
			t.Fatalf("%q: %v, %v", lines.Text(), err1, err2)
		}
		pesq, ours = append(pesq, p), append(ours, o)
	}
	return pesq, ours
}

// ranks are the places of values in their order; equal ones share theirs.
func ranks(x []float64) []float64 {
	sorted := slices.Sorted(slices.Values(x))
	r := make([]float64, len(x))
	for i, v := range x {
		low, _ := slices.BinarySearch(sorted, v)
		high := low
		for high < len(sorted) && sorted[high] == v {
			high++
		}
		r[i] = float64(low+high-1) / 2
	}
	return r
}

func correlation(x, y []float64) float64 {
	mean := func(x []float64) (m float64) {
		for _, v := range x {
			m += v / float64(len(x))
		}
		return m
	}
	mx, my := mean(x), mean(y)
	var xy, xx, yy float64
	for i := range x {
		xy, xx, yy = xy+(x[i]-mx)*(y[i]-my), xx+(x[i]-mx)*(x[i]-mx), yy+(y[i]-my)*(y[i]-my)
	}
	return xy / math.Sqrt(xx*yy)
}

func clip(t *testing.T) []int16 {
	t.Helper()
	sound, err := wav.Parse(speech.Kitchen)
	if err != nil {
		t.Fatal(err)
	}
	return sound.PCM[:6*Rate]
}

// coded is what comes out of the codec.
func coded(t *testing.T, said []int16, c opus.EncoderConfig) (heard []int16, bitrate int) {
	t.Helper()
	e, err := opus.NewEncoder(c)
	if err != nil {
		t.Fatal(err)
	}
	d, err := opus.NewDecoder(Rate)
	if err != nil {
		t.Fatal(err)
	}
	size := e.Config().FrameMS * Rate / 1000
	out, used := make([]int16, size), 0
	for ; len(said) >= size; said = said[size:] {
		p, err := e.Encode(nil, said[:size])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Decode(out, p); err != nil {
			t.Fatal(err)
		}
		heard, used = append(heard, out...), used+len(p)
	}
	return heard, used * 8 * Rate / len(heard)
}

// TestCodecGolden holds the codec to the quality that it has, at every
// complexity: a regression shows here, and so does progress.
func TestCodecGolden(t *testing.T) {
	said := clip(t)
	var lines []string
	for c := range opus.MaxComplexity + 1 {
		for _, rate := range []int{9000, 16000} {
			heard, bitrate := coded(t, said, opus.EncoderConfig{Bitrate: rate, Complexity: c, Bandwidth: opus.Wide})
			lines = append(lines, fmt.Sprintf("%d %d %d %.3f", c, rate, bitrate, Score(said, heard)))
		}
	}
	const name = "testdata/golden.txt"
	if *update {
		text := "# complexity, bit rate asked for, measured, score\n" + strings.Join(lines, "\n") + "\n"
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSpace(string(file)), "\n")[1:]
	if len(want) != len(lines) {
		t.Fatalf("%d golden results, want %d", len(want), len(lines))
	}
	for i, line := range lines {
		g, w := parse(t, line), parse(t, want[i])
		if math.Abs(g[3]-w[3]) > .02 || math.Abs(g[2]-w[2]) > .005*w[2] {
			t.Errorf("got %s, want %s", line, want[i])
		}
	}
}

func parse(t *testing.T, line string) (v [4]float64) {
	t.Helper()
	if _, err := fmt.Sscan(line, &v[0], &v[1], &v[2], &v[3]); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return v
}

// TestScoreScale scores what needs no codec.
func TestScoreScale(t *testing.T) {
	said := clip(t)[:3*Rate]
	change := func(f func(i int, v int16) int16) []int16 {
		out := make([]int16, len(said))
		for i, v := range said {
			out[i] = f(i, v)
		}
		return out
	}
	late := append(make([]int16, 333), said...)
	noise := uint32(1)
	for _, test := range []struct {
		name      string
		heard     []int16
		low, high float64
	}{
		{"the same", said, 4.5, 4.65},
		{"late", late, 4.5, 4.65},
		{"softer", change(func(_ int, v int16) int16 { return v / 3 }), 4.4, 4.65},
		{"coarse", change(func(_ int, v int16) int16 { return v &^ 0x1ff }), 1, 3.5},
		{"nothing", make([]int16, len(said)), 1, 1.7},
		{"noise", change(func(int, int16) int16 { noise = noise*196314165 + 907633515; return int16(noise >> 18) }), 1, 1.4},
	} {
		if got := Score(said, test.heard); got < test.low || got > test.high {
			t.Errorf("%s: %.2f, want %.2f to %.2f", test.name, got, test.low, test.high)
		}
	}
	if got := Score(said[:100], said); got != 1 {
		t.Errorf("too short: %.2f", got)
	}
}

// TestScoreFollowsTheDelay scores what is heard whole, and from a pause on later.
func TestScoreFollowsTheDelay(t *testing.T) {
	said := clip(t)
	pause, least := 0, math.Inf(1)
	for at := 2 * Rate; at < 4*Rate; at += frameHop {
		if p := power(said[at : at+4*frameLen]); p < least {
			pause, least = at+2*frameLen, p
		}
	}
	delay := func(sample int) int {
		if sample < pause {
			return 500
		}
		return 2500
	}
	heard := make([]int16, len(said)+2500)
	for i, v := range said {
		heard[i+delay(i)] = v
	}
	if got := ScoreAt(said, heard, delay); got < 4.5 {
		t.Errorf("followed: %.2f, want 4.5", got)
	}
	if got := Score(said, heard); got > 2 {
		t.Errorf("not followed: %.2f, want 2 at most", got)
	}
	if got := ScoreAt(said, nil, delay); got > 1.7 {
		t.Errorf("nothing was heard: %.2f", got)
	}
}
