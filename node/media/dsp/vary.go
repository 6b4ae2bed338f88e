package dsp

// one is a step of one sample.
const one = 1 << 32

// VaryDelay is by how many samples Vary delays.
const VaryDelay = 2

// varyBank is for Vary: from 16 to 16 kHz.
var varyBank = newBank(1, 1)

// Vary plays sound a little faster or slower, to make up for two clocks that
// differ: a Resampler from 16 to 16 kHz whose zero value works.
type Vary struct {
	r Resampler
}

// Speed sets how many samples more than one are taken for each one given, in
// Q32; it is held to +-1 %.
func (v *Vary) Speed(extraQ32 int64) {
	v.begin()
	v.r.Speed(extraQ32)
}

// Need is the number of samples that Convert takes for n.
func (v *Vary) Need(n int) int {
	v.begin()
	return v.r.Need(n)
}

// Convert fills dst from src, of Need(len(dst)).
func (v *Vary) Convert(dst, src []int16) {
	v.begin()
	v.r.Convert(dst, src)
}

func (v *Vary) begin() {
	if v.r.bank == nil {
		v.r.init(varyBank, 1, 1, Unit)
	}
}
