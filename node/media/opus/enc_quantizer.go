package opus

// quantizer turns input into pulses, so that the noise of the output has its
// shape. It holds the decoder's state and that of the noise. RFC 6716 section
// 5.2.3.5. reset makes it ready.
type quantizer struct {
	out      [2 * maxSamples]int16 // decoded sound, 20 ms back and the frame
	shapeQ14 [2 * maxSamples]int32 // noise, likewise
	lpcQ14   [maxOrder + maxSubframe]int32
	arQ14    [maxShapeOrder]int32 // state of the shaping filter
	lowQ14   int32
	diffQ14  int32
	lag      int
	gainQ16  int32
}

func (q *quantizer) reset() { *q = quantizer{lag: 100, gainQ16: 1 << 16} }

// nsqWork is the work of quantizing one frame: what it is made from and what is
// needed meanwhile.
type nsqWork struct {
	format
	effort *effort
	input  []int16
	params *params
	shape  *shaping
	kind   signal
	offset int32 // Q10
	pulses []int8

	white      [2 * maxSamples]int16 // decoded sound, whitened
	excitedQ15 [2 * maxSamples]int32 // the same over the gain
	xQ10       [maxSubframe]int32    // input over the gain
	at         int                   // in out and shapeQ14
	excitedAt  int                   // in excitedQ15
	rewhitened bool

	paths   [maxPaths]path
	next    [maxPaths][2]sample  // of each path, the cheaper first
	delayed [decisionDelay]int32 // gains in Q10
	ring    int                  // in the rings of paths; counts down
	delay   int
	decided bool // there are samples of a subframe before, to be written
}

// subframe is one of them in the form that loops over samples want.
type subframeWork struct {
	aQ12       []int16
	taps       [ltpOrder]int16
	shapeQ13   []int16
	lag        int
	harmonic0  int16 // Q14, of the noise a lag before
	harmonic1  int16 // of its neighbours
	tiltQ14    int16
	lowFeedQ14 int16
	lowBackQ14 int16
	gainQ10    int32
	lambdaQ10  int32
	warpQ16    int16
}

// begin sets up a frame.
func (w *nsqWork) begin(x *indices) {
	w.kind = x.signal
	w.offset = offsetQ10[x.signal>>1][x.offset]
	w.at, w.excitedAt = w.memory(), w.memory()
}

// subframeAt gathers subframe k.
func (w *nsqWork) subframeAt(k, lag int, interpolated bool) subframeWork {
	half := 1
	if interpolated {
		half = k >> 1
	}
	p, s := w.params, w.shape
	sub := subframeWork{
		aQ12:       p.filtersQ12[half][:w.book().order],
		taps:       p.tapsQ14[k],
		shapeQ13:   s.filterQ13[k][:w.effort.shapeOrder],
		lag:        lag,
		harmonic0:  int16(s.harmonicQ14[k] >> 1),
		harmonic1:  int16(s.harmonicQ14[k] >> 2),
		tiltQ14:    s.tiltQ14[k],
		lowFeedQ14: s.lowFeedQ14[k],
		lowBackQ14: s.lowBackQ14[k],
		gainQ10:    p.gainsQ16[k] >> 6,
		lambdaQ10:  s.lambdaQ10,
	}
	if w.effort.warp {
		sub.warpQ16 = int16(w.kHz * 983)
	}
	return sub
}

// rewhiten filters the decoded sound that the pitch reaches anew.
func (w *nsqWork) rewhiten(q *quantizer, k int, sub *subframeWork) {
	start := w.memory() - sub.lag - len(sub.aQ12) - ltpOrder/2
	from := start + k*w.subframe()
	clear(w.white[start : start+len(sub.aQ12)])
	whiten(w.white[start:w.memory()], q.out[from:from+w.memory()-start], sub.aQ12)
	w.rewhitened = true
	w.excitedAt = w.memory()
}

// scaleInput divides input by the gain, and the past too where it is new.
func (w *nsqWork) scaleInput(k, lag int) {
	inverseQ31 := inverse(max(w.params.gainsQ16[k], 1), 47)
	inverseQ26 := round(inverseQ31, 5)
	n := w.subframe()
	for i, v := range w.input[k*n:][:n] {
		w.xQ10[i] = mul32(int32(v), inverseQ26)
	}
	if !w.rewhitened {
		return
	}
	if k == 0 {
		inverseQ31 = mul16(inverseQ31, int16(w.params.ltpScaleQ14)) << 2
	}
	for i := w.excitedAt - lag - ltpOrder/2; i < w.excitedAt; i++ {
		w.excitedQ15[i] = mul16(inverseQ31, w.white[i])
	}
}

