package opus

const harmonicTaps = 3

// shaping is how the noise of one frame's quantization is to sound, and with
// it how loud it may be. RFC 6716 section 5.2.3.4.
type shaping struct {
	filterQ13   [maxSubframes][maxShapeOrder]int16
	lowFeedQ14  [maxSubframes]int16 // of the noise, at the lowest frequencies
	lowBackQ14  [maxSubframes]int16
	tiltQ14     [maxSubframes]int16
	harmonicQ14 [maxSubframes]int32 // how much the noise follows the pitch
	lambdaQ10   int32               // what a pulse costs

	inputQualityQ14  int32
	codingQualityQ14 int32
}

// shaper finds the shape of noise from frame to frame.
type shaper struct {
	harmonicQ16 int32 // smoothed
	tiltQ16     int32
	windowed    [15 * maxKHz]int16
	scratch     [15 * maxKHz]int16
}

// frameView is what the analysis of noise shaping reads of a frame.
type frameView struct {
	format
	effort   *effort
	active   *activity
	x        []int16 // input, from where the first window begins
	residual []int16 // of the whitener, from the beginning of the frame
	lags     *[maxSubframes]int
	ratioQ7  int32 // signal to noise in dB, from the bit rate
	gainQ16  int32 // of the whitener's prediction
	pitchQ15 int32 // correlation that the pitch search found
	constant bool  // bit rate
}

// shape fills s and the gains, and sets the offset of quantization.
func (h *shaper) shape(v *frameView, x *indices, s *shaping, gainsQ16 *[maxSubframes]int32) {
	ratioQ7 := h.ratio(v, x.signal, s)
	x.offset = 0
	if x.signal != voiced {
		x.offset = v.sparse()
	}
	h.filters(v, s, gainsQ16)
	factorQ16 := powerQ7(-(-2048 + mul16(ratioQ7, 10486)))
	for k := range v.subframes {
		gainsQ16[k] = addPositive(mul32(gainsQ16[k], factorQ16), powerQ7(2048+mul16(256, 10486)))
	}
	tiltQ16 := v.lowShape(x.signal, s)
	h.smooth(v, x.signal, tiltQ16, s)
}

// ratio adjusts the signal-to-noise ratio: less where there is no speech, more
// where it is periodic or noisy.
func (h *shaper) ratio(v *frameView, kind signal, s *shaping) int32 {
	ratioQ7 := v.ratioQ7
	s.inputQualityQ14 = (v.active.qualityQ15[0] + v.active.qualityQ15[1]) >> 2
	s.codingQualityQ14 = sigmoidQ15(round(ratioQ7-2560, 4)) >> 1
	if !v.constant {
		b := int32(256) - v.active.speechQ8
		b = mul16(b<<8, int16(b))
		q := mul16(16384+s.inputQualityQ14, int16(s.codingQualityQ14))
		ratioQ7 += mul16(-8*b, int16(q))
	}
	if kind == voiced {
		return ratioQ7 + mul16(512, int16(v.pitchQ15))
	}
	return ratioQ7 + mul16(3072+mul16(-104858, int16(v.ratioQ7)), int16(16384-s.inputQualityQ14))
}

// sparse is 0 if the energy of the residual varies much from 2 ms to 2 ms: then
// pulses are few, and a smaller offset serves them better.
func (v *frameView) sparse() int8 {
	n := 2 * v.kHz
	parts := 5 * v.subframes / 2
	variation, before := int32(0), int32(0)
	for k := range parts {
		e, shift := energy(v.residual[k*n:][:n])
		logQ7 := logQ7(e + int32(n)>>shift)
		if k > 0 {
			variation += abs(logQ7 - before)
		}
		before = logQ7
	}
	if variation > 77*int32(parts-1) {
		return 0
	}
	return 1
}

