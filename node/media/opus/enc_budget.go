package opus

const (
	// reservoirMS is over how long bits that were too many are saved again.
	reservoirMS  = 500
	maxExceeded  = 10000
	leastBitrate = 5000 // of inner frames
)

// What an average bit rate is steered with. The ratios that bit rates afford,
// ratioFor, were found for speech without pauses; as people speak, 3 to 20 % are
// left over. Lifts are in 1/1000 of the bit rate. Their start is more than is
// left over: speech is a fifth of a second ahead, so that the pause it ends in
// does not leave it behind.
const (
	liftStart = 220
	liftMost  = 600
	liftLeast = -200
	steerMS   = 800 // time constant of the loop: faster ones and slower sound alike
)

// redundancyRate is, by bandwidth, the bit rate above which redundancy makes
// speech better at a high loss; at a loss of 1 % it takes twice as much. This was
// measured: see README.md. redundancyStick holds it on or off.
var redundancyRate = [...]int{Narrow: 9000, Medium: 10500, Wide: 12000}

const redundancyStick = 500

// bitsFor is how many bits a bit rate has in a time.
func bitsFor(bitrate, ms int) int { return bitrate * 6 / (6000 / ms) }

// rateOf is the bit rate of bits in a time.
func rateOf(bits, ms int) int { return bits * (6000 / ms) / 6 }

// budget is how many bits frames may take.
type budget struct {
	bitrate    int // without the first byte
	target     int // bits of the Opus frame
	maxBits    int
	exceeded   int // bits by which earlier frames were too large
	redundancy int // bits of the redundancy at work
	smooth     int // the same, smoothed

	asked int // bit rate
	owed  int // bits by which frames were too small
}

// lift is by how much the bit rate aimed at is above that asked for, in 1/1000.
func (b *budget) lift() int {
	return min(max(liftStart+b.owed*1000/(b.asked*steerMS/1000), liftLeast), liftMost)
}

// steer takes the size of a frame of ms; it counts nothing that was not sent.
func (b *budget) steer(size, ms int) {
	b.owed += bitsFor(b.asked, ms) - 8*(size+1)
	limit := b.asked * steerMS / 1000 * liftMost / 1000
	b.owed = min(max(b.owed, -limit), limit)
}

// constantSize is the size of a packet of a constant bit rate.
func constantSize(c *EncoderConfig) int { return (bitsFor(c.Bitrate, c.FrameMS) + 4) / 8 }

// roomFor is how many bytes an Opus frame may take, of so many in a packet of
// most bytes, 0 for any.
func roomFor(c *EncoderConfig, most, frames int) int {
	size := constantSize(c)
	if !c.CBR {
		if most == 0 {
			return MaxFrame
		}
		size = max(most, bitsFor(MinBitrate, c.FrameMS)/8)
	}
	switch frames {
	case 1:
		return min(size-1, MaxFrame)
	case 2:
		return min((size-3)/2, MaxFrame)
	}
	return min((size-2*frames)/frames, MaxFrame)
}

// begin sets up an Opus frame of ms with room for so many bytes.
func (b *budget) begin(c *EncoderConfig, ms, room int) {
	if off := c.Bitrate - b.asked; 8*max(off, -off) > b.asked {
		b.owed = 0 // what was steered for another rate
	}
	b.asked = c.Bitrate
	bitrate := b.asked * (1000 + b.lift()) / 1000
	if c.CBR {
		bitrate = rateOf(constantSize(c)*8, c.FrameMS)
	}
	b.bitrate = rateOf(min(8*(room+1), bitsFor(bitrate, ms))-8, ms)
	b.target = b.bitrate * ms / 1000
	b.maxBits = room * 8
}

// frameRate is the bit rate of inner frame i, less what went before.
func (b *budget) frameRate(coder *rangeEncoder, i, inner, ms int) int {
	switch {
	case b.redundancy < 10:
		b.smooth = 0
	case b.smooth < 10:
		b.smooth = b.redundancy
	default:
		b.smooth = (b.smooth + b.redundancy) / 2
	}
	b.redundancy = 0
	bits := (b.target - b.smooth) / inner
	rate := bits * 50
	if ms == 10 {
		rate = bits * 100
	}
	rate -= b.exceeded * 1000 / reservoirMS
	if i > 0 {
		rate -= (coder.tell() - b.smooth - bits*i) * 1000 / reservoirMS
	}
	low, high := min(b.bitrate, leastBitrate), max(b.bitrate, leastBitrate)
	return min(max(rate, low), high)
}

// task is what inner frame i may cost: the earlier ones leave something for the
// later ones.
func (b *budget) task(c *EncoderConfig, i, inner int) frameTask {
	most := b.maxBits
	switch {
	case inner == 2 && i == 0:
		most = most * 3 / 5
	case inner == 3 && i == 0:
		most = most * 2 / 5
	case inner == 3 && i == 1:
		most = most * 3 / 4
	}
	how := conditional
	if i == 0 {
		how = independent
	}
	return frameTask{i, how, most, c.CBR && i == inner-1}
}

// end takes the size of an Opus frame.
func (b *budget) end(size int) {
	b.exceeded += size*8 - b.target
	b.exceeded = min(max(b.exceeded, 0), maxExceeded)
}

// redundant decides whether to send redundancy.
func (b *budget) redundant(c *EncoderConfig, ms int, was bool) bool {
	if !c.FEC || c.ExpectedLoss == 0 {
		return false
	}
	rate := redundancyRate[c.Bandwidth]
	rate += rate/c.ExpectedLoss + redundancyStick
	if was {
		rate -= 2 * redundancyStick
	}
	return worth(c, ms) > rate
}

// worth is the bit rate of 20 ms frames and the highest complexity that is as
// good.
func worth(c *EncoderConfig, ms int) int {
	rate := c.Bitrate
	if c.CBR {
		rate = rateOf(constantSize(c)*8, c.FrameMS)
	}
	if ms < 20 {
		rate -= 60 * (1000/ms - 50)
	}
	if c.CBR {
		rate -= rate / 12
	}
	rate = rate * (90 + c.Complexity) / 100
	if c.Complexity < 2 {
		rate = rate * 4 / 5
	}
	return rate
}
