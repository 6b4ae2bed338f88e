package opus

// speechForRedundancyQ8 is the activity, 0.3, above which a frame is worth to be
// sent twice.
const speechForRedundancyQ8 = 77

// redundancy is a coarse second encoding of frames, which goes with the packet
// after them (LBRR). RFC 6716 section 5.2.3.6.
type redundancy struct {
	enabled bool
	present bool // in the packet at work
	coarser int8 // gain levels above those of the frames

	flags   [maxInner]bool
	indices [maxInner]indices
	pulses  [maxInner][maxSamples + shellSize]int8
	gain    int8 // last level
	state   quantizer
}

// set turns redundancy on or off before a packet. It is finer the more loss is
// expected, but not at once, since the packet before was coded at full rate.
func (r *redundancy) set(on bool, loss int) {
	if on {
		r.coarser = 7
		if r.enabled {
			r.coarser = int8(max(7-mul16(int32(loss), 13107), 3))
		}
	}
	r.enabled = on
}

// encode makes that of a frame.
func (r *redundancy) encode(s *frameEncoder, t frameTask) {
	i := t.number
	if !r.enabled || s.activity.speechQ8 <= speechForRedundancyQ8 {
		return
	}
	r.flags[i] = true
	r.state = s.quantizer
	x := &r.indices[i]
	*x = s.indices
	if i == 0 || !r.flags[i-1] {
		r.gain = s.gain
		x.gains[0] = min(x.gains[0]+r.coarser, gainLevels-1)
	}
	kept := s.params.gainsQ16
	for k := range s.subframes {
		r.gain = nextGain(r.gain, x.gains[k], k == 0 && t.how != conditional)
		s.params.gainsQ16[k] = gainQ16(r.gain)
	}
	s.quantize(&r.state, x, r.pulses[i][:])
	s.params.gainsQ16 = kept
}

// write writes that of the packet before, and which frames have it.
func (r *redundancy) write(s *frameEncoder, e *rangeEncoder) {
	symbol := 0
	for i, f := range r.flags[:s.inner] {
		if f {
			symbol |= 1 << i
		}
	}
	r.present = symbol > 0
	if r.present {
		switch s.inner {
		case 2:
			e.symbol(symbol-1, lbrrFlags2[:])
		case 3:
			e.symbol(symbol-1, lbrrFlags3[:])
		}
	}
	for i, f := range r.flags[:s.inner] {
		if !f {
			continue
		}
		how := independent
		if i > 0 && r.flags[i-1] {
			how = conditional
		}
		x := &r.indices[i]
		x.write(e, s.format, &s.past, true, how)
		s.writer.write(e, s.format.blocks(r.pulses[i][:]), x.signal, x.offset)
	}
	r.flags = [maxInner]bool{}
}
