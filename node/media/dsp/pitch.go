package dsp

// Pitch periods that are looked for, in samples: 400 Hz to 67 Hz.
const (
	MinPitch = Rate / 400 // 2.5 ms
	MaxPitch = Rate * 3 / 200
)

// matchQ15 is the normalised correlation of a and b, of equal length: 1.0 when
// they differ by a positive gain only, 0 for silence and for opposite shapes.
func matchQ15(a, b []int16) int32 {
	var ab, aa, bb int64
	b = b[:len(a)]
	for i := range a {
		x, y := int64(a[i]), int64(b[i])
		ab += x * y
		aa += x * x
		bb += y * y
	}
	return ratioQ15(ab, aa, bb)
}

// ratioQ15 is ab/sqrt(aa*bb), at least 0. The sums are of at most 2^16 products.
func ratioQ15(ab, aa, bb int64) int32 {
	if ab <= 0 || aa == 0 || bb == 0 {
		return 0
	}
	r := root(uint64(aa)) * root(uint64(bb)) // each root is below 2^24
	if r == 0 {
		return 0
	}
	return int32(min(ab<<15/int64(r), 1<<15))
}

// root is the integer square root, rounded down.
func root(x uint64) uint64 {
	var r uint64
	for bit := uint64(1) << 62; bit > 0; bit >>= 2 {
		if x >= r+bit {
			x -= r + bit
			r = r>>1 + bit
		} else {
			r >>= 1
		}
	}
	return r
}

// bestLag returns the lag in [low, high] at which cost is best: first every
// second lag, then the neighbours of the best.
func bestLag(low, high int, match func(lag int) int32) (lag int, matchedQ15 int32) {
	lag, matchedQ15 = low, -1
	try := func(l int) {
		if l < low || l > high {
			return
		}
		if m := match(l); m > matchedQ15 {
			lag, matchedQ15 = l, m
		}
	}
	for l := low; l <= high; l += 2 {
		try(l)
	}
	around := lag
	try(around - 1)
	try(around + 1)
	return lag, matchedQ15
}
