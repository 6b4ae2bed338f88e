package opus

import "slices"

// nlsfBook is a book of normalized line spectral frequencies: vectors, and
// residuals that are predicted from their upper neighbours.
type nlsfBook struct {
	order      int
	stepQ16    int16        // of a residual
	centersQ8  []uint8      // of 32 vectors
	weightsQ9  []int16      // by which the residuals of each are divided
	vector     [2][32]uint8 // distribution of the vectors; by whether the frame is voiced
	choice     []uint8      // for each pair of a vector's frequencies: distributions and predictors
	residual   [8][9]uint8  // distributions of residuals, plus 4
	predictQ8  [2][]uint8   // predictors
	spacingQ15 []int16      // least distances, from 0 and to 1 as well
}

// chosen is which distribution and which predictors frequency i of a vector uses.
func (b *nlsfBook) chosen(vector, i int) (distribution, predictor int) {
	c := int(b.choice[(vector*b.order+i)/2]) >> (i & 1 * 4)
	return c >> 1 & 7, c & 1
}

// decode makes frequencies in Q15 of a vector and its residuals.
// RFC 6716 section 4.2.7.5.3.
func (b *nlsfBook) decode(nlsfQ15 []int16, vector int, residuals []int8) {
	var upperQ10 int32
	for i := b.order - 1; i >= 0; i-- {
		var predictedQ10 int32
		if i < b.order-1 {
			_, set := b.chosen(vector, i)
			predictedQ10 = upperQ10 * int32(b.predictQ8[set][i]) >> 8
		}
		r := int32(residuals[i]) << 10
		switch {
		case r > 0:
			r -= 102
		case r < 0:
			r += 102
		}
		upperQ10 = predictedQ10 + mul16(r, b.stepQ16)
		at := vector*b.order + i
		f := upperQ10<<14/int32(b.weightsQ9[at]) + int32(b.centersQ8[at])<<7
		nlsfQ15[i] = int16(min(max(f, 0), 32767))
	}
	stabilize(nlsfQ15[:b.order], b.spacingQ15)
}

// stabilize moves frequencies apart until they keep the distances of spacing,
// the closest first. RFC 6716 section 4.2.7.5.4.
func stabilize(nlsfQ15, spacingQ15 []int16) {
	n := len(nlsfQ15)
	for range 20 {
		at, lack := closest(nlsfQ15, spacingQ15)
		if lack >= 0 {
			return
		}
		switch at {
		case 0:
			nlsfQ15[0] = spacingQ15[0]
		case n:
			nlsfQ15[n-1] = int16(1<<15 - int32(spacingQ15[n]))
		default:
			part(nlsfQ15, spacingQ15, at)
		}
	}
	slices.Sort(nlsfQ15)
	low := int32(0)
	for i := range nlsfQ15 {
		low = min(low+int32(spacingQ15[i]), 32767)
		low = max(int32(nlsfQ15[i]), low)
		nlsfQ15[i] = int16(low)
	}
	high := int32(1 << 15)
	for i := n - 1; i >= 0; i-- {
		high = min(int32(nlsfQ15[i]), high-int32(spacingQ15[i+1]))
		nlsfQ15[i] = int16(high)
	}
}

// closest finds the pair that is nearest to, or farthest below, its distance.
func closest(nlsfQ15, spacingQ15 []int16) (at int, lackQ15 int32) {
	below := int32(0)
	lackQ15 = maxInt32
	for i, f := range nlsfQ15 {
		if d := int32(f) - below - int32(spacingQ15[i]); d < lackQ15 {
			at, lackQ15 = i, d
		}
		below = int32(f)
	}
	if d := 1<<15 - below - int32(spacingQ15[len(nlsfQ15)]); d < lackQ15 {
		at, lackQ15 = len(nlsfQ15), d
	}
	return at, lackQ15
}

// part puts the pair below and at i to its distance, about its center.
func part(nlsfQ15, spacingQ15 []int16, i int) {
	half := int32(spacingQ15[i] >> 1)
	low, high := half, 1<<15-half
	for _, d := range spacingQ15[:i] {
		low += int32(d)
	}
	for _, d := range spacingQ15[i+1:] {
		high -= int32(d)
	}
	center := round(int32(nlsfQ15[i-1])+int32(nlsfQ15[i]), 1)
	nlsfQ15[i-1] = int16(min(max(center, low), high) - half)
	nlsfQ15[i] = nlsfQ15[i-1] + spacingQ15[i]
}

// nlsfOrder10 and nlsfOrder16 are the order in which frequencies are multiplied
// in, for precision; table 27.
var (
	nlsfOrder10 = [...]uint8{0, 9, 6, 3, 4, 5, 8, 1, 2, 7}
	nlsfOrder16 = [...]uint8{0, 15, 8, 7, 4, 11, 12, 3, 2, 13, 10, 5, 6, 9, 14, 1}
)

// nlsfFilter makes a stable filter of frequencies; both of one length, 10 or 16.
// RFC 6716 sections 4.2.7.5.6 to 4.2.7.5.8.
func nlsfFilter(aQ12 []int16, nlsfQ15 []int16) {
	n := len(nlsfQ15)
	places := nlsfOrder16[:]
	if n == len(nlsfOrder10) {
		places = nlsfOrder10[:]
	}
	var cosQ16, aQ17 [maxOrder]int32
	for k, f := range nlsfQ15 {
		i, frac := f>>8, int32(f&0xff)
		c, next := int32(cosineQ12[i]), int32(cosineQ12[i+1])
		cosQ16[places[k]] = round(c<<8+(next-c)*frac, 4)
	}
	p, q := polynomial(cosQ16[:n]), polynomial(cosQ16[1:n])
	for k := range n / 2 {
		even, odd := p[k+1]+p[k], q[k+1]-q[k]
		aQ17[k] = -odd - even
		aQ17[n-1-k] = odd - even
	}
	fit(aQ12, aQ17[:n])
	for i := range 16 {
		if inverseGain(aQ12) != 0 {
			return
		}
		expandWide(aQ17[:n], 65536-2<<i)
		narrow(aQ12, aQ17[:n])
	}
}

// polynomial multiplies out the factors 1 - c*z + z^2 of every second c.
func polynomial(cosQ16 []int32) (p [maxOrder/2 + 1]int32) {
	p[0], p[1] = 1<<16, -cosQ16[0]
	for k := 1; 2*k < len(cosQ16); k++ {
		c := cosQ16[2*k]
		p[k+1] = p[k-1]<<1 - int32(mulRound(c, p[k], 16))
		for n := k; n > 1; n-- {
			p[n] += p[n-2] - int32(mulRound(c, p[n-1], 16))
		}
		p[1] -= c
	}
	return p
}
