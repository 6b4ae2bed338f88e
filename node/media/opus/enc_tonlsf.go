package opus

const (
	rootSteps   = 3 // halvings of an interval that has a root
	expandTries = 16
)

// lineSpectrum is a filter as two polynomials in cosines, whose roots are the
// line spectral frequencies in turn.
type lineSpectrum struct {
	aQ16  [2][maxOrder/2 + 1]int32
	order int // of each
}

// set splits a filter. The roots at 0 and pi are taken out.
func (l *lineSpectrum) set(aQ16 []int32) {
	n := len(aQ16) / 2
	l.order = n
	p, q := &l.aQ16[0], &l.aQ16[1]
	p[n], q[n] = 1<<16, 1<<16
	for k := range n {
		p[k] = -aQ16[n-k-1] - aQ16[n+k]
		q[k] = -aQ16[n-k-1] + aQ16[n+k]
	}
	for k := n; k > 0; k-- {
		p[k-1] -= p[k]
		q[k-1] += q[k]
	}
	powers(p[:n+1])
	powers(q[:n+1])
}

// powers turns a sum of cos(k*f) into one of cos(f)^k.
func powers(p []int32) {
	last := len(p) - 1
	for k := 2; k <= last; k++ {
		for n := last; n > k; n-- {
			p[n-2] -= p[n]
		}
		p[k-2] -= p[k] << 1
	}
}

// at is the value of a polynomial.
func (l *lineSpectrum) at(which int, cosQ12 int32) int32 {
	p := &l.aQ16[which]
	xQ16 := cosQ12 << 4
	y := p[l.order]
	for k := l.order - 1; k >= 0; k-- {
		y = p[k] + mul32(y, xQ16)
	}
	return y
}

// toNLSF finds the line spectral frequencies of a filter, by the inverse of the
// approximation in nlsfFilter. Where roots are missed the poles of the filter
// move inwards, in aQ16 too. RFC 6716 section 5.2.3.4.2.1.
func toNLSF(nlsfQ15 []int16, aQ16 []int32) {
	var l lineSpectrum
	for i := range expandTries + 1 {
		l.set(aQ16)
		if l.roots(nlsfQ15) {
			return
		}
		expandWide(aQ16, 65536-2<<i)
	}
	for k := range nlsfQ15 { // a flat spectrum
		nlsfQ15[k] = int16((1 << 15) / (len(nlsfQ15) + 1) * (k + 1))
	}
}

// roots walks over the cosines of the table until all roots are found.
func (l *lineSpectrum) roots(nlsfQ15 []int16) bool {
	found := 0
	x0 := int32(cosineQ12[0])
	y0 := l.at(0, x0)
	if y0 < 0 {
		nlsfQ15[0] = 0
		found = 1
		y0 = l.at(1, x0)
	}
	threshold := int32(0)
	for k := 1; k < len(cosineQ12); {
		x1 := int32(cosineQ12[k])
		y1 := l.at(found&1, x1)
		if !(y0 <= 0 && y1 >= threshold || y0 >= 0 && y1 <= -threshold) {
			x0, y0, threshold = x1, y1, 0
			k++
			continue
		}
		threshold = 0
		if y1 == 0 { // a root on the border: the next one is not here too
			threshold = 1
		}
		nlsfQ15[found] = int16(min(int32(k)<<8+l.locate(found&1, x0, x1, y0, y1), 32767))
		found++
		if found == len(nlsfQ15) {
			return true
		}
		x0 = int32(cosineQ12[k-1])
		y0 = int32(1-found&2) << 12
	}
	return false
}

// locate finds the root between two cosines, from -256 to 0 of an interval.
func (l *lineSpectrum) locate(which int, x0, x1, y0, y1 int32) int32 {
	part := int32(-256)
	for m := range rootSteps {
		x := round(x0+x1, 1)
		y := l.at(which, x)
		if y0 <= 0 && y >= 0 || y0 >= 0 && y <= 0 {
			x1, y1 = x, y
		} else {
			x0, y0 = x, y
			part += 128 >> m
		}
	}
	if abs(y0) >= 65536 {
		return part + y0/((y0-y1)>>(8-rootSteps))
	}
	if d := y0 - y1; d != 0 {
		part += (y0<<(8-rootSteps) + d>>1) / d
	}
	return part
}
