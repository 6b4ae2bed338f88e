package judge

import "math"

// What is compared: log-mel frames of 20 ms.
const (
	frameLen = Rate / 50 // samples
	fftLen   = 512
	bands    = 24
	lowHz    = 120.0
	highHz   = 7000.0 // wide-band codecs keep what is below
)

// reach is how far below the loudest bands of a track, in dB, differences
// count; what is lower is as good as silence.
const reach = 50.0

// mel turns frames of sound into the levels of mel bands.
type mel struct {
	fft     fft
	window  [frameLen]float64
	filters [bands][fftLen / 2]float64
	scratch [fftLen]complex128
}

func newMel() *mel {
	m := &mel{fft: newFFT(fftLen)}
	for i := range m.window {
		m.window[i] = .5 - .5*math.Cos(2*math.Pi*(float64(i)+.5)/frameLen)
	}
	edge := func(b int) float64 {
		return fromMel(toMel(lowHz) + (toMel(highHz)-toMel(lowHz))*float64(b)/(bands+1))
	}
	for b := range m.filters {
		triangle(m.filters[b][:], edge(b), edge(b+1), edge(b+2))
	}
	return m
}

// triangle weighs the bins around the middle frequency, all in Hz. A triangle
// narrower than a bin takes the nearest bin.
func triangle(weights []float64, low, middle, high float64) {
	const bin = float64(Rate) / fftLen
	sum := 0.0
	for k := range weights {
		hz := float64(k) * bin
		weights[k] = max(0, min((hz-low)/(middle-low), (high-hz)/(high-middle)))
		sum += weights[k]
	}
	if sum == 0 {
		weights[int(math.Round(middle/bin))] = 1
	}
}

func toMel(hz float64) float64  { return 2595 * math.Log10(1+hz/700) }
func fromMel(m float64) float64 { return 700 * (math.Pow(10, m/2595) - 1) }

// frame returns the levels in dB of the 20 ms that begin at a sample. Sound
// before the beginning and after the end is silence.
func (m *mel) frame(pcm []int16, at int) (levels [bands]float64) {
	clear(m.scratch[:])
	previous := 0.0
	for i := range frameLen {
		v := 0.0
		if k := at + i; k >= 0 && k < len(pcm) {
			v = float64(pcm[k])
		}
		m.scratch[i] = complex((v-.95*previous)*m.window[i], 0) // speech falls by 6 dB an octave: level it
		previous = v
	}
	m.fft.forward(m.scratch[:])
	for b := range levels {
		power := 1.0
		for k, w := range m.filters[b] {
			if w > 0 {
				re, im := real(m.scratch[k]), imag(m.scratch[k])
				power += w * (re*re + im*im)
			}
		}
		levels[b] = 10 * math.Log10(power)
	}
	return levels
}

// level returns the level of the 20 ms that begin at a sample.
func level(pcm []int16, at int) float64 {
	first, last := min(max(0, at), len(pcm)), min(max(0, at+frameLen), len(pcm))
	if first == last {
		return -100
	}
	return Level(pcm[first:last])
}

// Level returns the level of sound in dBFS, that of a sine of full scale being
// 0; -100 for silence.
func Level(pcm []int16) float64 {
	sum := 0.0
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return max(-100, 10*math.Log10(sum/float64(max(1, len(pcm)))*2/(32768*32768)+1e-12))
}
