package dsp

// CrossFade mixes from into dst: dst[0] is nearly from[0], and after
// len(from) samples dst is untouched. len(dst) >= len(from).
func CrossFade(dst, from []int16) {
	n := int32(len(from))
	for i, f := range from {
		wQ15 := (int32(i) + 1) << 15 / (n + 1)
		dst[i] = mixQ15(f, dst[i], wQ15)
	}
}

// mixQ15 is a at w = 0 and b at w = 1.0.
func mixQ15(a, b int16, wQ15 int32) int16 {
	return int16((int32(a)*(1<<15-wQ15) + int32(b)*wQ15 + 1<<14) >> 15)
}

// FadeOut takes pcm down to silence over its whole length.
func FadeOut(pcm []int16) {
	n := int32(len(pcm))
	for i := range pcm {
		pcm[i] = int16(int32(pcm[i]) * ((n - 1 - int32(i)) << 15 / n) >> 15)
	}
}

// FadeIn brings pcm up from silence over its whole length.
func FadeIn(pcm []int16) {
	n := int32(len(pcm))
	for i := range pcm {
		pcm[i] = int16(int32(pcm[i]) * (int32(i) << 15 / n) >> 15)
	}
}

// Add mixes src into dst and limits the sum to 16 bits.
func Add(dst, src []int16) {
	for i, s := range src {
		dst[i] = Saturate(int32(dst[i]) + int32(s))
	}
}

// Energy is the sum of the squares of pcm.
func Energy(pcm []int16) uint64 {
	var sum uint64
	for _, s := range pcm {
		v := int32(s)
		sum += uint64(uint32(v * v))
	}
	return sum
}
