package dsp

import "math/bits"

// dot is the sum of coef[k]*x[k], exactly. The lengths are equal and a multiple
// of tapsUnit; coefficients are Q23 and their magnitudes sum up to less than 4.
// The first coarse of them are whole in Q18, a multiple of tapsUnit, too.
func dot(coef []int32, x []int16, coarse int) int64 {
	if bits.UintSize == 64 {
		return dotWide(coef, x)
	}
	return dotCoarse(coef[:coarse], x[:coarse]) + dotNarrow(coef[coarse:], x[coarse:])
}

// dotWide is dot where registers have 64 bits.
func dotWide(coef []int32, x []int16) int64 {
	var a, b int64
	for len(coef) >= tapsUnit && len(x) >= tapsUnit {
		c, y := (*[tapsUnit]int32)(coef), (*[tapsUnit]int16)(x)
		a += int64(c[0])*int64(y[0]) + int64(c[1])*int64(y[1]) + int64(c[2])*int64(y[2]) + int64(c[3])*int64(y[3])
		b += int64(c[4])*int64(y[4]) + int64(c[5])*int64(y[5]) + int64(c[6])*int64(y[6]) + int64(c[7])*int64(y[7])
		a += int64(c[8])*int64(y[8]) + int64(c[9])*int64(y[9]) + int64(c[10])*int64(y[10]) + int64(c[11])*int64(y[11])
		b += int64(c[12])*int64(y[12]) + int64(c[13])*int64(y[13]) + int64(c[14])*int64(y[14]) + int64(c[15])*int64(y[15])
		coef, x = coef[tapsUnit:], x[tapsUnit:]
	}
	return a + b
}

const (
	// lowBits of each coefficient are summed up apart where products have 32
	// bits: the upper part is Q14, whose sum stays below 2^31.
	lowBits = coefShift - 14
	lowMask = 1<<lowBits - 1
)

// dotCoarse is dot for coefficients that are whole in Q18 and of which the
// magnitudes of each coarseRun sum up to less than 0.25: one product of 32 bits
// each.
func dotCoarse(coef []int32, x []int16) (sum int64) {
	const shift = coefShift - coarseShift
	for len(coef) >= coarseRun && len(x) >= coarseRun {
		c, y := (*[coarseRun]int32)(coef), (*[coarseRun]int16)(x)
		v := c[0]>>shift*int32(y[0]) + c[1]>>shift*int32(y[1]) + c[2]>>shift*int32(y[2]) + c[3]>>shift*int32(y[3])
		v += c[4]>>shift*int32(y[4]) + c[5]>>shift*int32(y[5]) + c[6]>>shift*int32(y[6]) + c[7]>>shift*int32(y[7])
		sum += int64(v)
		coef, x = coef[coarseRun:], x[coarseRun:]
	}
	return sum << shift
}

// dotNarrow is dot where registers have 32 bits: products of 32 bits only. 16
// lower products, of 9 and 16 bits, fit easily.
func dotNarrow(coef []int32, x []int16) int64 {
	var high int32
	var sum int64
	for len(coef) >= tapsUnit && len(x) >= tapsUnit {
		c, y := (*[tapsUnit]int32)(coef), (*[tapsUnit]int16)(x)
		var low int32
		for k := 0; k < tapsUnit; k += 4 {
			a, b := c[k], int32(y[k])
			high, low = high+a>>lowBits*b, low+a&lowMask*b
			a, b = c[k+1], int32(y[k+1])
			high, low = high+a>>lowBits*b, low+a&lowMask*b
			a, b = c[k+2], int32(y[k+2])
			high, low = high+a>>lowBits*b, low+a&lowMask*b
			a, b = c[k+3], int32(y[k+3])
			high, low = high+a>>lowBits*b, low+a&lowMask*b
		}
		sum += int64(low)
		coef, x = coef[tapsUnit:], x[tapsUnit:]
	}
	return sum + int64(high)<<lowBits
}
