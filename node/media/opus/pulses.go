package opus

const (
	shellSize  = 16 // samples of a block
	maxPulses  = 16 // of a block, without low bits
	maxLowBits = 10
	maxBlocks  = maxSamples / shellSize
	rateLevels = 10
)

// readPulses reads the excitation of a frame into pulses, whole blocks even
// where the frame ends within one. RFC 6716 section 4.2.7.8.
func readPulses(d *rangeDecoder, pulses []int16, kind signal, offset int8) {
	var count, low [maxBlocks]int
	blocks := len(pulses) / shellSize
	level := d.symbol(pulseRate[kind>>1][:])
	for b := range blocks {
		n := d.symbol(pulseCount[level][:])
		for n > maxPulses {
			low[b]++
			icdf := pulseCount[rateLevels-1][:]
			if low[b] == maxLowBits {
				icdf = icdf[1:] // no further low bit
			}
			n = d.symbol(icdf)
		}
		count[b] = n
	}
	for b := range blocks {
		d.shell(pulses[b*shellSize:][:shellSize], count[b], len(shell)-1)
	}
	for b, n := range low[:blocks] {
		if n > 0 {
			d.lowBits(pulses[b*shellSize:][:shellSize], n)
		}
	}
	odds := &pulseSign[kind][offset]
	for b := range blocks {
		if count[b]+low[b] > 0 {
			d.signs(pulses[b*shellSize:][:shellSize], odds[min(count[b], 6)])
		}
	}
}

// shell spreads n pulses over 2<<level samples, half by half. Section 4.2.7.8.3.
func (d *rangeDecoder) shell(pulses []int16, n, level int) {
	if n == 0 {
		clear(pulses)
		return
	}
	left := d.symbol(shell[level][shellOffset[n]:])
	if level == 0 {
		pulses[0], pulses[1] = int16(left), int16(n-left)
		return
	}
	half := len(pulses) / 2
	d.shell(pulses[:half], left, level-1)
	d.shell(pulses[half:], n-left, level-1)
}

// lowBits appends n bits to every pulse. Section 4.2.7.8.4.
func (d *rangeDecoder) lowBits(pulses []int16, n int) {
	for i, p := range pulses {
		for range n {
			p = p<<1 + int16(d.symbol(pulseLow[:]))
		}
		pulses[i] = p
	}
}

// signs turns the sign of pulses; they stay positive in odds of 256 cases.
// Section 4.2.7.8.5.
func (d *rangeDecoder) signs(pulses []int16, odds uint8) {
	icdf := [2]uint8{odds, 0}
	for i, p := range pulses {
		if p > 0 && d.symbol(icdf[:]) == 0 {
			pulses[i] = -p
		}
	}
}