// filters finds the shaping filter of every subframe and the energy that it
// leaves, whose root is the gain.
func (h *shaper) filters(v *frameView, s *shaping, gainsQ16 *[maxSubframes]int32) {
	strengthQ16 := mul16(v.gainQ16, 66)
	chirpQ16 := divide(61604, 1<<16+mul32(strengthQ16, strengthQ16), 16)
	warp := int32(0)
	if v.effort.warp {
		warp = v.warpQ16() + mul16(s.codingQualityQ14, 2621)
	}
	order := v.effort.shapeOrder
	span := v.subframe() + 2*v.effort.lookShapeMS*v.kHz
	for k := range v.subframes {
		windowed := h.windowed[:span]
		window(windowed, v.x[k*v.subframe():][:span], (span-3*v.kHz)/2)
		var ac [maxShapeOrder + 1]int32
		shift := 0
		if warp > 0 {
			shift = autocorrelateWarped(ac[:order+1], windowed, int16(warp))
		} else {
			shift = autocorrelate(ac[:order+1], windowed, h.scratch[:span])
		}
		ac[0] += max(mul16(ac[0]>>4, 31), 1) // a noise floor of -45 dB
		var reflectQ16, aQ24 [maxShapeOrder]int32
		rest := reflectionsFine(reflectQ16[:order], ac[:])
		stepUpFine(aQ24[:], reflectQ16[:order])
		gain := rootShifted(rest, shift)
		if warp > 0 {
			gain = warpGain(gain, aQ24[:order], warp)
		}
		gainsQ16[k] = gain
		expandWide(aQ24[:order], chirpQ16)
		filter := s.filterQ13[k][:order]
		if warp > 0 {
			unwarp(filter, aQ24[:order], warp)
		} else {
			fitShape(filter, aQ24[:order])
		}
	}
}

// warpQ16 is how far the frequency axis is bent: 0.24 at 16 kHz.
func (v *frameView) warpQ16() int32 { return int32(v.kHz) * 983 }

// rootShifted is the root of e*2^shift in Q16.
func rootShifted(e int32, shift int) int32 {
	if shift&1 != 0 {
		shift++
		e >>= 1
	}
	up := 16 + shift>>1
	return shiftSat(root(e), uint(up))
}

// fitShape is fit for shaping filters.
func fitShape(aQ13 []int16, aQ24 []int32) {
	for range 10 {
		worst, at := int32(0), 0
		for i, a := range aQ24 {
			if abs(a) > worst {
				worst, at = abs(a), i
			}
		}
		worst = round(worst, 11)
		if worst <= 32767 {
			break
		}
		worst = min(worst, 163838)
		expandWide(aQ24, 65470-(worst-32767)<<14/(worst*int32(at+1)>>2))
	}
	for i, a := range aQ24 {
		aQ13[i] = sat16(round(a, 11))
	}
}

// lowShape shapes the lowest frequencies, by the pitch where there is one, and
// returns the tilt of the whole.
func (v *frameView) lowShape(kind signal, s *shaping) (tiltQ16 int32) {
	strengthQ16 := 64 * (4096 + mul16(4096, int16(v.active.qualityQ15[0]-32768)))
	strengthQ16 = strengthQ16 * v.active.speechQ8 >> 8
	if kind != voiced {
		b := int32(21299 / v.kHz) // 1.3 per kHz
		back := 16384 - b - mul16(strengthQ16, int16(mul16(39322, int16(b))))
		for k := range v.subframes {
			s.lowFeedQ14[k], s.lowBackQ14[k] = int16(b-16384), int16(back)
		}
		return -16384
	}
	for k := range v.subframes {
		b := int32(3277/v.kHz + 49152/v.lags[k])
		s.lowFeedQ14[k] = int16(b - 16384)
		s.lowBackQ14[k] = int16(16384 - b - mul16(strengthQ16, int16(b)))
	}
	return -16384 - mul16(65536-16384, int16(mul16(5872026, int16(v.active.speechQ8))))
}

// smooth moves harmonic shaping and tilt slowly to where they should be.
func (h *shaper) smooth(v *frameView, kind signal, tiltQ16 int32, s *shaping) {
	harmonicQ16 := int32(0)
	if kind == voiced {
		// More at high rates or for noisy input, less where the pitch is weak.
		q := 65536 - mul16(1<<18-s.codingQualityQ14<<4, int16(s.inputQualityQ14))
		harmonicQ16 = 19661 + mul16(q, 13107)
		harmonicQ16 = mul16(harmonicQ16<<1, int16(root(v.pitchQ15<<15)))
	}
	for k := range maxSubframes {
		h.harmonicQ16 += mul16(harmonicQ16-h.harmonicQ16, 26214)
		h.tiltQ16 += mul16(tiltQ16-h.tiltQ16, 26214)
		s.harmonicQ14[k] = round(h.harmonicQ16, 2)
		s.tiltQ14[k] = int16(round(h.tiltQ16, 2))
	}
}
