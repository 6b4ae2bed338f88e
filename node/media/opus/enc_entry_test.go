package opus

import (
	"math"
	"testing"
)

// TestHighPass measures the filter at the input: half of the power is left at
// 60 Hz, all of it from the voice on, and little of what hums below.
func TestHighPass(t *testing.T) {
	for _, test := range []struct{ hz, low, high float64 }{
		{20, -40, -15}, {30, -20, -10}, {60, -3, -2}, {100, -1, 0}, {200, -.2, .2}, {3000, -.2, .2},
	} {
		var n entry
		pcm := make([]int16, 320)
		var in, out float64
		for frame := range 100 {
			for i := range pcm {
				pcm[i] = int16(8000 * math.Sin(2*math.Pi*test.hz*float64(frame*320+i)/16000))
			}
			for i, v := range n.filter(pcm) {
				if frame >= 50 {
					in += float64(pcm[i]) * float64(pcm[i])
					out += float64(v) * float64(v)
				}
			}
		}
		if db := 10 * math.Log10(out/in); db < test.low || db > test.high {
			t.Errorf("%g Hz: %.2f dB, want %g to %g", test.hz, db, test.low, test.high)
		}
	}
}
