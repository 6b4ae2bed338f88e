package opus

// maxFrames is how many SILK frames one Opus frame holds.
const maxInner = 3

// frameEncoder encodes the frames of one SILK channel at its own rate. The
// stages of a frame, in this order:
//
//	enc_activity.go   is it speech
//	enc_pitch.go      whitening, then the pitch (enc_pitch_find.go)
//	enc_shape.go      the shape of the noise (enc_warp.go)
//	enc_ltp.go        long-term prediction
//	enc_burg.go       short-term prediction (enc_lpc.go), its frequencies
//	                  (enc_tonlsf.go) and their indices (enc_nlsf.go, enc_trellis.go)
//	enc_gains.go      gains
//	enc_fit.go        quantizing (enc_quantizer.go, enc_paths.go) and writing
//	                  (enc_write.go), until it fits
type frameEncoder struct {
	format
	effort  effort
	ratioQ7 int32 // signal to noise, from the bit rate
	loss    int   // expected, in percent
	inner   int   // frames in an Opus frame

	fresh  bool   // nothing was encoded since the rate changed
	signal signal // of the frame before
	lag    int    // of its last subframe
	gain   int8   // its last level
	count  int    // of frames
	past   precedent

	activity   activity
	whitener   whitener
	shaper     shaper
	ltp        ltpAnalyzer
	lpc        lpcAnalyzer
	nlsf       nlsfQuantizer
	quantizer  quantizer
	redundancy redundancy
	coarse     coarse

	indices indices
	params  params
	shape   shaping
	pulses  [maxSamples + shellSize]int8 // whole blocks
	sound   [(20 + lookShapeMS + 20) * maxKHz]int16

	work   nsqWork
	fit    fitter
	writer pulseWriter
}

func (s *frameEncoder) reset() {
	*s = frameEncoder{}
	s.coarse.levels = coarseStart
	s.activity.reset()
	s.restart()
}

// restart forgets what a change of the rate invalidates.
func (s *frameEncoder) restart() {
	s.fresh = true
	s.signal = inactive
	s.lag = 100
	s.gain = freshGain
	s.shaper.harmonicQ16, s.shaper.tiltQ16 = 0, 0
	s.lpc.nlsfQ15 = [maxOrder]int16{}
	s.quantizer.reset()
}

// listen takes the input of the next frame and hears whether it is speech.
func (s *frameEncoder) listen(x []int16, silent bool) (active bool) {
	s.activity.hear(x, s.format)
	if silent {
		s.activity.speechQ8 = min(s.activity.speechQ8, activeQ8-1)
	}
	active = s.activity.speechQ8 >= activeQ8
	s.indices.signal = inactive
	if active {
		s.indices.signal = unvoiced
	}
	return active
}

// frameTask is what one frame may cost.
type frameTask struct {
	number   int // in its Opus frame
	how      coding
	maxBits  int
	constant bool // bit rate: fill maxBits
}

// encode writes the frame of x, which was listened to before.
func (s *frameEncoder) encode(e *rangeEncoder, x []int16, t frameTask) {
	s.indices.seed = int8(s.count & 3)
	s.count++
	n, ahead := s.samples(), lookShapeMS*s.kHz
	copy(s.sound[s.memory()+ahead:][:n], x)
	s.analyze(t)
	s.redundancy.encode(s, t)
	s.coarse.encode(s, t)
	s.fitFrame(e, t)
	copy(s.sound[:], s.sound[n:][:s.memory()+ahead])
	s.lag = s.params.lags[s.subframes-1]
	s.signal = s.indices.signal
	s.fresh = false
}

