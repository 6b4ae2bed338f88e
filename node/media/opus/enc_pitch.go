package opus

const (
	lookPitchMS = 2 // how far ahead of the frame the pitch search looks
	lookShapeMS = 5 // how far the analysis of noise shaping looks
)

// whitener takes the envelope off the input and finds the pitch of what is left.
// RFC 6716 section 5.2.3.2.
type whitener struct {
	residual       [2*maxSamples + lookPitchMS*maxKHz]int16
	windowed       [(20 + 2*lookPitchMS) * maxKHz]int16
	scratch        [(20 + 2*lookPitchMS) * maxKHz]int16
	correlationQ15 int32 // of the input with itself one lag before; 0: none found
	finder         pitchFinder
}

// whiten leaves the residual of a weak prediction of x, that is of the past 20
// ms, the frame and what lies 2 ms ahead. It returns the prediction gain.
func (w *whitener) whiten(x []int16, f format, order int) (gainQ16 int32) {
	span := (f.subframes*5 + 2*lookPitchMS) * f.kHz
	windowed := w.windowed[:span]
	window(windowed, x[len(x)-span:], lookPitchMS*f.kHz)

	var ac [maxOrder + 1]int32
	autocorrelate(ac[:order+1], windowed, w.scratch[:span])
	ac[0] += mul16(ac[0], 66) + 1 // a noise floor of -30 dB
	var reflectQ15 [maxOrder]int16
	rest := reflections(reflectQ15[:order], ac[:])

	var aQ24 [maxOrder]int32
	var aQ12 [maxOrder]int16
	stepUp(aQ24[:], reflectQ15[:order])
	for i, a := range aQ24[:order] {
		aQ12[i] = sat16(a >> 12)
	}
	expand(aQ12[:order], 64881) // 0.99
	clear(w.residual[:order])
	whitenAny(w.residual[:len(x)], x, aQ12[:order])
	return divide(ac[0], rest, 16)
}

// hearing is what the search for the pitch knows of a frame beforehand.
type hearing struct {
	format
	effort *effort
	was    signal // of the frame before
	lag    int    // of the frame before; 0: none
	active *activity
}

// whitenAny is whiten for the orders of whiteners.
func whitenAny(out, x []int16, aQ12 []int16) {
	switch len(aQ12) {
	case 6:
		whiten6(out[6:], x, (*[6]int16)(aQ12))
	case 8:
		whiten8(out[8:], x, (*[8]int16)(aQ12))
	case 12:
		whiten12(out[12:], x, (*[12]int16)(aQ12))
	default:
		whiten(out, x, aQ12)
	}
}

func whiten6(out, in []int16, a *[6]int16) {
	for i := range out[:len(in)-6] {
		x := (*[7]int16)(in[i:])
		out[i] = unpredicted(x[6], product(x[5], a[0])+product(x[4], a[1])+product(x[3], a[2])+
			product(x[2], a[3])+product(x[1], a[4])+product(x[0], a[5]))
	}
}

func whiten8(out, in []int16, a *[8]int16) {
	for i := range out[:len(in)-8] {
		x := (*[9]int16)(in[i:])
		out[i] = unpredicted(x[8], product(x[7], a[0])+product(x[6], a[1])+product(x[5], a[2])+product(x[4], a[3])+
			product(x[3], a[4])+product(x[2], a[5])+product(x[1], a[6])+product(x[0], a[7]))
	}
}

func whiten12(out, in []int16, a *[12]int16) {
	for i := range out[:len(in)-12] {
		x := (*[13]int16)(in[i:])
		out[i] = unpredicted(x[12], product(x[11], a[0])+product(x[10], a[1])+product(x[9], a[2])+product(x[8], a[3])+
			product(x[7], a[4])+product(x[6], a[5])+product(x[5], a[6])+product(x[4], a[7])+
			product(x[3], a[8])+product(x[2], a[9])+product(x[1], a[10])+product(x[0], a[11]))
	}
}

// findPitch looks for the pitch in the residual: lags for every subframe, and
// the indices that say so. Without one the frame is unvoiced.
func (w *whitener) findPitch(h hearing, x *indices, lags *[maxSubframes]int) {
	thresholdQ13 := int32(4915) - 32*int32(h.effort.pitchOrder)
	thresholdQ13 += mul16(-209714, int16(h.active.speechQ8))
	thresholdQ13 -= 1228 * int32(h.was>>1)
	thresholdQ13 += mul16(-1637, int16(h.active.tiltQ15))
	p := &w.finder
	p.set(h.format, h.effort, int32(sat16(thresholdQ13)))
	if !p.find(w.residual[:(20+5*h.subframes)*h.kHz], h.lag, w.correlationQ15) {
		x.signal = unvoiced
		w.noPitch(x, lags)
		return
	}
	x.signal = voiced
	x.lag, x.contour = int16(p.index), int8(p.contour)
	w.correlationQ15 = p.correlationQ15
	copy(lags[:], p.lags[:h.subframes])
}

// noPitch is what a frame without pitch says of it.
func (w *whitener) noPitch(x *indices, lags *[maxSubframes]int) {
	*lags = [maxSubframes]int{}
	x.lag, x.contour, w.correlationQ15 = 0, 0, 0
}
