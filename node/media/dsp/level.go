package dsp

import "math/bits"

// Level is a sound level in hundredths of a decibel relative to full scale:
// 0 is a square wave at the limit of 16 bits, as in ITU-T G.100.1 (dBov), and a
// sine at the limit has -301.
type Level int16

// SilentLevel is the least Level, -96 dBFS: that of 16 bits.
const SilentLevel Level = -9600

// LevelOf returns the level of n samples whose squares sum up to sum.
func LevelOf(sum, n uint64) Level {
	if sum == 0 || n == 0 {
		return SilentLevel
	}
	// 100 * 10 * log10(2) is 301.03; a square wave at the limit has 2^30.
	octaves := log2Q16(sum) - log2Q16(n) - 30<<16
	return max(SilentLevel, Level(octaves*30103/(100<<16)))
}

// peakLevel is the level of a square wave with that peak.
func peakLevel(peak int32) Level {
	return LevelOf(uint64(peak)*uint64(peak), 1)
}

// log2Q16 is the logarithm to base 2 of x > 0, with an error below 0.0001.
func log2Q16(x uint64) int64 {
	whole := bits.Len64(x) - 1
	m := x << (63 - whole) << 1 // what follows the leading one
	i := m >> 58
	part := int64(m >> 42 & (1<<16 - 1))
	a, b := int64(log2Table[i]), int64(log2Table[i+1])
	return int64(whole)<<16 + a + (b-a)*part>>16
}
