package quality

import (
	"math"
	"math/cmplx"
)

const (
	frameLen = 512 // samples, 32 ms
	frameHop = 256
	bands    = 40
	lowHz    = 100
	highHz   = 7200

	// listening is the level of the loud parts of speech above the threshold of
	// hearing of a band in its middle, in dB.
	listening = 70
	// exponent makes loudness of power, after Zwicker.
	exponent = 0.23
)

// ear turns frames of sound into loudness in bands.
type ear struct {
	window    [frameLen]float64
	band      [frameLen / 2]int // of each bin; negative: none
	threshold [bands]float64    // power below which nothing is heard
	scale     float64           // power of 1, in units of the threshold
}

// newEar is one that hears speech of a mean power at a usual level.
func newEar(power float64) *ear {
	e := &ear{}
	for i := range e.window {
		e.window[i] = .5 - .5*math.Cos(2*math.Pi*(float64(i)+.5)/frameLen)
	}
	low, high := bark(lowHz), bark(highHz)
	for i := range e.band {
		b := (bark(float64(i)*Rate/frameLen) - low) / (high - low) * bands
		e.band[i] = int(math.Floor(b))
		if b < 0 || b >= bands {
			e.band[i] = -1
		}
	}
	for b := range e.threshold {
		e.threshold[b] = math.Pow(10, quietest(low+(high-low)*(float64(b)+.5)/bands)/10)
	}
	e.scale = math.Pow(10, listening/10.) / math.Max(power, 1)
	return e
}

// bark is the place on the basilar membrane where a frequency is heard, after
// Traunmüller.
func bark(hz float64) float64 { return 26.81*hz/(1960+hz) - .53 }

// quietest is the threshold in quiet at a place, in dB above that at 1 kHz:
// high at low frequencies, lowest at 3 to 4 kHz.
func quietest(bark float64) float64 {
	khz := 1.96 * (bark + .53) / (26.28 - bark)
	return 3.64*math.Pow(khz, -.8) - 6.5*math.Exp(-.6*(khz-3.3)*(khz-3.3)) + .001*math.Pow(khz, 4) - 3.4
}

// powers are those of one frame in bands.
func (e *ear) powers(frame []int16) (p [bands]float64) {
	var x [frameLen]complex128
	for i, v := range frame {
		x[i] = complex(float64(v)*e.window[i], 0)
	}
	spectrum := transform(x[:])
	for i, b := range e.band {
		if b >= 0 {
			a := cmplx.Abs(spectrum[i])
			p[b] += a * a / frameLen * e.scale / frameLen * 4
		}
	}
	return p
}

// loudness is that of a power in a band; 0 at the threshold.
func (e *ear) loudness(band int, power float64) float64 {
	t := e.threshold[band]
	if power < t {
		return 0
	}
	return math.Pow(t/.5, exponent) * (math.Pow(.5+.5*power/t, exponent) - 1)
}

// transform is the Fourier transform of x, whose length is a power of 2.
func transform(x []complex128) []complex128 {
	n := len(x)
	if n == 1 {
		return x
	}
	even, odd := make([]complex128, n/2), make([]complex128, n/2)
	for i := range even {
		even[i], odd[i] = x[2*i], x[2*i+1]
	}
	even, odd = transform(even), transform(odd)
	for i := range even {
		w := cmplx.Rect(1, -2*math.Pi*float64(i)/float64(n)) * odd[i]
		x[i], x[i+n/2] = even[i]+w, even[i]-w
	}
	return x
}
