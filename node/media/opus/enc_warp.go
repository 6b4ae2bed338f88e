package opus

// Warped filters have all-pass sections in place of delays, which bends the
// frequency axis: there is more detail where the ear has more.

// autocorrelateWarped is autocorrelate on the bent axis.
func autocorrelateWarped(ac []int32, x []int16, warpQ16 int16) (shift int) {
	var state [maxShapeOrder + 1]int32 // Q13
	var sum [maxShapeOrder + 1]int64   // Q10
	order := len(ac) - 1
	for _, v := range x {
		a := int32(v) << 13
		first := int64(a)
		s, c := state[:order+1], sum[:order]
		for ; len(s) >= 3 && len(c) >= 2; s, c = s[2:], c[2:] {
			b := s[0] + mul16(s[1]-a, warpQ16)
			s[0] = a
			c[0] += int64(a) * first >> 16
			a = s[1] + mul16(s[2]-b, warpQ16)
			s[1] = b
			c[1] += int64(b) * first >> 16
		}
		state[order] = a
		sum[order] += int64(a) * first >> 16
	}
	up := min(max(leading64(sum[0])-35, -12-10), 30-10)
	for i := range ac {
		if up >= 0 {
			ac[i] = int32(sum[i] << up)
		} else {
			ac[i] = int32(sum[i] >> -up)
		}
	}
	return -(10 + up)
}

// warpGain is gain for a filter made monic: with a mean log response of 0 on
// the axis that is not bent.
func warpGain(gainQ16 int32, aQ24 []int32, warpQ16 int32) int32 {
	g := aQ24[len(aQ24)-1]
	for i := len(aQ24) - 2; i >= 0; i-- {
		g = aQ24[i] + mul16(g, int16(-warpQ16))
	}
	factorQ16 := inverse(1<<24+mul16(g, int16(warpQ16)), 40)
	if gainQ16 < 16384 {
		return mul32(gainQ16, factorQ16)
	}
	half := mul32(round(gainQ16, 1), factorQ16)
	if half >= maxInt32>>1 {
		return maxInt32
	}
	return half << 1
}

// unwarp makes a warped filter monic and limits it to what 16 bits hold, just
// below 4, by moving its poles inwards.
func unwarp(aQ13 []int16, aQ24 []int32, warpQ16 int32) {
	const limitQ20 = 67092087 >> 4
	gainQ16 := monic(aQ24, warpQ16)
	for iteration := range int32(10) {
		worst, at := int32(-1), 0
		for i, a := range aQ24 {
			if abs(a) > worst {
				worst, at = abs(a), i
			}
		}
		worst >>= 4
		if worst <= limitQ20 {
			break
		}
		for i := 1; i < len(aQ24); i++ {
			aQ24[i-1] += mul16(aQ24[i], int16(warpQ16))
		}
		multiply(aQ24, inverse(gainQ16, 32))
		excess := mul16(worst-limitQ20, int16(819+102*iteration))
		expandWide(aQ24, 64881-divide(excess, worst*int32(at+1), 22))
		gainQ16 = monic(aQ24, warpQ16)
	}
	for i, a := range aQ24 {
		aQ13[i] = sat16(round(a, 11))
	}
}

// monic turns warped coefficients into those of a monic filter, and returns
// what they were multiplied with.
func monic(aQ24 []int32, warpQ16 int32) (gainQ16 int32) {
	for i := len(aQ24) - 1; i > 0; i-- {
		aQ24[i-1] += mul16(aQ24[i], int16(-warpQ16))
	}
	over := 1<<16 + mul16(-warpQ16, int16(warpQ16))
	under := 1<<24 + mul16(aQ24[0], int16(warpQ16))
	gainQ16 = divide(over, under, 24)
	multiply(aQ24, gainQ16)
	return gainQ16
}

func multiply(a []int32, factorQ16 int32) {
	for i, v := range a {
		a[i] = mul32(factorQ16, v)
	}
}
