package opus

const (
	maxShapeOrder = 24
	// reflectLimitQ15 and reflectLimitQ16 are 0.99: where the recursion over
	// reflection coefficients ends, since it would not be stable.
	reflectLimitQ15 = 32440
	reflectLimitQ16 = 64881
)

// reflections finds the reflection coefficients of an autocorrelation, by the
// recursion of Schur, and returns the energy that is left. It is fast and
// coarse; reflectionsFine is the other.
func reflections(reflectQ15 []int16, ac []int32) int32 {
	var c [maxOrder + 1][2]int32
	order := len(reflectQ15)
	up := leading(ac[0]) - 2
	for k, a := range ac[:order+1] {
		if up < 0 {
			a >>= 1
		} else {
			a <<= up
		}
		c[k] = [2]int32{a, a}
	}
	clear(reflectQ15)
	for k := range reflectQ15 {
		next, rest := c[k+1][0], c[0][1]
		if abs(next) >= rest {
			reflectQ15[k] = reflectLimitQ15
			if next > 0 {
				reflectQ15[k] = -reflectLimitQ15
			}
			break
		}
		r := sat16(-(next / max(rest>>15, 1)))
		reflectQ15[k] = r
		for n := range order - k {
			a, b := c[n+k+1][0], c[n][1]
			c[n+k+1][0] = a + mul16(b<<1, r)
			c[n][1] = b + mul16(a<<1, r)
		}
	}
	return max(1, c[0][1])
}

// reflectionsFine is reflections with products of 64 bits. The energy is in the
// format of ac.
func reflectionsFine(reflectQ16 []int32, ac []int32) int32 {
	clear(reflectQ16)
	if ac[0] <= 0 {
		return 0
	}
	var c [maxShapeOrder + 1][2]int32
	order := len(reflectQ16)
	for k, a := range ac[:order+1] {
		c[k] = [2]int32{a, a}
	}
	for k := range reflectQ16 {
		next, rest := c[k+1][0], c[0][1]
		if abs(next) >= rest {
			reflectQ16[k] = reflectLimitQ16
			if next > 0 {
				reflectQ16[k] = -reflectLimitQ16
			}
			break
		}
		rQ31 := divide(-next, rest, 31)
		reflectQ16[k] = round(rQ31, 15)
		for n := range order - k {
			a, b := c[n+k+1][0], c[n][1]
			c[n+k+1][0] = a + mulHigh(b<<1, rQ31)
			c[n][1] = b + mulHigh(a<<1, rQ31)
		}
	}
	return max(1, c[0][1])
}

// stepUp makes a filter of reflection coefficients.
func stepUp(aQ24 []int32, reflectQ15 []int16) {
	for k, r := range reflectQ15 {
		for n := range (k + 1) / 2 {
			x, y := aQ24[n], aQ24[k-n-1]
			aQ24[n] = x + mul16(y<<1, r)
			aQ24[k-n-1] = y + mul16(x<<1, r)
		}
		aQ24[k] = -(int32(r) << 9)
	}
}

// stepUpFine is stepUp with wider coefficients.
func stepUpFine(aQ24, reflectQ16 []int32) {
	for k, r := range reflectQ16 {
		for n := range (k + 1) / 2 {
			x, y := aQ24[n], aQ24[k-n-1]
			aQ24[n] = x + mul32(y, r)
			aQ24[k-n-1] = y + mul32(x, r)
		}
		aQ24[k] = -(r << 8)
	}
}
