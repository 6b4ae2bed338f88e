package dsp

// one is a step of one sample.
const one = 1 << 32

// VaryDelay is by how many samples Vary delays.
const VaryDelay = varyTaps / 2

// Vary plays sound a little faster or slower, to make up for two clocks that
// differ. The zero value goes at the same speed: it copies.
type Vary struct {
	past [varyTaps + Unit + 2]int16 // what came last, and room for a block
	step int64                      // samples taken for each one given, less one, Q32
	at   uint64                     // between the last sample taken and the next, Q32
}

// Speed sets how many samples more than one are taken for each one given, in
// Q32; it is held to +-1 %.
func (v *Vary) Speed(extraQ32 int64) {
	v.step = min(max(extraQ32, -one/100), one/100)
}

// Need is the number of samples that Convert takes for n.
func (v *Vary) Need(n int) int { return int((v.at + uint64(n)*uint64(one+v.step)) >> 32) }

// Convert fills dst, of at most Unit samples, from src, of Need(len(dst)).
func (v *Vary) Convert(dst, src []int16) {
	copy(v.past[varyTaps:], src)
	for i := range dst {
		x := (*[varyTaps]int16)(v.past[v.at>>32:])
		dst[i] = between(x, uint32(v.at))
		v.at += uint64(one + v.step)
	}
	v.at -= uint64(len(src)) << 32
	copy(v.past[:varyTaps], v.past[len(src):])
}

// between is the value at part (Q32) of the way from the sample before the
// middle of x to the next.
func between(x *[varyTaps]int16, part uint32) int16 {
	if part == 0 {
		return x[varyTaps/2-1]
	}
	const shift = 32 - 6 // varyPhases is 1<<6
	p := part >> shift
	fracQ14 := int32(part >> (shift - 14) & (1<<14 - 1))
	g, h := &varyQ14[p], &varyQ14[p+1]
	var a, b int32
	for i, s := range x {
		a += int32(g[i]) * int32(s)
		b += int32(h[i]) * int32(s)
	}
	a, b = (a+1<<5)>>6, (b+1<<5)>>6
	v := a + int32(int64(b-a)*int64(fracQ14)>>14)
	return Saturate((v + 1<<7) >> 8)
}
