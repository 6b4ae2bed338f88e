package dsp

// A Cadence is a tone of ITU-T E.180: 425 Hz that is on and off in turn.
type Cadence struct {
	On, Off int // in units of 10 ms; Off 0: continuous; On 0: silence
}

// The cadences of ITU-T E.180/Q.35 table 1, of those it recommends the ones
// that most of Europe uses.
var (
	Silence    = Cadence{}
	Dial       = Cadence{On: 1}
	Ringback   = Cadence{On: 100, Off: 400}
	Busy       = Cadence{On: 48, Off: 48}
	Congestion = Cadence{On: 24, Off: 24}
)

const (
	// toneStep is 425 Hz in turns of 2^32 per sample at 16 kHz.
	toneStep = 425 * (1 << 32) / Rate
	// tonePeak is -16 dBFS (RMS -19): clear, and no louder than speech.
	tonePeak = 5200
	// rampSteps is 5 ms: short beside a cadence, long beside a click.
	rampSteps = Rate / 200
)

// A Tone generates one cadence after another, phase-continuous, each start and
// end under a ramp of 5 ms. The zero value is silent.
type Tone struct {
	now   Cadence
	age   int    // units of 10 ms since now began
	phase uint32 // of the 425 Hz, a turn is 2^32
	ramp  int32  // 0 (silent) to rampSteps (full)
}

// Set begins a cadence, unless it is the one that sounds already.
func (t *Tone) Set(c Cadence) {
	if c != t.now {
		t.now, t.age = c, 0
	}
}

// Silent reports whether nothing sounds and nothing will: the ramp has ended.
func (t *Tone) Silent() bool { return t.now == Silence && t.ramp == 0 }

// Add mixes the next 10 ms into dst, of Unit samples.
func (t *Tone) Add(dst []int16) {
	on := t.on()
	t.age++
	if !on && t.ramp == 0 {
		return
	}
	for i := range dst {
		t.step(on)
		dst[i] = Saturate(int32(dst[i]) + t.sample())
	}
}

func (t *Tone) on() bool {
	whole := t.now.On + t.now.Off
	return whole > 0 && t.age%whole < t.now.On
}

func (t *Tone) step(on bool) {
	if on && t.ramp < rampSteps {
		t.ramp++
	} else if !on && t.ramp > 0 {
		t.ramp--
	}
}

func (t *Tone) sample() int32 {
	s := sin(t.phase) * tonePeak >> 15
	t.phase += toneStep
	return s * t.ramp / rampSteps
}

// sin is the sine of a turn of 2^32, Q15, with linear interpolation.
func sin(turn uint32) int32 {
	i := turn >> 22
	frac := int32(turn >> 7 & 0x7fff)
	a, b := int32(sineQ15[i]), int32(sineQ15[i+1])
	return a + (b-a)*frac>>15
}
