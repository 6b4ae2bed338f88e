package dsp

import "math/bits"

// Pitch periods that are looked for, in samples: 400 Hz to 67 Hz.
const (
	MinPitch = Rate / 400 // 2.5 ms
	MaxPitch = Rate * 3 / 200
)

// period finds the shift in [low, high] at which x, from base on, is most like
// its first n samples from base+sign*shift on, and how alike they are: Q15, the
// normalised correlation. It looks at every second shift and sample first, and
// then at the neighbours of the best.
func period(x []int16, base, sign, n, low, high int) (shift int, matchQ15 int32) {
	a := x[base : base+n]
	at := func(s int) []int16 { return x[base+sign*s : base+sign*s+n] }
	shift = low
	best := int64(-1)
	for s := low; s <= high; s += 2 {
		if l := likeness(a, at(s), 2); l > best {
			shift, best = s, l
		}
	}
	best = -1
	for s := max(low, shift-1); s <= min(high, shift+1); s++ {
		if l := likeness(a, at(s), 1); l > best {
			shift, best = s, l
		}
	}
	return shift, correlationQ15(a, at(shift))
}

// likeness orders the b by their normalised correlation with one a: it is its
// square but for a's energy and a scale, 0 when they are opposite.
func likeness(a, b []int16, step int) int64 {
	var ab, bb int64
	b = b[:len(a)]
	for i := 0; i < len(a); i += step {
		x, y := int32(a[i]), int32(b[i])
		ab += int64(x * y)
		bb += int64(y * y)
	}
	if ab <= 0 {
		return 0
	}
	// Sums of at most 256 products are below 2^38; the square of one shifted
	// by 8 is below 2^60.
	ab >>= 8
	return ab * ab / (bb>>8 + 1)
}

// correlationQ15 is the normalised correlation of a and b: 1.0 when they differ
// by a positive gain only, 0 for silence and for opposite shapes.
func correlationQ15(a, b []int16) int32 {
	var ab, aa, bb int64
	b = b[:len(a)]
	for i := range a {
		x, y := int32(a[i]), int32(b[i])
		ab += int64(x * y)
		aa += int64(x * x)
		bb += int64(y * y)
	}
	if ab <= 0 {
		return 0
	}
	return int32(min(ab<<15/int64(root(uint64(aa))*root(uint64(bb))), 1<<15))
}

// root is the integer square root, rounded down.
func root(x uint64) uint64 {
	var r uint64
	if x == 0 {
		return 0
	}
	for bit := uint64(1) << ((bits.Len64(x) - 1) &^ 1); bit > 0; bit >>= 2 {
		if x >= r+bit {
			x -= r + bit
			r = r>>1 + bit
		} else {
			r >>= 1
		}
	}
	return r
}
