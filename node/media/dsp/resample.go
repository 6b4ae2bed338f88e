package dsp

import (
	"errors"
	"slices"
)

// Rates are the sample rates, in Hz, between which a Resampler converts.
var Rates = []int{8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000}

// ErrRate is the error of a rate that is not one of Rates.
var ErrRate = errors.New("dsp: no such sample rate")

const (
	// maxTaps is what 48 to 8 kHz take.
	maxTaps = 6 * protoSpan
	// maxTake is what 10 ms take at the highest rate and speed.
	maxTake = 480 + 480/100 + 2
)

// A Resampler turns one sample rate into another, whose ratio may be varied
// while it runs: the place of each sample between those of the source is a
// number, and a change of speed changes by how much it grows. At the nominal
// speed the ratio is exact: 10 ms are 10 ms for ever.
//
// The filter has the least phase for its magnitude. In parts of the lower of
// the two rates: up to 0.4375 (7 kHz of 16) the ripple is 0.06 dB, -3 dB lie
// above 0.469 (7.5 kHz of 16), and beyond 0.531 (8.5 kHz of 16) are images and
// aliases at -82 dB or less. It delays by 0.15 ms at 16 kHz and twice that at
// 8 kHz; towards the end of the passband by 0.6 ms.
type Resampler struct {
	// constant after NewResampler
	bank    *bank
	one     uint64 // a sample of the source: the unit of places, times 2^32
	nominal uint64 // what a sample of the result takes
	block   int    // samples of the result that are made at once

	step uint64                   // what a sample of the result takes now
	at   uint64                   // place of the next sample, from the last taken on
	past [maxTaps + maxTake]int16 // the last samples taken, and room for a block
}

// NewResampler returns a Resampler that takes samples at the rate from and
// gives them at the rate to, in Hz; ErrRate if one of them is not among Rates.
func NewResampler(from, to int) (*Resampler, error) {
	if !slices.Contains(Rates, from) || !slices.Contains(Rates, to) {
		return nil, ErrRate
	}
	g := gcd(from, to)
	r := new(Resampler)
	r.init(newBank(from/g, to/g), from/g, to/g, to/100)
	return r, nil
}

func (r *Resampler) init(b *bank, from, to, block int) {
	r.bank, r.block = b, block
	r.one, r.nominal = uint64(to)<<32, uint64(from)<<32
	r.Reset()
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Reset forgets the sound that was taken and returns to the nominal speed.
func (r *Resampler) Reset() {
	clear(r.past[:])
	r.step = r.nominal
	// The last sample of a block is made of the newest: no sample waits.
	r.at = max(r.one, r.step)
}

// Speed sets by how much faster samples are taken than nominally, in Q32; it is
// held to +-1 %. There is no click.
func (r *Resampler) Speed(extraQ32 int64) {
	extra := min(max(extraQ32, -one/100), one/100)
	r.step = uint64(int64(r.nominal) + int64(r.nominal>>32)*extra)
}

// Need is the number of samples that Convert takes for n.
func (r *Resampler) Need(n int) int {
	if n <= 0 {
		return 0
	}
	return int((r.at + uint64(n-1)*r.step) / r.one)
}

// Convert fills dst from src, of Need(len(dst)).
func (r *Resampler) Convert(dst, src []int16) {
	for len(dst) > 0 {
		n := min(len(dst), r.block)
		take := r.Need(n)
		r.convert(dst[:n], src[:take])
		dst, src = dst[n:], src[take:]
	}
}

func (r *Resampler) convert(dst, src []int16) {
	taps := r.bank.taps
	copy(r.past[taps:], src)
	newest, place := int(r.at/r.one), r.at%r.one
	whole, part := int(r.step/r.one), r.step%r.one
	scale := uint64(r.bank.places) / (r.one >> 32)
	for i := range dst {
		dst[i] = r.bank.sample(r.past[newest:newest+taps], place*scale)
		newest, place = newest+whole, place+part
		if place >= r.one {
			newest, place = newest+1, place-r.one
		}
	}
	r.at += uint64(len(dst))*r.step - uint64(len(src))*r.one
	copy(r.past[:taps], r.past[len(src):])
}

// sample is the sound behind the newest of x by place, in places times 2^32.
func (b *bank) sample(x []int16, place uint64) int16 {
	i, part := int(place>>32), int64(place>>16&(1<<16-1))
	v := dot(b.row(i), x, b.coarse)
	if part != 0 {
		v += (dot(b.row(i+1), x, b.coarse) - v) * part >> 16
	}
	v = (v + 1<<(coefShift-1)) >> coefShift
	return int16(min(max(v, -32768), 32767))
}
