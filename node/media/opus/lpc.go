package opus

const (
	maxOrder = 16
	// poleLimit is how near to 1 a reflection coefficient may be: 0.99975.
	poleLimitQ24 = 16773022
	// minInverseGainQ30 is the inverse of the largest prediction gain, 10000.
	minInverseGainQ30 = 107374
)

// expand moves the poles of a filter inwards: coefficient i gets chirp^(i+1).
func expand(aQ12 []int16, chirpQ16 int32) {
	less := chirpQ16 - 65536
	for i, a := range aQ12 {
		aQ12[i] = int16(round(chirpQ16*int32(a), 16))
		chirpQ16 += round(chirpQ16*less, 16)
	}
}

// expandWide is expand for coefficients of 32 bits in any format. It rounds
// otherwise.
func expandWide(a []int32, chirpQ16 int32) {
	less := chirpQ16 - 65536
	for i := range a {
		a[i] = mul32(chirpQ16, a[i])
		chirpQ16 += round(chirpQ16*less, 16)
	}
}

// fit turns a filter in Q17 into one of 16 bits in Q12. Where a coefficient
// does not fit, the poles move inwards, in both. RFC 6716 section 4.2.7.5.7.
func fit(aQ12 []int16, aQ17 []int32) {
	for range 10 {
		worst, at := int32(0), 0
		for i, a := range aQ17 {
			if abs(a) > worst {
				worst, at = abs(a), i
			}
		}
		worst = round(worst, 5)
		if worst <= 32767 {
			narrow(aQ12, aQ17)
			return
		}
		worst = min(worst, 163838) // what the quotient below can hold
		expandWide(aQ17, 65470-(worst-32767)<<14/(worst*int32(at+1)>>2))
	}
	for i, a := range aQ17 {
		aQ12[i] = sat16(round(a, 5))
		aQ17[i] = int32(aQ12[i]) << 5
	}
}

func narrow(aQ12 []int16, aQ17 []int32) {
	for i, a := range aQ17 {
		aQ12[i] = int16(round(a, 5))
	}
}

// inverseGain is 2^30 over the prediction gain of a filter, 0 if it is unstable
// or its gain is above 10000. RFC 6716 section 4.2.7.5.8.
func inverseGain(aQ12 []int16) int32 {
	var store [maxOrder]int32
	a := store[:len(aQ12)]
	sum := int32(0)
	for i, c := range aQ12 {
		sum += int32(c)
		a[i] = int32(c) << 12
	}
	if sum >= 4096 {
		return 0
	}
	gainQ30 := int32(1 << 30)
	for k := len(a) - 1; ; k-- {
		c := a[k]
		if c > poleLimitQ24 || c < -poleLimitQ24 {
			return 0
		}
		reflectQ31 := -(c << 7)
		restQ30 := 1<<30 - mulHigh(reflectQ31, reflectQ31)
		gainQ30 = mulHigh(gainQ30, restQ30) << 2
		if gainQ30 < minInverseGainQ30 {
			return 0
		}
		if k == 0 {
			return gainQ30
		}
		if !stepDown(a[:k], reflectQ31, restQ30) {
			return 0
		}
	}
}

// stepDown takes one order off a filter; false if a coefficient overflows.
func stepDown(aQ24 []int32, reflectQ31, restQ30 int32) bool {
	q := 32 - leading(restQ30)
	scale := inverse(restQ30, q+30)
	last := len(aQ24) - 1
	for i := range (len(aQ24) + 1) / 2 {
		x, y := aQ24[i], aQ24[last-i]
		u := mulRound(subSat(x, int32(mulRound(y, reflectQ31, 31))), scale, uint(q))
		v := mulRound(subSat(y, int32(mulRound(x, reflectQ31, 31))), scale, uint(q))
		if u != int64(int32(u)) || v != int64(int32(v)) {
			return false
		}
		aQ24[i], aQ24[last-i] = int32(u), int32(v)
	}
	return true
}

// whiten puts what the filter, of 10 or 16 coefficients, does not predict of in
// into out, from the first sample that has as many before it. Sums may wrap.
func whiten(out, in []int16, aQ12 []int16) {
	if len(aQ12) == maxOrder {
		whiten16(out[maxOrder:], in, (*[16]int16)(aQ12))
	} else {
		whiten10(out[10:], in, (*[10]int16)(aQ12))
	}
}

func whiten16(out, in []int16, a *[16]int16) {
	for i := range out[:len(in)-16] {
		x := (*[17]int16)(in[i:])
		out[i] = unpredicted(x[16], product(x[15], a[0])+product(x[14], a[1])+product(x[13], a[2])+product(x[12], a[3])+
			product(x[11], a[4])+product(x[10], a[5])+product(x[9], a[6])+product(x[8], a[7])+
			product(x[7], a[8])+product(x[6], a[9])+product(x[5], a[10])+product(x[4], a[11])+
			product(x[3], a[12])+product(x[2], a[13])+product(x[1], a[14])+product(x[0], a[15]))
	}
}

func whiten10(out, in []int16, a *[10]int16) {
	for i := range out[:len(in)-10] {
		x := (*[11]int16)(in[i:])
		out[i] = unpredicted(x[10], product(x[9], a[0])+product(x[8], a[1])+product(x[7], a[2])+product(x[6], a[3])+
			product(x[5], a[4])+product(x[4], a[5])+product(x[3], a[6])+product(x[2], a[7])+
			product(x[1], a[8])+product(x[0], a[9]))
	}
}

func unpredicted(x int16, sumQ12 int32) int16 { return sat16(round(int32(x)<<12-sumQ12, 12)) }

// predict runs the synthesis filter: x holds the last 16 outputs, then what the
// filter is to be fed with, which becomes its output. RFC 6716 section
// 4.2.7.9.2; the filter has 10 or 16 coefficients. The newest output comes last
// into each sum, since the processor has to wait for it.
func predict(xQ14 []int32, aQ12 []int16) {
	if len(aQ12) == maxOrder {
		predict16(xQ14, (*[16]int16)(aQ12))
	} else {
		predict10(xQ14, (*[10]int16)(aQ12))
	}
}

func predict16(xQ14 []int32, a *[16]int16) {
	for ; len(xQ14) > maxOrder; xQ14 = xQ14[1:] {
		x := (*[maxOrder + 1]int32)(xQ14)
		sum := 8 + mul16(x[0], a[15]) + mul16(x[1], a[14]) + mul16(x[2], a[13]) + mul16(x[3], a[12]) +
			mul16(x[4], a[11]) + mul16(x[5], a[10]) + mul16(x[6], a[9]) + mul16(x[7], a[8]) +
			mul16(x[8], a[7]) + mul16(x[9], a[6]) + mul16(x[10], a[5]) + mul16(x[11], a[4]) +
			mul16(x[12], a[3]) + mul16(x[13], a[2]) + mul16(x[14], a[1]) + mul16(x[15], a[0])
		x[16] = addSat(x[16], shiftSat(sum, 4))
	}
}

func predict10(xQ14 []int32, a *[10]int16) {
	for ; len(xQ14) > maxOrder; xQ14 = xQ14[1:] {
		x := (*[maxOrder + 1]int32)(xQ14)
		sum := 5 + mul16(x[6], a[9]) + mul16(x[7], a[8]) + mul16(x[8], a[7]) + mul16(x[9], a[6]) +
			mul16(x[10], a[5]) + mul16(x[11], a[4]) + mul16(x[12], a[3]) + mul16(x[13], a[2]) +
			mul16(x[14], a[1]) + mul16(x[15], a[0])
		x[16] = addSat(x[16], shiftSat(sum, 4))
	}
}
