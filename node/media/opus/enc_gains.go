package opus

// gainIndexQ16 is a level per step of the logarithm, times 65536.
const gainIndexQ16 = 2251

// quantizeGains replaces gains by their levels and returns the last level. The
// levels stick to the one before, to save bits. RFC 6716 section 5.2.3.4.3.
func quantizeGains(gainsQ16 []int32, out *[maxSubframes]int8, level int8, how coding) int8 {
	for k, g := range gainsQ16 {
		i := mul16(gainIndexQ16, int16(logQ7(g)-gainOffsetQ7))
		before := int32(level)
		if i < before {
			i++
		}
		i = min(max(i, 0), gainLevels-1)
		if k == 0 && how != conditional {
			i = max(i, before+minGainDelta)
			level = int8(i)
			out[k] = int8(i)
		} else {
			d := i - before
			double := 2*maxGainDelta - gainLevels + before
			if d > double {
				d = double + (d-double+1)>>1
			}
			d = min(max(d, minGainDelta), maxGainDelta)
			out[k] = int8(d - minGainDelta)
			level = nextGain(level, out[k], false)
		}
		gainsQ16[k] = gainQ16(level)
	}
	return level
}

// gainWork is what the gains of a frame come from.
type gainWork struct {
	format
	effort  *effort
	active  *activity
	ratioQ7 int32 // signal to noise
	pitchQ7 int32 // gain of pitch prediction in dB
	rest    *[maxSubframes]energyQ
}

// limitGains lowers gains where pitch prediction is good, and raises them so
// that the pulses stay few enough.
func (w *gainWork) limitGains(gainsQ16 *[maxSubframes]int32, kind signal) {
	if kind == voiced {
		lessQ16 := -sigmoidQ15(round(w.pitchQ7-1536, 4))
		for k := range w.subframes {
			gainsQ16[k] += mul16(gainsQ16[k], int16(lessQ16))
		}
	}
	inverseQ16 := powerQ7(mul16(8894-w.ratioQ7, 21627)) / int32(w.subframe())
	for k := range w.subframes {
		e := w.rest[k]
		part := mul32(e.value, inverseQ16)
		switch {
		case e.q > 0:
			part = roundFar(part, e.q)
		case part >= maxInt32>>-e.q:
			part = maxInt32
		default:
			part <<= -e.q
		}
		g := gainsQ16[k]
		square := addSat(part, mulHigh(g, g))
		if square < 32767 {
			square = part<<16 + mul32(g, g)
			gainsQ16[k] = shiftSat(min(root(square), maxInt32>>8), 8)
		} else {
			gainsQ16[k] = shiftSat(min(root(square), maxInt32>>16), 16)
		}
	}
}

// roundFar is round where shift may be beyond 32 bits.
func roundFar(a int32, shift int) int32 {
	if shift > 32 {
		return 0
	}
	return round(a, uint(shift))
}

// offsetOf chooses the larger offset for voiced frames with little pitch or much
// treble.
func (w *gainWork) offsetOf() int8 {
	if w.pitchQ7+w.active.tiltQ15>>8 > 128 {
		return 0
	}
	return 1
}

// lambda is what a pulse costs against its error: less if decisions are put
// off, since then fewer pulses are wasted; the fifth path changes little there.
func (w *gainWork) lambda(s *shaping, x *indices) (q10 int32) {
	return 1229 - 50*int32(min(w.effort.survivors, 4)) +
		mul16(-52428, int16(w.active.speechQ8)) +
		mul16(-409, int16(s.inputQualityQ14)) +
		mul16(-818, int16(s.codingQualityQ14)) +
		mul16(52429, int16(offsetQ10[x.signal>>1][x.offset]))
}