// analyze finds everything of a frame but its pulses.
func (s *frameEncoder) analyze(t frameTask) {
	x, p, w := &s.indices, &s.params, &s.whitener
	reach := s.memory() + s.samples() + lookPitchMS*s.kHz
	whiteGain := w.whiten(s.sound[:reach], s.format, s.effort.pitchOrder)
	if x.signal != inactive && !s.fresh {
		w.findPitch(hearing{s.format, &s.effort, s.signal, s.lag, &s.activity}, x, &p.lags)
	} else {
		w.noPitch(x, &p.lags)
	}
	s.shaper.shape(&frameView{
		format: s.format, effort: &s.effort, active: &s.activity,
		x:        s.sound[s.memory()-s.effort.lookShapeMS*s.kHz:],
		residual: w.residual[s.memory():],
		lags:     &p.lags, ratioQ7: s.ratioQ7, gainQ16: whiteGain,
		pitchQ15: w.correlationQ15, constant: t.constant,
	}, x, &s.shape, &p.gainsQ16)

	pitchQ7, rest := s.predict(t)
	g := gainWork{s.format, &s.effort, &s.activity, s.ratioQ7, pitchQ7, &rest}
	g.limitGains(&p.gainsQ16, x.signal)
	s.fit.rawGainsQ16, s.fit.gainBefore = p.gainsQ16, s.gain
	s.gain = quantizeGains(p.gainsQ16[:s.subframes], &x.gains, s.gain, t.how)
	if x.signal == voiced {
		x.offset = g.offsetOf()
	}
	s.shape.lambdaQ10 = g.lambda(&s.shape, x)
}

// predict finds long-term and short-term prediction. It returns the gain of the
// former, in dB, and the energies that are left.
func (s *frameEncoder) predict(t frameTask) (pitchQ7 int32, rest [maxSubframes]energyQ) {
	x, p := &s.indices, &s.params
	order := s.book().order
	weightQ16, inverse := s.weights()
	at := s.memory()
	if x.signal == voiced {
		pitchQ7 = s.ltp.analyze(s.whitener.residual[:], at, s.format, p, x)
		s.scaleLTP(pitchQ7, t.how)
		unpitch(s.lpc.input[:], s.sound[:], at, s.format, order, p, &weightQ16)
	} else {
		n := s.subframe()
		for k := range s.subframes {
			part := s.lpc.input[k*(n+order):][:n+order]
			for i, v := range s.sound[at+k*n-order:][:n+order] {
				part[i] = int16(mul16(weightQ16[k], v))
			}
		}
		p.tapsQ14 = [maxSubframes][ltpOrder]int16{}
		p.ltpScaleQ14 = 0
		s.ltp.sumGainQ7 = 0
	}
	var nlsfQ15 [maxOrder]int16
	f := nlsfQ15[:order]
	x.interpolation = s.lpc.frequencies(f, s.format, s.effort.interpolate && !s.fresh, s.leastQ30(pitchQ7))
	s.lpc.encode(&s.nlsf, f, s.format, s.activity.speechQ8, s.effort.vectors, p, x)
	s.lpc.residuals(&rest, p, s.format, order, &inverse)
	return pitchQ7, rest
}

// weights are the inverse gains, relative to the least, by which the input of
// the prediction is weighted, and their inverse.
func (s *frameEncoder) weights() (weightQ16, inverse [maxSubframes]int32) {
	least := int32(maxInt32 >> 6)
	gains := s.params.gainsQ16[:s.subframes]
	for _, g := range gains {
		least = min(least, g)
	}
	for k, g := range gains {
		weightQ16[k] = max(divide(least, g, 14), 100)
		inverse[k] = 1 << 16 / weightQ16[k]
	}
	return weightQ16, inverse
}

// leastQ30 is the inverse of how much gain short-term prediction may have: less
// where long-term prediction has much, or where quality is low.
func (s *frameEncoder) leastQ30(pitchQ7 int32) int32 {
	if s.fresh {
		return 10737418 // 1/100
	}
	most := mul32(10000, 65536+mul16(196608, int16(s.shape.codingQualityQ14)))
	return divide(powerQ7(16<<7+mul16(pitchQ7, 21845)), most, 14)
}

// scaleLTP lowers how much a frame leans on the one before it, the more loss is
// expected. Only the first frame of a packet may.
func (s *frameEncoder) scaleLTP(pitchQ7 int32, how coding) {
	x := &s.indices
	x.scale = 0
	if how == independent {
		loss := int32(s.loss * s.inner)
		if s.redundancy.present {
			loss = 2 + loss*loss/100 // what is lost twice in a row is lost
		}
		harm := pitchQ7 * loss
		if harm > powerQ7(7<<7+2900-s.ratioQ7) {
			x.scale++
		}
		if harm > powerQ7(7<<7+3900-s.ratioQ7) {
			x.scale++
		}
	}
	s.params.ltpScaleQ14 = ltpScaleQ14[x.scale]
}
