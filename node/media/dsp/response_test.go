package dsp

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/cmplx"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "draw response.svg anew")

// response is that of the filter between 16 and 48 kHz at hz.
func response(b *bank, hz float64) complex128 {
	var sum complex128
	for p := range 3 {
		row := b.row(p * b.places / 3)
		for k, c := range row {
			at := float64(3*(len(row)-1-k)+p) / 48000
			sum += complex(float64(c)/(3<<coefShift), 0) * cmplx.Rect(1, -2*math.Pi*hz*at)
		}
	}
	return sum
}

func decibels(v complex128) float64 { return 20 * math.Log10(cmplx.Abs(v)+1e-9) }

// delayMS is the group delay at hz.
func delayMS(b *bank, hz float64) float64 {
	return -1000 * cmplx.Phase(response(b, hz+5)/response(b, hz-5)) / (2 * math.Pi * 10)
}

// TestResponse holds the coefficients themselves to the figures, and with
// -update draws them.
func TestResponse(t *testing.T) {
	b := newBank(1, 3)
	for hz := 0.; hz <= 24000; hz += 20 {
		l := decibels(response(b, hz))
		if hz <= 7000 && math.Abs(l) > 0.07 || hz <= 7500 && l < -2 || hz >= 8500 && l > -82 {
			t.Errorf("%v Hz: %.2f dB", hz, l)
		}
		if hz > 10 && hz <= 4000 && delayMS(b, hz) > 0.2 {
			t.Errorf("%v Hz: %.3f ms", hz, delayMS(b, hz))
		}
	}
	if !*update {
		return
	}
	level := func(hz float64) float64 { return decibels(response(b, hz)) }
	svg := figure(
		panel{"Response, dB", 0, 24000, 3000, -120, 0, 20, level},
		panel{"Passband, dB", 0, 7500, 1000, -0.2, 0.2, 0.1, level},
		panel{"Delay, ms", 100, 8000, 1000, 0, 1.5, 0.5, func(hz float64) float64 { return delayMS(b, hz) }},
	)
	if err := os.WriteFile("response.svg", svg, 0o644); err != nil {
		t.Fatal(err)
	}
}

// panel is one curve over frequency.
type panel struct {
	title            string
	from, to, xTick  float64
	low, high, yTick float64
	f                func(hz float64) float64
}

// figure draws panels below each other.
func figure(panels ...panel) []byte {
	var b bytes.Buffer
	const width, height, each = 760, 190, 230
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 840 %d\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#333\">\n", each*len(panels)+10)
	b.WriteString("<title>The filter between 16 and 48 kHz</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n")
	for i, p := range panels {
		fmt.Fprintf(&b, "<g transform=\"translate(50 %d)\">\n<text y=\"-6\">%s</text>\n", 24+each*i, p.title)
		x := func(hz float64) float64 { return (hz - p.from) / (p.to - p.from) * width }
		y := func(v float64) float64 {
			return (p.high - min(max(v, p.low), p.high)) / (p.high - p.low) * height
		}
		for v := p.low; v <= p.high+p.yTick/2; v += p.yTick {
			fmt.Fprintf(&b, "<path d=\"M0 %.1fH%d\" stroke=\"#ddd\"/><text x=\"-6\" y=\"%.1f\" text-anchor=\"end\">%.4g</text>\n", y(v), width, y(v)+4, math.Round(v*100)/100)
		}
		for hz := math.Ceil(p.from/p.xTick) * p.xTick; hz <= p.to; hz += p.xTick {
			fmt.Fprintf(&b, "<path d=\"M%.1f 0V%d\" stroke=\"#ddd\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g kHz</text>\n", x(hz), height, x(hz), height+15, hz/1000)
		}
		b.WriteString("<path fill=\"none\" stroke=\"#1667b7\" stroke-width=\"1.5\" d=\"")
		for k := range width + 1 {
			hz := p.from + (p.to-p.from)*float64(k)/width
			fmt.Fprintf(&b, "%c%d %.1f", "ML"[min(k, 1)], k, y(p.f(hz)))
		}
		b.WriteString("\"/>\n</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}
