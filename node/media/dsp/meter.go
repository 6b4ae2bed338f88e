package dsp

const (
	// fastTime is the time constant of RMS in samples: 125 ms, "fast" in IEC
	// 61672-1.
	fastTime = Rate / 8
	// peakFall is in how many samples Peak falls by 1/e: 20 dB in 1.7 s, as
	// IEC 60268-10 type I.
	peakFall = 11813
)

// A Meter measures the level of sound. Its zero value has heard silence. It is
// for one goroutine; what it returns may be handed to others.
type Meter struct {
	sum  uint64 // of squares since Take
	n    uint64 // samples since Take
	most int32  // largest magnitude since Take

	power  int64 // mean square under fastTime, Q8
	needle int32 // of Peak, Q14
}

// Add takes the next samples, at 16 kHz.
func (m *Meter) Add(pcm []int16) {
	for len(pcm) > 0 {
		n := min(len(pcm), Unit)
		m.block(pcm[:n])
		pcm = pcm[n:]
	}
}

func (m *Meter) block(pcm []int16) {
	n := len(pcm)
	energy, peak := Energy(pcm), largest(pcm)
	m.sum += energy
	m.n += uint64(n)
	m.most = max(m.most, peak)
	m.power += (int64(energy<<8)/int64(n) - m.power) * int64(n) / int64(fastTime+n/2)
	m.needle -= int32(int64(m.needle) * int64(n) / int64(peakFall+n/2))
	m.needle = max(m.needle, peak<<14)
}

// RMS is what the needle of a sound level meter shows: the mean square under a
// time constant of 125 ms.
func (m *Meter) RMS() Level { return LevelOf(uint64(m.power), 1<<8) }

// Peak is what a peak programme meter shows: it rises at once and falls by
// 20 dB in 1.7 s.
func (m *Meter) Peak() Level { return peakLevel(m.needle >> 14) }

// Take returns the mean square and the largest magnitude of what was added
// since the last Take, or since the start, and begins anew.
func (m *Meter) Take() (rms, peak Level) {
	rms, peak = LevelOf(m.sum, m.n), peakLevel(m.most)
	m.sum, m.n, m.most = 0, 0, 0
	return rms, peak
}

// largest is the largest magnitude in pcm.
func largest(pcm []int16) int32 {
	var low, high int16
	for _, s := range pcm {
		low, high = min(low, s), max(high, s)
	}
	return max(int32(high), -int32(low))
}
