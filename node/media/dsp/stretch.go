package dsp

// Time is stretched by whole pitch periods: one is left out, or played twice,
// and the seam is cross-faded over seamLength.
const (
	seamLength = Rate / 200 // 5 ms
	// StretchNeed is the number of samples that Shorten and Lengthen want to
	// see at least.
	StretchNeed = MinPitch + seamLength
	// GoodMatchQ15 is the correlation from which a seam is not heard, 0.9 as
	// NetEQ has it.
	GoodMatchQ15 = 29491
	// quiet is the mean square below which any seam will do: -54 dBFS.
	quiet = 4300
)

// Shorten leaves out one period of pcm, at most most samples, and returns how
// many it left out: pcm[:len(pcm)-n] is the result. 0: nothing fitted.
func Shorten(pcm []int16, most int, matchQ15 int32) (n int) {
	lag, ok := seam(pcm, most, matchQ15)
	if !ok {
		return 0
	}
	for i := range seamLength {
		pcm[i] = mixQ15(pcm[i], pcm[lag+i], (int32(i)+1)<<15/(seamLength+1))
	}
	copy(pcm[seamLength:], pcm[lag+seamLength:])
	return lag
}

// Lengthen plays one period of pcm[:n] twice, at most most samples, and returns
// how many it added: pcm[:n+added] is the result. There is room for most more
// samples in pcm. 0: nothing fitted.
func Lengthen(pcm []int16, n, most int) (added int) {
	lag, ok := seam(pcm[:n], min(most, len(pcm)-n), GoodMatchQ15)
	if !ok {
		return 0
	}
	copy(pcm[lag:n+lag], pcm[:n])
	// pcm[lag:] holds the sound from its start again; what would have
	// followed the first period is what the seam comes from. It stands,
	// moved, a period further.
	for i := range seamLength {
		follow := pcm[2*lag+i]
		pcm[lag+i] = mixQ15(follow, pcm[lag+i], (int32(i)+1)<<15/(seamLength+1))
	}
	return lag
}

// seam finds the period at which pcm goes on as it began.
func seam(pcm []int16, most int, goodQ15 int32) (lag int, ok bool) {
	high := min(most, MaxPitch, len(pcm)-seamLength)
	if high < MinPitch {
		return 0, false
	}
	if Energy(pcm) < quiet*uint64(len(pcm)) {
		return high, true
	}
	lag, matchQ15 := period(pcm, 0, 1, seamLength, MinPitch, high)
	return lag, matchQ15 >= goodQ15
}

// Repeat plays the period before x[now] once more, at most most samples, if it
// is at least as like what follows as matchQ15, and returns how many samples it
// added. What follows is x[now:now+n]; then x[now:now+n+added] is. x has room
// for most more samples, and at least as many lie before now. 0: nothing fitted.
func Repeat(x []int16, now, n, most int, matchQ15 int32) (added int) {
	high := min(most, MaxPitch, now)
	if high < MinPitch || n < seamLength {
		return 0
	}
	lag, like := high, int32(1<<15)
	if Energy(x[now-high:now+seamLength]) >= quiet*uint64(high+seamLength) {
		lag, like = period(x, now, -1, seamLength, MinPitch, high)
	}
	if like < matchQ15 {
		return 0
	}
	var next [seamLength]int16
	copy(next[:], x[now:])
	copy(x[now+lag:now+lag+n], x[now:now+n])
	copy(x[now:now+lag], x[now-lag:now])
	CrossFade(x[now:], next[:])
	return lag
}