// rescale follows a change of the gain in all that is divided by it; undecided
// is how many samples of the excitation are kept elsewhere. It returns the
// factor; 0: none.
func (w *nsqWork) rescale(q *quantizer, k, lag, undecided int) (factorQ16 int32) {
	gain := w.params.gainsQ16[k]
	if gain == q.gainQ16 {
		return 0
	}
	factorQ16 = divide(q.gainQ16, gain, 16)
	multiply(q.shapeQ14[w.at-w.memory():w.at], factorQ16)
	if w.kind == voiced && !w.rewhitened {
		multiply(w.excitedQ15[w.excitedAt-lag-ltpOrder/2:w.excitedAt-undecided], factorQ16)
	}
	q.gainQ16 = gain
	return factorQ16
}

// end keeps what the next frame looks back on.
func (w *nsqWork) end(q *quantizer) {
	q.lag = w.params.lags[w.subframes-1]
	n := w.samples()
	copy(q.out[:w.memory()], q.out[n:])
	copy(q.shapeQ14[:w.memory()], q.shapeQ14[n:])
}

// shapesVoice tells whether subframe k of a voiced frame begins with a new
// filter.
func shapesVoice(k int, interpolated bool) bool {
	if interpolated {
		return k&1 == 0
	}
	return k&3 == 0
}

// quantize fills pulses sample by sample, without looking ahead.
func (q *quantizer) quantize(w *nsqWork, x *indices) {
	w.begin(x)
	seed := int32(x.seed)
	lag := q.lag
	interpolated := x.interpolation < interpolationNone
	for k := range w.subframes {
		w.rewhitened = false
		if w.kind == voiced {
			lag = w.params.lags[k]
		}
		sub := w.subframeAt(k, lag, interpolated)
		if w.kind == voiced && shapesVoice(k, interpolated) {
			w.rewhiten(q, k, &sub)
		}
		w.scaleInput(k, w.params.lags[k])
		if f := w.rescale(q, k, w.params.lags[k], 0); f != 0 {
			q.lowQ14, q.diffQ14 = mul32(f, q.lowQ14), mul32(f, q.diffQ14)
			multiply(q.lpcQ14[:maxOrder], f)
			multiply(q.arQ14[:], f)
		}
		seed = q.quantizeSubframe(w, &sub, k, seed)
	}
	w.end(q)
}

func (q *quantizer) quantizeSubframe(w *nsqWork, sub *subframeWork, k int, seed int32) int32 {
	n := w.subframe()
	pulses := w.pulses[k*n:][:n]
	out := q.out[w.memory()+k*n:][:n]
	for i := range pulses {
		seed = random(seed)
		predicted := q.shortPrediction(sub.aQ12, i) // Q10
		pitch := int32(0)                           // Q13
		if w.kind == voiced {
			pitch = longPrediction(w.excitedQ15[w.excitedAt-sub.lag-2:], &sub.taps)
		}
		noise := feedBack(&q.arQ14, q.diffQ14, sub.shapeQ13)<<1 + mul16(q.lowQ14, sub.tiltQ14) // Q12
		low := mul16(q.shapeQ14[w.at-1], sub.lowFeedQ14) + mul16(q.lowQ14, sub.lowBackQ14)     // Q12
		t := predicted<<2 - noise - low
		if sub.lag > 0 {
			past := q.shapeQ14[w.at-sub.lag-1:]
			h := mul16(addSat(past[2], past[0]), sub.harmonic1) + mul16(past[1], sub.harmonic0)
			t = round(pitch-h<<1+t<<1, 3)
		} else {
			t = round(t, 2)
		}
		r := w.xQ10[i] - t
		if seed < 0 {
			r = -r
		}
		best, other := levels(r, w.offset, sub.lambdaQ10)
		if other.cost < best.cost {
			best = other
		}
		pulses[i] = int8(round(best.levelQ10, 10))
		excited := best.levelQ10 << 4
		if seed < 0 {
			excited = -excited
		}
		excited += pitch << 1
		xq := excited + predicted<<4
		out[i] = sat16(round(mul32(xq, sub.gainQ10), 8))

		q.lpcQ14[maxOrder+i] = xq
		q.diffQ14 = xq - w.xQ10[i]<<4
		q.lowQ14 = q.diffQ14 - noise<<2
		q.shapeQ14[w.at] = q.lowQ14 - low<<2
		w.excitedQ15[w.excitedAt] = excited << 1
		w.at++
		w.excitedAt++
		seed += int32(pulses[i])
	}
	copy(q.lpcQ14[:maxOrder], q.lpcQ14[n:])
	return seed
}

