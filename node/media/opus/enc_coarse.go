package opus

const (
	// coarseStart is by how many gain levels, of 1.3 dB, coarse packets begin
	// coarser, in 1/256; coarseMost is the limit.
	coarseStart = 5 << 8
	coarseMost  = 16 << 8
	// coarseSteer is how many a coarse packet of twice its size adds.
	coarseSteer = 1 << 7
)

// coarse makes of each packet a second, smaller one that holds the same sound
// more coarsely, to be sent later in case the first is lost. It shares all
// parameters but gains and pulses. Whoever decodes it instead goes on with the
// next packet as after redundancy.
type coarse struct {
	enabled bool
	levels  int  // by which gains are above those of the packet, in 1/256
	whole   int8 // the same in the packet at work

	coder   rangeEncoder
	past    precedent
	state   quantizer
	gain    int8 // last level
	indices indices
	pulses  [maxSamples + shellSize]int8
	used    int // bytes of payload, by the Opus frames before
	payload [maxPacketFrames * MaxFrame]byte
	sizes   [maxPacketFrames]int
}

// begin sets up Opus frame i of a packet, of so many inner frames.
func (c *coarse) begin(s *frameEncoder, i int) {
	if !c.enabled {
		return
	}
	if i == 0 {
		c.used, c.state, c.gain = 0, s.quantizer, s.gain
		c.whole = int8((c.levels + 1<<7) >> 8)
	}
	c.coder.init(c.payload[c.used:min(c.used+MaxFrame, len(c.payload))])
	c.coder.symbol(0, flagsLater[s.inner-1][:])
	c.past = precedent{}
}

// encode writes a frame that was analyzed. What the decoder has of the frames
// before it in the packet is coarse too.
func (c *coarse) encode(s *frameEncoder, t frameTask) {
	if !c.enabled {
		return
	}
	x := &c.indices
	*x = s.indices
	if t.how != conditional {
		x.gains[0] = min(x.gains[0]+c.whole, gainLevels-1)
	}
	kept := s.params.gainsQ16
	for k := range s.subframes {
		c.gain = nextGain(c.gain, x.gains[k], k == 0 && t.how != conditional)
		s.params.gainsQ16[k] = gainQ16(c.gain)
	}
	s.quantize(&c.state, x, c.pulses[:])
	s.params.gainsQ16 = kept
	x.write(&c.coder, s.format, &c.past, x.signal != inactive, t.how)
	s.writer.write(&c.coder, s.format.blocks(c.pulses[:]), x.signal, x.offset)
}

// finish ends Opus frame i, with the flags of the first encoding, which has so
// many bytes; want is what the coarse one should have.
func (c *coarse) finish(i, inner int, flags uint32, size, want int) {
	if !c.enabled {
		return
	}
	c.sizes[i] = 0
	c.coder.patch(flags, uint(inner+1))
	n := (c.coder.tell() + 7) / 8
	payload := c.payload[c.used:]
	if _, err := c.coder.finish(); err != nil || size == 0 || n > len(payload) {
		return
	}
	for n > 2 && payload[n-1] == 0 {
		n--
	}
	c.sizes[i] = n
	c.used += n
	over := min(n-want, want)
	c.levels = min(max(c.levels+coarseSteer*over/max(want, 1), 0), coarseMost)
}
