package opus

// signal is what a frame holds.
type signal int8

const (
	inactive signal = iota
	unvoiced
	voiced
)

// coding says how a frame leans on the one before it in the packet.
type coding uint8

const (
	independent coding = iota
	unscaled           // independent, but the past is there: no pitch scaling
	conditional
)

const (
	maxKHz       = 16 // inside
	maxSubframes = 4
	maxSubframe  = 5 * maxKHz                 // samples
	maxSamples   = maxSubframes * maxSubframe // of a frame
	ltpOrder     = 5
	// interpolationNone is the weight, in quarters, of a filter that is not
	// interpolated.
	interpolationNone = 4
)

// format is the rate and length of a frame.
type format struct {
	kHz       int // 8, 12 or 16
	subframes int // of 5 ms: 2 or 4
}

func (f format) subframe() int { return 5 * f.kHz }
func (f format) samples() int  { return f.subframes * f.subframe() }

// memory is how many past samples pitch prediction may reach.
func (f format) memory() int { return 20 * f.kHz }

func (f format) book() *nlsfBook {
	if f.kHz == 16 {
		return &nlsfWide
	}
	return &nlsfNarrow
}

// lagLow is the distribution of the lower part of a pitch lag; its length is
// half of the rate.
func (f format) lagLow() []uint8 {
	switch f.kHz {
	case 8:
		return uniform4[:]
	case 12:
		return uniform6[:]
	}
	return uniform8[:]
}

func (f format) contour() []uint8 {
	switch {
	case f.kHz == 8 && f.subframes == 2:
		return contourNarrowShort[:]
	case f.kHz == 8:
		return contourNarrow[:]
	case f.subframes == 2:
		return contourWideShort[:]
	}
	return contourWide[:]
}

// indices are what a frame's symbols say, before the excitation.
type indices struct {
	signal        signal
	offset        int8 // 0 or 1: which quantization offset
	gains         [maxSubframes]int8
	vector        int8
	residuals     [maxOrder]int8
	interpolation int8 // in quarters
	lag           int16
	contour       int8
	periodicity   int8
	filters       [maxSubframes]int8
	scale         int8
	seed          int8
}

// precedent is what the next frame's symbols may be coded against.
type precedent struct {
	signal signal
	lag    int16
}

// read reads the indices of one frame. RFC 6716 sections 4.2.7.3 to 4.2.7.7.
func (x *indices) read(d *rangeDecoder, f format, past *precedent, active bool, c coding) {
	kind := 0
	if active {
		kind = d.symbol(typeActive[:]) + 2
	} else {
		kind = d.symbol(typeInactive[:])
	}
	x.signal, x.offset = signal(kind>>1), int8(kind&1)
	if c == conditional {
		x.gains[0] = int8(d.symbol(gainDelta[:]))
	} else {
		x.gains[0] = int8(d.symbol(gainHigh[x.signal][:])<<3 + d.symbol(uniform8[:]))
	}
	for i := 1; i < f.subframes; i++ {
		x.gains[i] = int8(d.symbol(gainDelta[:]))
	}
	x.readSpectrum(d, f)
	if x.signal == voiced {
		x.readPitch(d, f, past, c)
	}
	past.signal = x.signal
	x.seed = int8(d.symbol(uniform4[:]))
}

// readSpectrum reads the filter's indices, section 4.2.7.5.
func (x *indices) readSpectrum(d *rangeDecoder, f format) {
	book := f.book()
	x.vector = int8(d.symbol(book.vector[x.signal>>1][:]))
	for i := range book.order {
		set, _ := book.chosen(int(x.vector), i)
		r := d.symbol(book.residual[set][:])
		switch r {
		case 0:
			r -= d.symbol(nlsfExtension[:])
		case 8:
			r += d.symbol(nlsfExtension[:])
		}
		x.residuals[i] = int8(r - 4)
	}
	x.interpolation = interpolationNone
	if f.subframes == maxSubframes {
		x.interpolation = int8(d.symbol(nlsfInterpolation[:]))
	}
}

// readPitch reads what voiced frames have, section 4.2.7.6.
func (x *indices) readPitch(d *rangeDecoder, f format, past *precedent, c coding) {
	delta := 0
	if c == conditional && past.signal == voiced {
		delta = d.symbol(lagDelta[:])
	}
	if delta > 0 {
		x.lag = past.lag + int16(delta-9)
	} else {
		low := f.lagLow()
		x.lag = int16(d.symbol(lagHigh[:]) * len(low))
		x.lag += int16(d.symbol(low))
	}
	past.lag = x.lag
	x.contour = int8(d.symbol(f.contour()))
	x.periodicity = int8(d.symbol(ltpPeriodicity[:]))
	filters := [...][]uint8{ltpFilter0[:], ltpFilter1[:], ltpFilter2[:]}[x.periodicity]
	for i := range f.subframes {
		x.filters[i] = int8(d.symbol(filters))
	}
	x.scale = 0
	if c == independent {
		x.scale = int8(d.symbol(ltpScale[:]))
	}
}
