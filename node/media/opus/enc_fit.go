package opus

const (
	maxTries = 6
	// closeBits is how near a constant bit rate must come.
	closeBits = 5
)

// fitter quantizes a frame again and again, with gains that are higher or lower,
// until it takes as many bits as it may.
type fitter struct {
	rawGainsQ16 [maxSubframes]int32 // before they were quantized
	gainBefore  int8                // level of the frame before

	// As it was before the frame.
	coder  rangeEncoder
	state  quantizer
	seed   int8
	past   precedent
	factor int32 // Q8, of gains

	lower, upper try
	kept         rangeEncoder // what came of lower
	keptBytes    [MaxFrame]byte
	keptState    quantizer
	keptGain     int8
	locked       [maxSubframes]bool // higher gains did not make fewer pulses
	leastPulses  [maxSubframes]int32
	leastFactor  [maxSubframes]int32
}

// try is a try that takes too few bits, or too many.
type try struct {
	known  bool
	gains  [maxSubframes]int8
	bits   int
	factor int32
}

func (t *try) is(gains *[maxSubframes]int8) bool { return t.known && t.gains == *gains }

// quantize fills pulses by the frame's parameters and writes the frame.
func (s *frameEncoder) quantize(q *quantizer, x *indices, pulses []int8) {
	w := &s.work
	w.format, w.effort = s.format, &s.effort
	w.input = s.sound[s.memory():]
	w.params, w.shape, w.pulses = &s.params, &s.shape, pulses
	if s.effort.delays() {
		q.quantizeLate(w, x)
	} else {
		q.quantize(w, x)
	}
}

// blocks is pulses to the end of their last block.
func (f format) blocks(pulses []int8) []int8 {
	n := (f.samples() + shellSize - 1) / shellSize * shellSize
	clear(pulses[f.samples():n])
	return pulses[:n]
}

func (s *frameEncoder) write(e *rangeEncoder, how coding) int {
	x := &s.indices
	x.write(e, s.format, &s.past, x.signal != inactive, how)
	s.writer.write(e, s.format.blocks(s.pulses[:]), x.signal, x.offset)
	return e.tell()
}

// fitFrame quantizes and writes a frame so that it fits.
func (s *frameEncoder) fitFrame(e *rangeEncoder, t frameTask) {
	f := &s.fit
	f.begin(s, e)
	for i := 0; ; i++ {
		bits := 0
		switch {
		case f.lower.is(&s.indices.gains):
			bits = f.lower.bits
		case f.upper.is(&s.indices.gains):
			bits = f.upper.bits
		default:
			if i > 0 {
				f.restore(s, e)
			}
			bits = s.attempt(e, t, i == maxTries && !f.lower.known)
			if !t.constant && i == 0 && bits <= t.maxBits {
				return
			}
		}
		if i == maxTries {
			if f.lower.known && (f.lower.is(&s.indices.gains) || bits > t.maxBits) {
				f.takeLower(s, e)
			}
			return
		}
		if f.judge(s, e, t, i, bits) {
			return
		}
		f.turn(t.maxBits, bits)
		f.regain(s, t.how)
	}
}

func (f *fitter) begin(s *frameEncoder, e *rangeEncoder) {
	f.coder, f.state, f.seed, f.past = *e, s.quantizer, s.indices.seed, s.past
	f.factor = 1 << 8
	f.lower, f.upper = try{}, try{}
	f.locked = [maxSubframes]bool{}
}

func (f *fitter) restore(s *frameEncoder, e *rangeEncoder) {
	*e, s.quantizer, s.indices.seed, s.past = f.coder, f.state, f.seed, f.past
}

// attempt quantizes and writes once. If it is the last chance and does not fit,
// it writes the frame without pulses.
func (s *frameEncoder) attempt(e *rangeEncoder, t frameTask, last bool) (bits int) {
	s.quantize(&s.quantizer, &s.indices, s.pulses[:])
	f := &s.fit
	if !last {
		return s.write(e, t.how)
	}
	before := *e
	if bits = s.write(e, t.how); bits <= t.maxBits {
		return bits
	}
	*e, s.past = before, f.past
	s.gain = f.gainBefore
	for k := range s.indices.gains {
		s.indices.gains[k] = -minGainDelta
	}
	if t.how != conditional {
		s.indices.gains[0] = f.gainBefore
	}
	clear(s.pulses[:])
	return s.write(e, t.how)
}

// judge keeps what a try was; true: it is close enough.
func (f *fitter) judge(s *frameEncoder, e *rangeEncoder, t frameTask, i, bits int) bool {
	margin := t.maxBits / 4
	if t.constant {
		margin = closeBits
	}
	gains := s.indices.gains
	switch {
	case bits > t.maxBits:
		if !f.lower.known && i >= 2 {
			// Gains alone do not help: make pulses dear.
			s.shape.lambdaQ10 += s.shape.lambdaQ10 >> 1
			f.upper = try{}
		} else {
			f.upper = try{known: true, gains: gains, bits: bits, factor: f.factor}
		}
		if !f.lower.known {
			f.lock(s, i)
		}
	case bits < t.maxBits-margin:
		if !f.lower.is(&gains) {
			f.kept, f.keptState, f.keptGain = *e, s.quantizer, s.gain
			copy(f.keptBytes[:], e.buf[:e.front])
		}
		f.lower = try{known: true, gains: gains, bits: bits, factor: f.factor}
	default:
		return true
	}
	return false
}

// lock keeps the factor of subframes in which a higher one does not help.
func (f *fitter) lock(s *frameEncoder, i int) {
	n := s.subframe()
	for k := range s.subframes {
		sum := int32(0)
		for _, p := range s.pulses[k*n:][:n] {
			sum += abs(int32(p))
		}
		if i == 0 || sum < f.leastPulses[k] && !f.locked[k] {
			f.leastPulses[k], f.leastFactor[k] = sum, f.factor
		} else {
			f.locked[k] = true
		}
	}
}

// turn changes the factor.
func (f *fitter) turn(maxBits, bits int) {
	if !f.lower.known || !f.upper.known {
		if bits > maxBits {
			f.factor = min(1024, f.factor*3/2)
		} else {
			f.factor = max(64, f.factor*4/5)
		}
		return
	}
	low, high := f.lower.factor, f.upper.factor
	f.factor = low + (high-low)*int32(maxBits-f.lower.bits)/int32(f.upper.bits-f.lower.bits)
	quarter := (high - low) >> 2
	if f.factor > low+quarter {
		f.factor = low + quarter
	} else if f.factor < high-quarter {
		f.factor = high - quarter
	}
}

// regain quantizes the gains anew.
func (f *fitter) regain(s *frameEncoder, how coding) {
	for k := range s.subframes {
		factor := f.factor
		if f.locked[k] {
			factor = f.leastFactor[k]
		}
		s.params.gainsQ16[k] = shiftSat(mul16(f.rawGainsQ16[k], int16(factor)), 8)
	}
	s.gain = quantizeGains(s.params.gainsQ16[:s.subframes], &s.indices.gains, f.gainBefore, how)
}

// takeLower goes back to the try that took too few bits.
func (f *fitter) takeLower(s *frameEncoder, e *rangeEncoder) {
	*e = f.kept
	copy(e.buf, f.keptBytes[:e.front])
	s.quantizer, s.gain = f.keptState, f.keptGain
}
