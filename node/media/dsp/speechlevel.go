package dsp

import "math/bits"

// The constants of ITU-T P.56 method B (section 6.1 and table 1).
const (
	// levels is the number of thresholds, a factor of 2 apart: 1 to 2^14.
	levels = 15
	// hangover bridges the gaps within words: 200 ms.
	hangover = 200
	// margin is by how much the threshold lies below the active level: 15.9 dB.
	margin = 1590
	// stepLevel is 6.02 dB, the distance of the thresholds.
	stepLevel = 602
	// glance is the number of samples between two looks at the envelope, 1 ms;
	// the recommendation wants at least 694 a second.
	glance = Rate / 1000
)

// SpeechLevel measures the active speech level of ITU-T P.56: the level of
// speech while somebody speaks, pauses left out. Its zero value has heard
// nothing.
type SpeechLevel struct {
	sum    uint64
	n      uint64
	p, q   int32          // rectified sound, smoothed once and twice with 30 ms, Q14
	phase  int            // samples since the last glance
	active [levels]uint32 // ms above each threshold, hangover included
	hang   [levels]uint16 // ms of hangover that remain
}

// Add takes the next samples, at 16 kHz.
func (s *SpeechLevel) Add(pcm []int16) {
	s.sum += Energy(pcm)
	s.n += uint64(len(pcm))
	p, q := s.p, s.q
	for _, x := range pcm {
		v := int32(x)
		p += smooth30((v^v>>31)<<14 - p)
		q += smooth30(p - q)
		if s.phase++; s.phase == glance {
			s.phase = 0
			// Rounding takes the envelope of silence just below 0.
			s.look(bits.Len32(uint32(max(q, 0) >> 14)))
		}
	}
	s.p, s.q = p, q
}

// smooth30 is d times 1-exp(-1/480): 30 ms at 16 kHz.
func smooth30(d int32) int32 { return d>>9 + d>>13 + d>>17 }

// look counts one glance at an envelope that reaches the first above
// thresholds.
func (s *SpeechLevel) look(above int) {
	for j := range s.active {
		if j < above {
			s.active[j]++
			s.hang[j] = hangover
		} else if s.hang[j] > 0 {
			s.active[j]++
			s.hang[j]--
		}
	}
}

// Level returns the active speech level of everything added, and the long-term
// level, pauses included.
func (s *SpeechLevel) Level() (active, mean Level) {
	mean = LevelOf(s.sum, s.n)
	active = SilentLevel
	var before Level // by how much the last level lay above its threshold
	for j, ms := range s.active {
		if ms == 0 {
			break
		}
		level := LevelOf(s.sum, uint64(ms)*glance)
		above := level - Level(stepLevel*(j-levels))
		if above <= margin {
			if j > 0 {
				level = along(active, level, before-margin, before-above)
			}
			return level, mean
		}
		active, before = level, above
	}
	return active, mean
}

// along is the place part/whole of the way from a to b.
func along(a, b, part, whole Level) Level {
	return a + Level(int32(b-a)*int32(part)/max(1, int32(whole)))
}
