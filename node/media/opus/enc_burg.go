package opus

const (
	// burgRoom is how many bits stay free above energies.
	burgRoom = 3
	// conditionQ32 keeps the correlation matrix from being singular: 1e-5.
	conditionQ32 = 42950
)

// burg finds the linear prediction of several pieces of sound at once, by the
// method of Burg on the covariance matrix. RFC 6716 section 5.2.3.4.2.1.
type burg struct {
	aQ16   [maxOrder]int32
	rest   int32 // energy of the residual
	shift  int   // by which it is scaled down
	aQ25   [maxOrder]int32
	first  [maxOrder]int32     // first row of the correlation matrix, without its first element
	last   [maxOrder]int32     // last row, from the end
	forth  [maxOrder + 1]int32 // matrix times filter
	back   [maxOrder + 1]int32 // matrix times reversed filter, from the end
	energy int32
}

// analyze takes parts pieces of x, n samples each, and stops where the gain of
// the prediction is 1/leastQ30.
func (b *burg) analyze(x []int16, n, parts, order int, leastQ30 int32) {
	b.prepare(x, n, parts, order)
	invQ30, done := int32(1<<30), false
	for k := 0; k < order && !done; k++ {
		if b.shift > -2 {
			b.extend(x, n, parts, k)
		} else {
			b.extendFine(x, n, parts, k)
		}
		var reflectQ31 int32
		reflectQ31, invQ30, done = b.reflect(k, invQ30, leastQ30)
		for i := range (k + 1) / 2 {
			u, v := b.aQ25[i], b.aQ25[k-i-1]
			b.aQ25[i] = u + mulHigh(v, reflectQ31)<<1
			b.aQ25[k-i-1] = v + mulHigh(u, reflectQ31)<<1
		}
		b.aQ25[k] = reflectQ31 >> (31 - 25)
		if done {
			clear(b.aQ25[k+1 : order])
			break
		}
		for i := range k + 2 {
			u, v := b.forth[i], b.back[k+1-i]
			b.forth[i] = u + mulHigh(v, reflectQ31)<<1
			b.back[k+1-i] = v + mulHigh(u, reflectQ31)<<1
		}
	}
	if done {
		b.conclude(x, n, parts, order, invQ30)
	} else {
		b.concludeExactly(order)
	}
}

// prepare finds the autocorrelation and the scale.
func (b *burg) prepare(x []int16, n, parts, order int) {
	total := dotWide(x[:n*parts], x)
	b.shift = min(max(32+1+burgRoom-leading64(total), -16), 32-25)
	b.first = [maxOrder]int32{}
	if b.shift > 0 {
		b.energy = int32(total >> b.shift)
	} else {
		b.energy = int32(total) << -b.shift
	}
	for s := range parts {
		part := x[s*n:][:n]
		for k := range order {
			if b.shift > 0 {
				b.first[k] += int32(dotWide(part[k+1:], part) >> b.shift)
			} else {
				b.first[k] += dot(part[k+1:], part) << -b.shift
			}
		}
	}
	b.last = b.first
	b.forth[0] = b.energy + mulHigh(conditionQ32, b.energy) + 1
	b.back[0] = b.forth[0]
}

// extend adds row k of the matrix.
func (b *burg) extend(x []int16, n, parts, k int) {
	for s := range parts {
		part := x[s*n:][:n]
		up := 16 - b.shift
		x1, x2 := -(int32(part[k]) << up), -(int32(part[n-k-1]) << up)
		t1, t2 := int32(part[k])<<9, int32(part[n-k-1])<<9
		for i := range k {
			u, v := part[k-i-1], part[n-k+i]
			b.first[i] += mul16(x1, u)
			b.last[i] += mul16(x2, v)
			t1 += mul16(b.aQ25[i], u)
			t2 += mul16(b.aQ25[i], v)
		}
		t1, t2 = -t1<<(7-b.shift), -t2<<(7-b.shift)
		for i := range k + 1 {
			b.forth[i] += mul16(t1, part[k-i])
			b.back[i] += mul16(t2, part[n-k+i-1])
		}
	}
}

// extendFine is extend for quiet sound.
func (b *burg) extendFine(x []int16, n, parts, k int) {
	for s := range parts {
		part := x[s*n:][:n]
		up := -b.shift
		x1, x2 := -(int32(part[k]) << up), -(int32(part[n-k-1]) << up)
		t1, t2 := int32(part[k])<<17, int32(part[n-k-1])<<17
		for i := range k {
			u, v := int32(part[k-i-1]), int32(part[n-k+i])
			b.first[i] += x1 * u
			b.last[i] += x2 * v
			a := round(b.aQ25[i], 25-17)
			t1 += u * a
			t2 += v * a
		}
		t1, t2 = -t1, -t2
		for i := range k + 1 {
			b.forth[i] += mul32(t1, int32(part[k-i])<<(up-1))
			b.back[i] += mul32(t2, int32(part[n-k+i-1])<<(up-1))
		}
	}
}

// reflect finds reflection coefficient k; done: it is the last, since the gain
// has come to its limit.
func (b *burg) reflect(k int, invQ30, leastQ30 int32) (reflectQ31, nextQ30 int32, done bool) {
	u, v := b.first[k], b.last[k]
	over, under := int32(0), b.back[0]+b.forth[0]
	for i := range k {
		a := b.aQ25[i]
		room := min(7, leading(abs(a))-1)
		a <<= room
		down := 7 - room
		u += mulHigh(b.last[k-i-1], a) << down
		v += mulHigh(b.first[k-i-1], a) << down
		over += mulHigh(b.back[k-i], a) << down
		under += mulHigh(b.back[i+1]+b.forth[i+1], a) << down
	}
	b.forth[k+1], b.back[k+1] = u, v
	over = -(over + v) << 1
	switch {
	case abs(over) < under:
		reflectQ31 = divide(over, under, 31)
	case over > 0:
		reflectQ31 = maxInt32
	default:
		reflectQ31 = minInt32
	}
	nextQ30 = mulHigh(invQ30, 1<<30-mulHigh(reflectQ31, reflectQ31)) << 2
	if nextQ30 > leastQ30 {
		return reflectQ31, nextQ30, false
	}
	// The coefficient that comes to the limit exactly.
	squareQ30 := 1<<30 - divide(leastQ30, invQ30, 30)
	reflectQ31 = root(squareQ30) // Q15
	if reflectQ31 > 0 {
		reflectQ31 = (reflectQ31 + squareQ30/reflectQ31) >> 1 << 16
		if over < 0 {
			reflectQ31 = -reflectQ31
		}
	}
	return reflectQ31, leastQ30, true
}

// conclude estimates the energy left by the prediction gain.
func (b *burg) conclude(x []int16, n, parts, order int, invQ30 int32) {
	for i, a := range b.aQ25[:order] {
		b.aQ16[i] = -round(a, 25-16)
	}
	e := b.energy
	for s := range parts {
		part := x[s*n:][:order]
		if b.shift > 0 {
			e -= int32(dotWide(part, part) >> b.shift)
		} else {
			e -= dot(part, part) << -b.shift
		}
	}
	b.rest = mulHigh(invQ30, e) << 2
}

// concludeExactly computes it.
func (b *burg) concludeExactly(order int) {
	e, norm := b.forth[0], int32(1<<16)
	for i, a := range b.aQ25[:order] {
		a = round(a, 25-16)
		e += mul32(b.forth[i+1], a)
		norm += mul32(a, a)
		b.aQ16[i] = -a
	}
	b.rest = e + mul32(mulHigh(conditionQ32, b.energy), -norm)
}
