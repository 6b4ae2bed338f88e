package dsp

const (
	// coefShift is the Q format of coefficients: with fewer bits their rounding
	// would be heard as images, of some -85 dB with 16 bits.
	coefShift = 23
	// placesLeast is the least number of places between two samples of the
	// lower rate that have coefficients of their own; between them lies a
	// straight line. Its images are those of a repeated spectrum under
	// (f/places)^2: below -95 dB.
	placesLeast = 128
	// coarseShift is the Q format of coefficients so small that so many bits are
	// enough: coarseRun of them times 16 bits fit into 32.
	coarseShift = 18
	coarseRun   = 8
	// tapsUnit divides the number of taps, for unrolled loops.
	tapsUnit = 16
)

// A bank holds the coefficients for one ratio of rates: for each of some places
// between two samples of the source those of all samples that reach it, the
// oldest first. It does not change.
type bank struct {
	taps   int
	coarse int     // the first taps of each row, which are small, are whole in Q18
	places int     // a multiple of the ratio's denominator: the nominal speed meets only these
	coef   []int32 // Q23: places+1 rows of taps
}

// row returns the coefficients at a place.
func (b *bank) row(place int) []int32 { return b.coef[place*b.taps : (place+1)*b.taps] }

// newBank makes the coefficients to turn from samples into to, a ratio in its
// lowest terms.
func newBank(from, to int) *bank {
	low := min(from, to)
	b := &bank{taps: (protoSpan*from + low - 1) / low}
	b.taps += (tapsUnit - b.taps%tapsUnit) % tapsUnit
	b.places = (placesLeast*low + from - 1) / from
	b.places = (b.places + to - 1) / to * to
	b.coef = make([]int32, (b.places+1)*b.taps)
	for place := range b.places + 1 {
		row := b.row(place)
		for k := range row {
			// The age of the sample in samples of the lower rate is
			// (k + place/places) * low/from.
			row[b.taps-1-k] = proto((k*b.places+place)*low, b.places*from)
		}
		normalize(row, 0)
	}
	b.coarse = b.small()
	for place := range b.places + 1 {
		normalize(b.row(place), b.coarse)
	}
	return b
}

// small is how many taps, of the first of each row, are small in all rows.
func (b *bank) small() int {
	const limit = 1<<(coefShift-2) - coarseRun<<(coefShift-coarseShift)
	least := b.taps
	for place := range b.places + 1 {
		row, n := b.row(place), 0
		for n < b.taps && magnitude(row[n:n+coarseRun]) < limit {
			n += coarseRun
		}
		least = min(least, n)
	}
	return least / tapsUnit * tapsUnit
}

// magnitude is the sum of magnitudes.
func magnitude(row []int32) (sum int32) {
	for _, c := range row {
		sum += max(c, -c)
	}
	return sum
}

// proto is the prototype at num/den samples, Q30: the third-order curve through
// the four points around it.
func proto(num, den int) int32 {
	num *= protoSteps
	i, rest := num/den, num%den
	if i >= protoSpan*protoSteps {
		return 0
	}
	const one = 1 << 20
	x := int64(rest) * one / int64(den)
	p := (*[4]int32)(protoQ30[i:])
	// Lagrange's polynomials for -1, 0, 1 and 2.
	below, above, two := one+x, one-x, 2*one-x
	inner, outer := above*two>>20, x*below>>20
	sum := int64(p[1])*(inner*below>>21) + int64(p[2])*(outer*two>>21) -
		int64(p[0])*(inner*x/(6*one)) - int64(p[3])*(outer*above/(6*one))
	return int32(sum >> 20)
}

// normalize scales row to Q23 whose sum is exactly 1, so that a constant has no
// image, with the first coarse taps whole in Q18.
func normalize(row []int32, coarse int) {
	var sum, total int64
	for _, c := range row {
		sum += int64(c)
	}
	most := 0
	for k, c := range row {
		shift := 0
		if k < coarse {
			shift = coefShift - coarseShift
		}
		row[k] = int32(nearest(int64(c)<<(coefShift-shift), sum)) << shift
		total += int64(row[k])
		if row[k] > row[most] {
			most = k
		}
	}
	row[most] += int32(1<<coefShift - total)
}

// nearest is num/den, rounded; den is positive.
func nearest(num, den int64) int64 {
	if num < 0 {
		return -nearest(-num, den)
	}
	return (num + den/2) / den
}
