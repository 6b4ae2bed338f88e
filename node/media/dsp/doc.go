// Package dsp turns slices of samples into slices of samples: tones, keys,
// comfort noise, fades, mixes, level meters, pitch, concealment, stretching and
// rate conversion. It works with integers only and allocates nothing after
// construction.
//
// Sound is mono linear PCM, 16 bits signed, at 16 kHz unless a name says
// otherwise. Names end in their Q format: gainQ15 is 32768 for 1.0.
package dsp

//go:generate go run gen.go gen_filter.go

// Rate is the sample rate of the engine in Hz.
const Rate = 16000

// Unit is the number of samples in 10 ms, the step of the whole engine.
const Unit = Rate / 100

// Saturate limits v to 16 bits.
func Saturate(v int32) int16 {
	if v > 32767 {
		return 32767
	}
	if v < -32768 {
		return -32768
	}
	return int16(v)
}
