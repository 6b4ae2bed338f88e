package opus

const (
	bands     = 4 // to 1, 2, 4 and 8 kHz, when sampled at 16
	subBlocks = 4 // of a frame, for energies

	// noiseBias keeps the level of noise above nothing.
	noiseBias = 50
	// noiseSettled is after how many frames noise is followed slowly only.
	noiseSettled = 1000
	noiseSmooth  = 1024 // 1/64

	activityFactorQ16 = 45000
	activityOffsetQ5  = 128
	// activeQ8 is the activity, 0.05, above which a frame counts as speech.
	activeQ8 = 13
)

// tiltWeight is what each band adds to the tilt of the spectrum.
var tiltWeight = [bands]int32{30000, 6000, -12000, -12000}

// activity hears how likely the input is speech and how good it is, by the
// ratio of its energy to that of the noise in four bands. RFC 6716 section
// 5.2.3.1. reset makes it ready.
type activity struct {
	split   [3][2]int32 // states of the band filters
	last    [bands]int32
	before  int16 // last sample of the lowest band
	ratioQ8 [bands]int32
	noise   [bands]int32
	inverse [bands]int32 // of noise
	bias    [bands]int32
	frames  int32

	speechQ8   int32        // how likely the last frame was speech
	tiltQ15    int32        // of its spectrum, above 0 where it is low
	qualityQ15 [bands]int32 // of the input so far

	// Only within a frame.
	low  [maxSamples / 2]int16
	high [bands - 1][maxSamples / 2]int16
}

func (a *activity) reset() {
	*a = activity{frames: 15}
	for b := range bands {
		a.bias[b] = noiseBias / int32(b+1)
		a.noise[b] = 100 * a.bias[b]
		a.inverse[b] = maxInt32 / a.noise[b]
		a.ratioQ8[b] = 100 << 8
	}
}

// hear takes one frame.
func (a *activity) hear(x []int16, f format) {
	energy := a.energies(x)
	a.follow(&energy)
	ratioQ8, snrQ7, tilt := a.ratios(&energy)
	a.tiltQ15 = (sigmoidQ15(tilt) - 16384) << 1
	likelyQ15 := sigmoidQ15(mul16(activityFactorQ16, int16(snrQ7)) - activityOffsetQ5)
	likelyQ15 = a.weigh(likelyQ15, &energy, f.subframes)
	a.speechQ8 = min(likelyQ15>>7, 255)
	a.assess(likelyQ15, &ratioQ8, f.subframes)
}

// energies are those of the bands, over the second half of the block before and
// all but the last half of the last block of this frame.
func (a *activity) energies(x []int16) (energy [bands]int32) {
	n := len(x)
	splitBands(a.low[:n/2], a.high[2][:n/2], x, &a.split[0])
	splitBands(a.low[:n/4], a.high[1][:n/4], a.low[:n/2], &a.split[1])
	splitBands(a.low[:n/8], a.high[0][:n/8], a.low[:n/4], &a.split[2])
	for i := range n / 8 { // what is very low is no speech
		v := a.low[i] >> 1
		a.low[i] = v - a.before
		a.before = v
	}
	energy[0] = a.energy(0, a.low[:n/8])
	energy[1] = a.energy(1, a.high[0][:n/8])
	energy[2] = a.energy(2, a.high[1][:n/4])
	energy[3] = a.energy(3, a.high[2][:n/2])
	return energy
}

func (a *activity) energy(band int, x []int16) int32 {
	sum, n := a.last[band], len(x)/subBlocks
	block := int32(0)
	for s := range subBlocks {
		block = 0
		for _, v := range x[s*n:][:n] {
			block += int32(v>>3) * int32(v>>3)
		}
		if s < subBlocks-1 {
			sum = addPositive(sum, block)
		}
	}
	a.last[band] = block
	return addPositive(sum, block>>1)
}

// splitBands halves the band of x, with first order all-pass filters.
func splitBands(low, high, x []int16, state *[2]int32) {
	s0, s1 := state[0], state[1]
	for k := range low {
		in := int32(x[2*k]) << 10
		y := in - s0
		y += mul16(y, -24290)
		even := s0 + y
		s0 = in + y

		in = int32(x[2*k+1]) << 10
		y = mul16(in-s1, 10788)
		odd := s1 + y
		s1 = in + y

		low[k] = sat16(round(odd+even, 11))
		high[k] = sat16(round(odd-even, 11))
	}
	state[0], state[1] = s0, s1
}

// follow moves the levels of noise towards the energies: fast in the first 20
// seconds and when they are low.
func (a *activity) follow(energy *[bands]int32) {
	least := int32(0)
	if a.frames < noiseSettled {
		least = 32767 / (a.frames>>4 + 1)
		a.frames++
	}
	for b, noise := range a.noise {
		e := addPositive(energy[b], a.bias[b])
		inverse := maxInt32 / e
		c := int32(noiseSmooth)
		switch {
		case e > noise<<3:
			c >>= 3
		case e >= noise:
			c = mul16(mul32(inverse, noise), noiseSmooth<<1)
		}
		a.inverse[b] += mul16(inverse-a.inverse[b], int16(max(c, least)))
		a.noise[b] = min(maxInt32/a.inverse[b], 1<<24-1)
	}
}

// ratios are those of energy to noise, their root mean square in Q7 of dB and
// the tilt of the spectrum.
func (a *activity) ratios(energy *[bands]int32) (ratioQ8 [bands]int32, snrQ7, tilt int32) {
	sum := int32(0)
	for b, e := range energy {
		speech := e - a.noise[b]
		if speech <= 0 {
			ratioQ8[b] = 1 << 8
			continue
		}
		if e < 1<<23 {
			ratioQ8[b] = e << 8 / (a.noise[b] + 1)
		} else {
			ratioQ8[b] = e / (a.noise[b]>>8 + 1)
		}
		q7 := logQ7(ratioQ8[b]) - 8<<7
		sum += int32(int16(q7)) * int32(int16(q7))
		if speech < 1<<20 {
			q7 = mul16(root(speech)<<6, int16(q7))
		}
		tilt += mul16(tiltWeight[b], int16(q7))
	}
	return ratioQ8, int32(int16(3 * root(sum/bands))), tilt
}

// weigh lowers how likely a frame is speech where it is not loud.
func (a *activity) weigh(likelyQ15 int32, energy *[bands]int32, subframes int) int32 {
	speech := int32(0)
	for b, e := range energy {
		speech += int32(b+1) * ((e - a.noise[b]) >> 4)
	}
	if subframes == maxSubframes {
		speech >>= 1
	}
	switch {
	case speech <= 0:
		return likelyQ15 >> 1
	case speech < 16384:
		return mul16(32768+root(speech<<16), int16(likelyQ15))
	}
	return likelyQ15
}

// assess follows the quality of each band, while there is speech.
func (a *activity) assess(likelyQ15 int32, ratioQ8 *[bands]int32, subframes int) {
	c := mul16(4096, int16(mul16(likelyQ15, int16(likelyQ15))))
	if subframes == 2 {
		c >>= 1
	}
	for b := range bands {
		a.ratioQ8[b] += mul16(ratioQ8[b]-a.ratioQ8[b], int16(c))
		q7 := 3 * (logQ7(a.ratioQ8[b]) - 8<<7)
		a.qualityQ15[b] = sigmoidQ15((q7 - 16<<7) >> 4)
	}
}
