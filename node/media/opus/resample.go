package opus

// The rate converter. Sound is first delayed, so that every pair of rates has
// the same delay, then converted in batches of at most 10 ms:
//
//	to the same rate  copied
//	to twice the rate doubled by all-pass filters
//	to higher rates   doubled, then interpolated
//	to lower rates    smoothed by feedback, then interpolated

// downFilter is a filter for a lower rate.
type downFilter struct {
	feedbackQ14 [2]int16
	taps        []int16 // one half; the other is its mirror image
}

const (
	batchMS = 10
	upTaps  = 8
	maxTaps = 24
)

// resamplerDelay is the delay in samples, by the rates inside (8, 12, 16 kHz)
// and outside (8, 12, 16, 24, 48 kHz).
var resamplerDelay = [3][5]int{
	{4, 0, 2, 0, 0},
	{0, 9, 4, 7, 4},
	{0, 3, 12, 7, 7},
}

// resampler converts from one rate to another. init makes it ready.
type resampler struct {
	in, out int // kHz
	delay   int // samples
	stepQ16 int32
	down    *downFilter // nil: the rate does not fall
	phases  int32       // of down

	delayed  [maxKHz]int16 // 1 ms: the samples delayed, then new ones
	allpass  [6]int32      // Q10
	feedback [2]int32      // Q8

	// What the filters look back on, then a batch.
	doubled [upTaps + 2*batchMS*maxKHz]int16
	smooth  [maxTaps + batchMS*maxKHz]int32 // Q8
}

func (r *resampler) init(in, out int) {
	*r = resampler{in: in, out: out}
	column := map8to48(out)
	r.delay = resamplerDelay[in/4-2][column]
	up := 0
	switch {
	case out > in:
		up = 1
	case 4*out == 3*in:
		r.down, r.phases = &down3of4, 3
	case 3*out == 2*in:
		r.down, r.phases = &down2of3, 2
	case out < in:
		r.down, r.phases = &down1of2, 1
	}
	inHz, outHz := int32(in*1000), int32(out*1000)
	r.stepQ16 = inHz << (14 + up) / outHz << 2
	for mul32(r.stepQ16, outHz) < inHz<<up {
		r.stepQ16++
	}
}

// map8to48 is the column of a rate outside.
func map8to48(kHz int) int {
	switch kHz {
	case 24:
		return 3
	case 48:
		return 4
	}
	return kHz/4 - 2
}

// convert converts whole milliseconds.
func (r *resampler) convert(out, in []int16) {
	first := r.in - r.delay
	copy(r.delayed[r.delay:], in[:first])
	r.batch(out, r.delayed[:r.in])
	rest := in[first : len(in)-r.delay]
	copy(r.delayed[:r.delay], in[len(in)-r.delay:])
	out = out[r.out:]
	for len(rest) > 0 {
		n := min(len(rest), batchMS*r.in)
		r.batch(out, rest[:n])
		rest, out = rest[n:], out[n/r.in*r.out:]
	}
}

func (r *resampler) batch(out, in []int16) {
	switch {
	case r.out == r.in:
		copy(out, in)
	case r.out == 2*r.in:
		r.double(out, in)
	case r.down != nil:
		r.lower(out, in)
	default:
		r.raise(out, in)
	}
}

// double makes two samples of each by two chains of three all-pass sections.
func (r *resampler) double(out, in []int16) {
	s := r.allpass
	for i, x := range in {
		x := int32(x) << 10
		even := section(&s[2], section(&s[1], section(&s[0], x, even0), even1), even2)
		odd := section(&s[5], section(&s[4], section(&s[3], x, odd0), odd1), odd2)
		pair := out[2*i:][:2]
		pair[0] = sat16(round(even, 10))
		pair[1] = sat16(round(odd, 10))
	}
	r.allpass = s
}

// section is one all-pass section. Negative coefficients stand for those above
// 1/2, which 16 bits do not hold.
func section(s *int32, x int32, coefficient int16) int32 {
	d := x - *s
	p := mul16(d, coefficient)
	if coefficient < 0 {
		p += d
	}
	y := *s + p
	*s = x + p
	return y
}

func (r *resampler) raise(out, in []int16) {
	n := 2 * len(in)
	r.double(r.doubled[upTaps:upTaps+n], in)
	step := r.stepQ16
	for at, i := int32(0), 0; at < int32(n)<<16; at, i = at+step, i+1 {
		phase := uint32(at&0xffff) * 12 >> 16
		a, b := &fractionQ15[phase], &fractionQ15[11-phase]
		x := (*[upTaps]int16)(r.doubled[at>>16:])
		sum := int32(x[0])*int32(a[0]) + int32(x[1])*int32(a[1]) + int32(x[2])*int32(a[2]) + int32(x[3])*int32(a[3]) +
			int32(x[4])*int32(b[3]) + int32(x[5])*int32(b[2]) + int32(x[6])*int32(b[1]) + int32(x[7])*int32(b[0])
		out[i] = sat16(round(sum, 15))
	}
	copy(r.doubled[:upTaps], r.doubled[n:])
}

func (r *resampler) lower(out, in []int16) {
	n := len(in)
	half := int32(len(r.down.taps)) / r.phases
	order := int(2 * half)
	r.damp(r.smooth[order:], in)
	for at, i := int32(0), 0; at < int32(n)<<16; at, i = at+r.stepQ16, i+1 {
		x := r.smooth[at>>16:][:order]
		if r.phases == 1 {
			out[i] = sat16(round(mirrored(x, r.down.taps), 6))
			continue
		}
		phase := mul16(at&0xffff, int16(r.phases))
		a, b := r.down.taps[phase*half:][:half], r.down.taps[(r.phases-1-phase)*half:][:half]
		sum := int32(0)
		for j, t := range a {
			sum += mul16(x[j], t)
		}
		for j, t := range b {
			sum += mul16(x[len(x)-1-j], t)
		}
		out[i] = sat16(round(sum, 6))
	}
	copy(r.smooth[:order], r.smooth[n:])
}

// mirrored is a filter whose two halves mirror each other.
func mirrored(x []int32, taps []int16) (sum int32) {
	for j, t := range taps {
		sum += mul16(x[j]+x[len(x)-1-j], t)
	}
	return sum
}

// damp is a filter of two feedback taps, into Q8.
func (r *resampler) damp(outQ8 []int32, in []int16) {
	s, a := &r.feedback, &r.down.feedbackQ14
	for i, x := range in {
		y := s[0] + int32(x)<<8
		outQ8[i] = y
		s[0] = s[1] + mul16(y<<2, a[0])
		s[1] = mul16(y<<2, a[1])
	}
}
