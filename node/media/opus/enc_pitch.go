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

// whitenAny is whiten for any order.
func whitenAny(out, x []int16, aQ12 []int16) {
	order := len(aQ12)
	for i := order; i < len(x); i++ {
		past := x[i-order : i]
		sum := int32(0)
		for j, a := range aQ12 {
			sum += int32(past[len(past)-1-j]) * int32(a)
		}
		out[i] = sat16(round(int32(x[i])<<12-sum, 12))
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