func (q *quantizer) shortPrediction(aQ12 []int16, i int) int32 {
	past := (*[maxOrder]int32)(q.lpcQ14[i:])
	if len(aQ12) == maxOrder {
		return predictQ10x16(past, (*[16]int16)(aQ12))
	}
	return predictQ10x10(past, (*[10]int16)(aQ12))
}

// predictQ10x16 is the prediction from the last 16 samples in Q14. It begins
// with 8 since every product is rounded down.
func predictQ10x16(x *[maxOrder]int32, a *[16]int16) int32 {
	return 8 + mul16(x[15], a[0]) + mul16(x[14], a[1]) + mul16(x[13], a[2]) + mul16(x[12], a[3]) +
		mul16(x[11], a[4]) + mul16(x[10], a[5]) + mul16(x[9], a[6]) + mul16(x[8], a[7]) +
		mul16(x[7], a[8]) + mul16(x[6], a[9]) + mul16(x[5], a[10]) + mul16(x[4], a[11]) +
		mul16(x[3], a[12]) + mul16(x[2], a[13]) + mul16(x[1], a[14]) + mul16(x[0], a[15])
}

func predictQ10x10(x *[maxOrder]int32, a *[10]int16) int32 {
	return 5 + mul16(x[15], a[0]) + mul16(x[14], a[1]) + mul16(x[13], a[2]) + mul16(x[12], a[3]) +
		mul16(x[11], a[4]) + mul16(x[10], a[5]) + mul16(x[9], a[6]) + mul16(x[8], a[7]) +
		mul16(x[7], a[8]) + mul16(x[6], a[9])
}

// longPrediction is the prediction from the five samples about one lag before,
// in Q13.
func longPrediction(pastQ15 []int32, taps *[ltpOrder]int16) int32 {
	x := (*[ltpOrder]int32)(pastQ15)
	return 2 + mul16(x[4], taps[0]) + mul16(x[3], taps[1]) + mul16(x[2], taps[2]) + mul16(x[1], taps[3]) + mul16(x[0], taps[4])
}

// feedBack runs the shaping filter over its state, into which next enters; Q11.
func feedBack(state *[maxShapeOrder]int32, next int32, aQ13 []int16) int32 {
	sum := int32(len(aQ13) >> 1)
	for j, a := range aQ13 {
		sum += mul16(next, a)
		state[j], next = next, state[j]
	}
	return sum
}

// level is a quantization level and what it costs.
type level struct {
	levelQ10 int32
	cost     int32 // Q20
}

// levels are the two levels next to r, the lower first.
func levels(rQ10, offset, lambdaQ10 int32) (lower, upper level) {
	r := min(max(rQ10, -31<<10), 30<<10)
	q := r - offset
	n := q >> 10
	if lambdaQ10 > 2048 {
		// Pulses are dear: more than one may be spared.
		spare := lambdaQ10/2 - 512
		switch {
		case q > spare:
			n = (q - spare) >> 10
		case q < -spare:
			n = (q + spare) >> 10
		case q < 0:
			n = -1
		default:
			n = 0
		}
	}
	var q1, q2, c1, c2 int32
	switch {
	case n > 0:
		q1 = n<<10 - levelAdjustQ10 + offset
		q2 = q1 + 1024
		c1, c2 = q1, q2
	case n == 0:
		q1 = offset
		q2 = q1 + 1024 - levelAdjustQ10
		c1, c2 = q1, q2
	case n == -1:
		q2 = offset
		q1 = q2 - (1024 - levelAdjustQ10)
		c1, c2 = -q1, q2
	default:
		q1 = n<<10 + levelAdjustQ10 + offset
		q2 = q1 + 1024
		c1, c2 = -q1, -q2
	}
	lambda := int32(int16(lambdaQ10))
	e1, e2 := int32(int16(r-q1)), int32(int16(r-q2))
	return level{q1, int32(int16(c1))*lambda + e1*e1}, level{q2, int32(int16(c2))*lambda + e2*e2}
}
