package dsp

// Up turns 16 kHz into 48 kHz. It delays by 1.5 ms. The zero value works.
//
// The filter's -3 dB point lies above 7.5 kHz; images of what is below 7.5 kHz
// are at least 60 dB down (measured in resample_test.go).
type Up struct {
	past [firPhase - 1 + Unit]int16
}

// Convert fills dst with three samples for each sample of src; len(dst) is
// 3*len(src).
func (u *Up) Convert(dst, src []int16) {
	for len(src) > 0 {
		n := min(len(src), Unit)
		u.block(dst[:3*n], src[:n])
		dst, src = dst[3*n:], src[n:]
	}
}

func (u *Up) block(dst, src []int16) {
	copy(u.past[firPhase-1:], src)
	for i := range src {
		x := (*[firPhase]int16)(u.past[i:])
		dst[3*i] = phase(&firQ14[0], x)
		dst[3*i+1] = phase(&firQ14[1], x)
		dst[3*i+2] = phase(&firQ14[2], x)
	}
	copy(u.past[:firPhase-1], u.past[len(src):])
}

// phase is one output sample. The sum of a phase's magnitudes is below 2.0 in
// Q14, so 32 bits hold the sum for every input.
func phase(h, x *[firPhase]int16) int16 {
	return Saturate((dot(h, x) + 1<<13) >> 14)
}

// dot is the sum of h[k]*x[len-1-k]: the newest sample meets the first tap.
func dot(h, x *[firPhase]int16) int32 {
	var a, b int32
	for k := 0; k < firPhase/2; k++ {
		a += int32(h[k]) * int32(x[firPhase-1-k])
		b += int32(h[firPhase-1-k]) * int32(x[k])
	}
	return a + b
}

// Down turns 48 kHz into 16 kHz. It delays by 1.5 ms. The zero value works.
// What lies above 8.5 kHz is at least 60 dB down.
type Down struct {
	past [3][firPhase - 1 + Unit]int16 // by phase of the input
}

// Convert fills dst with one sample for three of src; len(src) is 3*len(dst).
func (d *Down) Convert(dst, src []int16) {
	for len(dst) > 0 {
		n := min(len(dst), Unit)
		d.block(dst[:n], src[:3*n])
		dst, src = dst[n:], src[3*n:]
	}
}

func (d *Down) block(dst, src []int16) {
	for i := range dst {
		for p := range d.past {
			// The newest of the three meets phase 0.
			d.past[p][firPhase-1+i] = src[3*i+2-p]
		}
	}
	for i := range dst {
		var sum int32
		for p := range d.past {
			sum += dot(&firQ14[p], (*[firPhase]int16)(d.past[p][i:])) >> 2
		}
		dst[i] = Saturate((sum/3 + 1<<11) >> 12)
	}
	for p := range d.past {
		copy(d.past[p][:firPhase-1], d.past[p][len(dst):])
	}
}
