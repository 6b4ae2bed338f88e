package opus

import "math/bits"

// dot is the sum of the products of x and y, which is at least as long. It
// wraps in 32 bits.
func dot(x, y []int16) (sum int32) {
	y = y[:len(x)]
	for ; len(x) >= 8 && len(y) >= 8; x, y = x[8:], y[8:] {
		a, b := (*[8]int16)(x), (*[8]int16)(y)
		sum += product(a[0], b[0]) + product(a[1], b[1]) + product(a[2], b[2]) + product(a[3], b[3]) +
			product(a[4], b[4]) + product(a[5], b[5]) + product(a[6], b[6]) + product(a[7], b[7])
	}
	for i, a := range x {
		sum += product(a, y[i])
	}
	return sum
}

// dotWide is dot in 64 bits.
func dotWide(x, y []int16) (sum int64) {
	y = y[:len(x)]
	for i, a := range x {
		sum += int64(int32(a) * int32(y[i]))
	}
	return sum
}

// addPositive is a+b of positive numbers, limited to 32 bits.
func addPositive(a, b int32) int32 {
	if s := a + b; s >= 0 {
		return s
	}
	return maxInt32
}

// leading64 is how many leading zeros a has.
func leading64(a int64) int { return bits.LeadingZeros64(uint64(a)) }

// floorLog is log2(a), rounded down; a is positive.
func floorLog(a int32) int { return 31 - leading(a) }

// sigmoidQ15 is 1/(1+e^-x) of straight lines.
func sigmoidQ15(xQ5 int32) int32 {
	if xQ5 < 0 {
		if xQ5 <= -6*32 {
			return 0
		}
		return sigmoidBelowQ15[-xQ5>>5] - sigmoidSlopeQ10[-xQ5>>5]*(-xQ5&31)
	}
	if xQ5 >= 6*32 {
		return 32767
	}
	return sigmoidAboveQ15[xQ5>>5] + sigmoidSlopeQ10[xQ5>>5]*(xQ5&31)
}

// autocorrelate fills ac with the autocorrelations of x, scaled so that the first
// has 29 bits, and returns the exponent that was taken away. scratch has
// the length of x.
func autocorrelate(ac []int32, x, scratch []int16) (shift int) {
	n := int32(len(x))
	pre := floorLog(n + n>>4)
	sum := 1 + n<<7
	for _, v := range x {
		sum += int32(v) * int32(v) >> pre
	}
	sum += sum >> 7 // samples are rounded below
	if shift = (floorLog(sum) - 30 + pre + 1) / 2; shift > 0 {
		for i, v := range x {
			scratch[i] = int16(round(int32(v), uint(shift)))
		}
		x = scratch[:len(x)]
	} else {
		shift = 0
	}
	for k := range ac {
		ac[k] = dot(x[k:], x)
	}
	shift *= 2
	if shift == 0 {
		ac[0]++
	}
	switch {
	case ac[0] < 1<<28:
		up := leading(ac[0]) - 3
		for k := range ac {
			ac[k] <<= up
		}
		shift -= up
	case ac[0] >= 1<<29:
		down := 3 - leading(ac[0])
		for k := range ac {
			ac[k] >>= down
		}
		shift += down
	}
	return shift
}

// window puts x into out, with the first and last slope samples under halves of
// a sine. slope is a multiple of 4 from 16 to 120. Every second value of the
// sine is interpolated.
func window(out, x []int16, slope int) {
	fQ16 := int32(sineQ16[slope/4-4])
	curveQ16 := mul16(fQ16, int16(-fQ16))
	n := len(x)
	swing(out[:slope], x[:slope], 0, fQ16+int32(slope>>3), curveQ16)
	copy(out[slope:n-slope], x[slope:n-slope])
	swing(out[n-slope:n], x[n-slope:], 1<<16, 1<<16+curveQ16>>1+int32(slope>>4), curveQ16)
}

// swing multiplies x by a wave that starts at a and goes on to b; the wave is
// sin((n+1)f) = 2cos(f)sin(nf) - sin((n-1)f).
func swing(out, x []int16, aQ16, bQ16, curveQ16 int32) {
	for k := 0; k+4 <= len(x); k += 4 {
		out[k] = int16(mul16((aQ16+bQ16)>>1, x[k]))
		out[k+1] = int16(mul16(bQ16, x[k+1]))
		aQ16 = min(mul16(bQ16, int16(curveQ16))+bQ16<<1-aQ16+1, 1<<16)
		out[k+2] = int16(mul16((aQ16+bQ16)>>1, x[k+2]))
		out[k+3] = int16(mul16(aQ16, x[k+3]))
		bQ16 = min(mul16(aQ16, int16(curveQ16))+aQ16<<1-bQ16, 1<<16)
	}
}

// filter2Q28 runs x through a second order filter, direct form II transposed.
func filter2Q28(x []int16, feed *[3]int32, back *[2]int32, state *[2]int32) {
	low0, high0 := -back[0]&0x3fff, int16(-back[0]>>14)
	low1, high1 := -back[1]&0x3fff, int16(-back[1]>>14)
	s0, s1 := state[0], state[1]
	for i, in := range x {
		outQ14 := (s0 + mul16(feed[0], in)) << 2
		s0 = s1 + round(mul16(outQ14, int16(low0)), 14) + mul16(outQ14, high0) + mul16(feed[1], in)
		s1 = round(mul16(outQ14, int16(low1)), 14) + mul16(outQ14, high1) + mul16(feed[2], in)
		x[i] = sat16((outQ14 + 1<<14 - 1) >> 14)
	}
	state[0], state[1] = s0, s1
}
