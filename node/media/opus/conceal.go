package opus

// Concealment goes on with the last pitch and the last filter, fed by the last
// excitation in random order, quieter from frame to frame. RFC 6716 leaves it
// open; this is what the reference decoder does, to the bit.

const (
	// chirpAfterLossQ16 moves the poles of the first filter after a loss: 0.97.
	chirpAfterLossQ16 = 63570
	chirpConcealQ16   = 64881 // 0.99, at every lost frame
	pitchGainLowQ14   = 11469 // 0.7
	pitchGainHighQ14  = 15565 // 0.95
	pitchDriftQ16     = 655   // a lag grows by 1 % a subframe
	randomSpan        = 128   // samples that the random excitation is drawn from
	randomLeastQ14    = 3277  // 0.2, of the random part under voice
)

// Attenuation of a subframe in the first and in every later lost frame.
var (
	pitchFadeQ15    = [2]int16{32440, 31130} // 0.99, 0.95
	voicedFadeQ15   = [2]int16{31130, 26214} // 0.95, 0.8
	unvoicedFadeQ15 = [2]int16{32440, 29491} // 0.99, 0.9
)

// concealer is what is kept to conceal the next frame with.
type concealer struct {
	kHz         int // the rate that all of it is of
	lagQ8       int32
	gainQ14     int16 // of pitch prediction
	filterQ12   [maxOrder]int16
	seed        int32
	randomQ14   int16 // share of the random excitation
	ltpScaleQ14 int16
	gainsQ16    [2]int32 // of the last two subframes
	format      format   // of the last frame decoded

	// The energy of the last concealed frame, for glue.
	energy int32
	shift  int
	after  bool // the last frame was concealed
}

func (q *concealer) reset(f format) {
	q.lagQ8 = int32(f.samples()) << 7
	q.gainsQ16 = [2]int32{1 << 16, 1 << 16}
	q.format = format{4, 2} // subframes of 20 samples: fewer than any
	q.kHz = f.kHz
}

// keep remembers a decoded frame.
func (c *channel) keep(p *params, x *indices) {
	q := &c.concealer
	if q.kHz != c.kHz {
		q.reset(c.format)
	}
	q.gainQ14 = 0
	if x.signal == voiced {
		q.keepPitch(p, c.format)
	} else {
		q.lagQ8 = int32(18*c.kHz) << 8
	}
	copy(q.filterQ12[:], p.filtersQ12[1][:c.book().order])
	q.ltpScaleQ14 = int16(p.ltpScaleQ14)
	copy(q.gainsQ16[:], p.gainsQ16[c.subframes-2:c.subframes])
	q.format = c.format
}

// keepPitch takes lag and gain of the strongest of the subframes in the last
// pitch period.
func (q *concealer) keepPitch(p *params, f format) {
	last := f.subframes - 1
	best := int32(0)
	for k := 0; k <= last && k*f.subframe() < p.lags[last]; k++ {
		sum := int32(0)
		for _, t := range p.tapsQ14[last-k] {
			sum += int32(t)
		}
		if sum > best {
			best = sum
			q.lagQ8 = int32(p.lags[last-k]) << 8
		}
	}
	gain := int32(int16(best))
	switch {
	case best < pitchGainLowQ14:
		gain = gain * int32(int16(pitchGainLowQ14<<10/max(best, 1))) >> 10
	case best > pitchGainHighQ14:
		gain = gain * int32(int16(pitchGainHighQ14<<14/best)) >> 14
	}
	q.gainQ14 = int16(gain)
}

// conceal makes the sound of a lost frame behind the past sound.
func (c *channel) conceal() {
	q := &c.concealer
	if q.kHz != c.kHz {
		q.reset(c.format)
	}
	order := c.book().order
	if c.fresh {
		q.filterQ12 = [maxOrder]int16{}
	}
	source := c.quieter()
	filterQ12 := q.filterQ12[:order]
	expand(filterQ12, chirpConcealQ16)
	late := min(c.lost, 1)
	fade := unvoicedFadeQ15[late]
	if c.signal == voiced {
		fade = voicedFadeQ15[late]
	}
	if c.lost == 0 {
		fade = q.begin(c.signal, filterQ12, fade)
	}
	c.recallAll(filterQ12)
	for k := range c.subframes {
		c.invent(k, source)
		q.gainQ14 = int16(int32(pitchFadeQ15[late]) * int32(q.gainQ14) >> 15)
		q.randomQ14 = int16(int32(q.randomQ14) * int32(fade) >> 15)
		q.lagQ8 = min(q.lagQ8+mul16(q.lagQ8, pitchDriftQ16), int32(18*c.kHz)<<8)
	}
	now, n := c.memory(), c.samples()
	run := c.excitedQ15[now-maxOrder : now+n] // in Q14 here
	copy(run, c.lastQ14[:])
	predict(run, filterQ12)
	scale(c.sound[now:][:n], run[maxOrder:], q.gainsQ16[1]>>6)
	copy(c.lastQ14[:], run[n:])
}

// begin sets the share of the random excitation at the first lost frame, and
// returns how it is to fade.
func (q *concealer) begin(kind signal, filterQ12 []int16, fadeQ15 int16) int16 {
	q.randomQ14 = 1 << 14
	if kind == voiced {
		q.randomQ14 = max(randomLeastQ14, q.randomQ14-q.gainQ14)
		q.randomQ14 = int16(int32(q.randomQ14) * int32(q.ltpScaleQ14) >> 14)
		return fadeQ15
	}
	// Less noise where the filter's gain is high: between 8 and 24 dB.
	downQ30 := max(min(inverseGain(filterQ12), 1<<27), 1<<22) << 3
	return int16(mul16(downQ30, fadeQ15) >> 14)
}

// quieter is the last excitation where its energy is lower.
func (c *channel) quieter() []int32 {
	q := &c.concealer
	n := c.subframe()
	var store [2 * maxSubframe]int16
	for k, gainQ16 := range q.gainsQ16 {
		for i, e := range c.excQ14[(k+c.subframes-2)*n:][:n] {
			store[k*n+i] = sat16(mul32(e, gainQ16>>6) >> 8)
		}
	}
	first, firstShift := energy(store[:n])
	second, secondShift := energy(store[n : 2*n])
	end := q.format.samples()
	if first>>secondShift < second>>firstShift {
		end -= q.format.subframe()
	}
	return c.excQ14[max(0, end-randomSpan):][:randomSpan]
}

// recallAll makes the past excitation of the past sound, in Q14.
func (c *channel) recallAll(filterQ12 []int16) {
	q := &c.concealer
	now := c.memory()
	from := now - int(round(q.lagQ8, 8)) - len(filterQ12) - ltpOrder/2
	white := c.white[:now-from]
	whiten(white, c.sound[from:now], filterQ12)
	inverseQ30 := min(inverse(q.gainsQ16[1], 46), maxInt32>>1)
	past := c.excitedQ15[from:now]
	for i := len(filterQ12); i < len(white); i++ {
		past[i] = mul16(inverseQ30, white[i])
	}
}

// invent makes the excitation of subframe k, in Q14.
func (c *channel) invent(k int, source []int32) {
	q := &c.concealer
	n := c.subframe()
	now := c.memory() + k*n
	lag := int(round(q.lagQ8, 8))
	for i := range n {
		// Pitch prediction by one tap of five; each of the five rounds down.
		e := 2 + mul16(c.excitedQ15[now+i-lag], q.gainQ14)
		q.seed = random(q.seed)
		e += mul16(source[q.seed>>25&(randomSpan-1)], q.randomQ14)
		c.excitedQ15[now+i] = e << 2
	}
}
