package dsp

import "math/bits"

// dot is the sum of coef[k]*x[k], exactly. The lengths are equal and a multiple
// of tapsUnit; coefficients are Q23 and their magnitudes sum up to less than 4.
func dot(coef []int32, x []int16) int64 {
	if bits.UintSize == 64 {
		return dotWide(coef, x)
	}
	return dotNarrow(coef, x)
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
	// lowRun is how many lower products, of 9 and 16 bits, 32 bits can hold.
	lowRun = 64
)

// dotNarrow is dot where registers have 32 bits: products of 32 bits only.
func dotNarrow(coef []int32, x []int16) int64 {
	var high int32
	var sum int64
	for len(coef) > 0 {
		n := min(len(coef), lowRun)
		var low int32
		y := x[:n]
		for k, c := range coef[:n] {
			s := int32(y[k])
			high += c >> lowBits * s
			low += c & (1<<lowBits - 1) * s
		}
		sum += int64(low)
		coef, x = coef[n:], x[n:]
	}
	return sum + int64(high)<<lowBits
}
