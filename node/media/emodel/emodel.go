// Package emodel rates a call by the E-model for wideband telephones, ITU-T
// G.107.1: from the delay, the codec and what was made up, on a scale of which
// 129 is perfect.
//
// Terms that a telephone cannot measure - noise in the rooms, side tone, echo -
// have the values that the recommendation gives for want of others, so R is 129
// less the impairment by delay, Idd, less that by codec and loss together.
//
// How much the codec impairs was derived as ITU-T P.834.1 has it, from PESQ
// (P.862.2) of our own codec without loss, and of what loss does to it.
package emodel

import (
	"math"
	"time"
)

const (
	// Perfect is R of a call that nothing impairs.
	Perfect = 129
	// Robustness is Bpl of our codec, in percent of loss: at this loss half of
	// what can be lost is. It makes up little in the ear of PESQ.
	Robustness = 3.0
	// worst bounds what codec and loss impair together, G.107.1 formula 7-12.
	worst = 95
)

// impairments are Ie of the codec by bit rate, in packets of 60 ms.
var impairments = [...]struct{ bitrate, ie float64 }{
	{5000, 85}, {6000, 73}, {7000, 61.5}, {8000, 53}, {9000, 48.4}, {10000, 42.4}, {12000, 33.4},
	{14500, 26.6}, {18000, 20.4}, {24000, 14.2}, {32000, 11}, {40000, 9.1},
}

// Codec is Ie, the impairment by our codec at a bit rate in bit/s, in packets
// whose frames last so long. Short frames spend some 16 bits each on beginning
// anew.
func Codec(bitrate float64, frame time.Duration) float64 {
	const anew, long = 16, 60 * time.Millisecond
	rate := bitrate
	if frame > 0 && frame < long {
		rate -= anew * (1/frame.Seconds() - 1/long.Seconds())
	}
	former := impairments[0]
	if rate <= former.bitrate {
		return former.ie
	}
	for _, next := range impairments[1:] {
		if rate < next.bitrate {
			return former.ie + (next.ie-former.ie)*(rate-former.bitrate)/(next.bitrate-former.bitrate)
		}
		former = next
	}
	return former.ie
}

// Delay is Idd, the impairment by the time from mouth to ear: nothing up to
// 100 ms. G.107 formula 7-27.
func Delay(d time.Duration) float64 {
	const none = 100 * time.Millisecond
	if d <= none {
		return 0
	}
	x := math.Log2(float64(d) / float64(none))
	return 25 * (math.Pow(1+math.Pow(x, 6), 1./6) - 3*math.Pow(1+math.Pow(x/3, 6), 1./6) + 2)
}

// Loss is Ie,eff: what a codec of impairment ie impairs when so much of the time,
// 0 to 1, is made up. G.107.1 formula 7-12, for losses that come at random.
func Loss(ie, share float64) float64 {
	percent := 100 * min(max(share, 0), 1)
	return ie + (worst-ie)*percent/(percent+Robustness)
}

// R rates a call.
func R(delay time.Duration, ie, madeUp float64) float64 {
	return max(0, Perfect-Delay(delay)-Loss(ie, madeUp))
}

// MOS is the mean opinion that people have of a call of this R, from 1, bad, to
// 4.5. G.107.1 annex A, which is G.107 annex B with R brought down to 100.
func MOS(r float64) float64 {
	r *= 100. / Perfect
	switch {
	case r <= 0:
		return 1
	case r >= 100:
		return 4.5
	}
	return 1 + .035*r + r*(r-60)*(100-r)*7e-6
}
