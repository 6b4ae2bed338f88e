package opus

// effort is how much work the encoder does; it comes from the complexity.
type effort struct {
	pitchSearch       int   // 0 to 2
	pitchThresholdQ16 int32 // how near to the best a lag must be to be looked at again
	pitchOrder        int   // of the whitener
	shapeOrder        int   // of noise shaping
	lookShapeMS       int   // what a window of noise shaping covers on either side
	survivors         int   // paths of the quantizer; 1: decisions are not delayed
	interpolate       bool  // frequencies over the first half of a frame
	vectors           int   // that survive in the choice of frequencies
	warp              bool  // noise shaping
}

// delays tells whether decisions are put off.
func (e *effort) delays() bool { return e.survivors > 1 || e.warp }

// ladder is the effort by complexity. What costs little and helps much comes
// first: a second path of the quantizer from 2 on, warping from 4, interpolation
// from 5. README.md has what each step is worth.
var ladder = [...]effort{
	0:  {0, 52429, 6, 12, 3, 1, false, 2, false},
	1:  {1, 49807, 8, 14, 5, 1, false, 3, false},
	2:  {0, 52429, 6, 12, 3, 2, false, 2, false},
	3:  {1, 49807, 8, 14, 5, 2, false, 4, false},
	4:  {1, 48497, 10, 16, 5, 2, false, 4, true},
	5:  {1, 48497, 10, 16, 5, 2, true, 6, true},
	6:  {1, 47186, 12, 20, 5, 3, true, 8, true},
	7:  {2, 45875, 16, 24, 5, 3, true, 12, true},
	8:  {2, 45875, 16, 24, 5, 4, true, 16, true},
	9:  {2, 45875, 16, 24, 5, 5, true, 24, true},
	10: {2, 45875, 16, 24, 5, 6, true, 32, true},
}

// at is the effort at a rate inside.
func (e effort) at(f format) effort {
	e.pitchOrder = min(e.pitchOrder, f.book().order)
	return e
}

// ratioFor is the signal-to-noise ratio, in Q7 of dB, that a bit rate affords.
func ratioFor(bitrate int, f format) int32 {
	if f.subframes == 2 {
		bitrate -= 2000 + f.kHz/16
	}
	table := ratioWide[:]
	switch f.kHz {
	case 8:
		table = ratioNarrow[:]
	case 12:
		table = ratioMedium[:]
	}
	i := min((bitrate+200)/400-10, len(table)-1)
	if i <= 0 {
		return 0
	}
	return int32(table[i]) * 21
}
