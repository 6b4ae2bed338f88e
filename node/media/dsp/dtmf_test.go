package dsp

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
)

// touch is the sound of a key as a telephone of given faults makes it.
type touch struct {
	key        byte
	ms         float64
	offLow     float64 // of the frequency, 1 is 100 %
	offHigh    float64
	twist      float64 // dB by which the high tone is stronger
	peak       float64 // of the stronger tone
	snr        float64 // dB; 0: no noise
	gap, gapAt float64 // ms
}

// sound is the tone within silence of 60 ms, which begins at a random place.
func (c touch) sound(r *rand.Rand) []int16 {
	if c.peak == 0 {
		c.peak = 8000
	}
	place := 0
	for dtmfKeys[place] != c.key {
		place++
	}
	low, high := float64(dtmfHz[place/4])*(1+c.offLow), float64(dtmfHz[4+place%4])*(1+c.offHigh)
	a, b := c.peak, c.peak*math.Pow(10, c.twist/20)
	if c.twist > 0 {
		a, b = c.peak*math.Pow(10, -c.twist/20), c.peak
	}
	start := Rate*6/100 + r.IntN(Rate/100)
	x := make([]float64, 2*start+int(c.ms*Rate/1000))
	p, q := r.Float64(), r.Float64()
	for i := range x {
		at := float64(i-start) / Rate
		if at < 0 || at >= c.ms/1000 || c.gap > 0 && at >= c.gapAt/1000 && at < (c.gapAt+c.gap)/1000 {
			continue
		}
		x[i] = a*math.Sin(2*math.Pi*(low*at+p)) + b*math.Sin(2*math.Pi*(high*at+q))
	}
	rms := 0.
	if c.snr != 0 {
		rms = math.Sqrt((a*a+b*b)/2) * math.Pow(10, -c.snr/20)
	}
	y := make([]int16, len(x)/Unit*Unit)
	for i := range y {
		y[i] = Saturate(int32(math.Round(x[i] + r.NormFloat64()*rms)))
	}
	return y
}

// keysIn returns the keys that are detected in x.
func keysIn(x []int16) (keys string) {
	var d DTMFDetector
	for ; len(x) >= Unit; x = x[Unit:] {
		if k := d.Hear(x[:Unit]); k != 0 {
			keys += string(rune(k))
		}
	}
	return keys
}

// judge counts how many of n tries of each key are detected once, and how many
// not at all.
func (c touch) judge(n int) (once, never, tries int) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, key := range []byte(dtmfKeys) {
		for range n {
			c.key = key
			tries++
			switch keysIn(c.sound(r)) {
			case string(rune(key)):
				once++
			case "":
				never++
			}
		}
	}
	return once, never, tries
}

func TestDTMFIsAcceptedWithinQ24(t *testing.T) {
	accepted := func(what string, c touch) {
		t.Helper()
		if once, never, tries := c.judge(8); once != tries {
			t.Errorf("%s: of %d tones %d were told once, %d never", what, tries, once, never)
		}
	}
	accepted("a tone of 40 ms", touch{ms: 40})
	accepted("a tone of 40 ms in noise of -15 dB", touch{ms: 40, snr: 15})
	accepted("a long tone in noise of -15 dB", touch{ms: 500, snr: 15})
	for _, low := range []float64{-.015, 0, .015} {
		for _, high := range []float64{-.015, 0, .015} {
			accepted(fmt.Sprintf("frequencies %+.1f and %+.1f %% off", 100*low, 100*high), touch{ms: 50, offLow: low, offHigh: high, snr: 30})
		}
	}
	for twist := -8.; twist <= 8; twist += 4 {
		accepted(fmt.Sprintf("a twist of %+.0f dB", twist), touch{ms: 50, twist: twist})
		accepted(fmt.Sprintf("a twist of %+.0f dB in noise", twist), touch{ms: 50, twist: twist, snr: 15})
	}
	accepted("all at once", touch{ms: 50, twist: 4, snr: 15, offLow: .015, offHigh: -.015})
	accepted("all at once, the other way", touch{ms: 50, twist: -8, snr: 15, offLow: -.015, offHigh: .015})
	for _, peak := range []float64{16000, 3000, 500} {
		accepted(fmt.Sprintf("a peak of %v", peak), touch{ms: 50, peak: peak})
	}
	accepted("a gap of 10 ms", touch{ms: 110, gap: 10, gapAt: 50})
}

func TestDTMFIsRefusedBeyondQ24(t *testing.T) {
	refused := func(what string, c touch) {
		t.Helper()
		if once, never, tries := c.judge(8); never != tries {
			t.Errorf("%s: of %d tones %d were told once, %d never", what, tries, once, never)
		}
	}
	refused("a tone of 23 ms", touch{ms: 23})
	refused("a tone of 23 ms in noise", touch{ms: 23, snr: 15})
	for _, off := range []float64{-.035, .035} {
		refused(fmt.Sprintf("the low frequency %+.1f %% off", 100*off), touch{ms: 60, offLow: off})
		refused(fmt.Sprintf("the high frequency %+.1f %% off", 100*off), touch{ms: 60, offHigh: off})
		refused(fmt.Sprintf("both frequencies %+.1f %% off", 100*off), touch{ms: 60, offLow: off, offHigh: off})
		refused(fmt.Sprintf("the low frequency %+.1f %% off, in noise", 100*off), touch{ms: 60, offLow: off, snr: 15})
		refused(fmt.Sprintf("the high frequency %+.1f %% off, in noise", 100*off), touch{ms: 60, offHigh: off, snr: 15})
	}
	refused("one tone alone", touch{ms: 60, twist: -60})
	refused("the other alone", touch{ms: 60, twist: 60})
}

func TestDTMFThatIsGeneratedIsDetected(t *testing.T) {
	var d DTMF
	for _, k := range []byte(dtmfKeys) {
		if !d.Press(k) {
			t.Fatalf("%c was refused", k)
		}
	}
	var x []int16
	for !d.Silent() {
		var unit [Unit]int16
		d.Add(unit[:])
		x = append(x, unit[:]...)
	}
	if got := keysIn(x); got != dtmfKeys {
		t.Errorf("detected %q, want %q", got, dtmfKeys)
	}
	if want := len(dtmfKeys) * (dtmfOn + dtmfOff) * Unit; len(x) != want {
		t.Errorf("%d samples, want %d", len(x), want)
	}
	// The same key again and again is told again and again.
	again := DTMF{}
	for range 5 {
		again.Press('7')
	}
	x = make([]int16, 100*Unit)
	for i := range 100 {
		again.Add(x[i*Unit : (i+1)*Unit])
	}
	if got := keysIn(x); got != "77777" {
		t.Errorf("detected %q, want 77777", got)
	}
}

func TestDTMFRefusesWhatIsNoKey(t *testing.T) {
	var d DTMF
	if d.Press('x') || d.Press(0) || !d.Silent() {
		t.Error("took a key that is none")
	}
	for range 2 * dtmfQueue {
		d.Press('1')
	}
	if d.Press('1') || d.count != dtmfQueue {
		t.Errorf("%d wait, want %d", d.count, dtmfQueue)
	}
}

func TestDTMFDoesNotClick(t *testing.T) {
	var d DTMF
	d.Press('1')
	d.Press('D')
	x := make([]int16, 40*Unit)
	for i := range 40 {
		d.Add(x[i*Unit : (i+1)*Unit])
	}
	const natural = (dtmfLow*941 + dtmfHigh*1633) * 44 / 7 / Rate
	if s := largestStep(x); s > natural {
		t.Errorf("a step of %d, want %d at most", s, natural)
	}
}

// spoken is speech of espeak-ng at 16 kHz; voice is its option -v, others may
// follow.
func spoken(t *testing.T, voice, text string) []int16 {
	t.Helper()
	if _, err := exec.LookPath("espeak-ng"); err != nil {
		missing(t, "espeak-ng")
	}
	args := append(append([]string{"-v"}, strings.Fields(voice)...), "--stdout", text)
	wav, err := exec.Command("espeak-ng", args...).Output()
	if err != nil || len(wav) < 44 {
		t.Fatalf("espeak-ng -v %s: %v", voice, err)
	}
	pcm := make([]int16, (len(wav)-44)/2)
	for i := range pcm {
		pcm[i] = int16(uint16(wav[44+2*i]) | uint16(wav[45+2*i])<<8)
	}
	return converter(t, 22050, Rate).all(pcm)
}

const talk = `The rainbow is a division of white light into many beautiful colors. These take the shape of a long
round arch, with its path high above, and its two ends apparently beyond the horizon. One two three four five six seven
eight nine zero. Oh no, who knew you knew the blue moon too? He we see three green trees; ah, ma, la la la, mmm, nnn.
Die Sonne scheint. Aber wo ist der grosse gruene Vogel? Un deux trois quatre cinq. Ooooh! Aaaah! Eeeee! Uuuuh!`

// Nobody's voice is a key: speech of many voices, pitches and levels, and with
// noise.
func TestSpeechIsNoKey(t *testing.T) {
	voices := []string{"en-us", "de", "en-us+f3", "en-us+m7", "fr+f5", "it+f2", "de+croak", "en+whisper",
		"ja+f1 -p 70", "ru+f5 -p 70"} // whose vowels were keys to a simpler detector
	if testing.Short() {
		voices = voices[:2]
	}
	seconds := 0
	for _, voice := range voices {
		x := spoken(t, voice, talk)
		seconds += len(x) / Rate
		if keys := keysIn(x); keys != "" {
			t.Errorf("%s: heard %q", voice, keys)
		}
		for i, n := range noise(3, len(x), 300) {
			x[i] = Saturate(int32(x[i]) + int32(n))
		}
		if keys := keysIn(x); keys != "" {
			t.Errorf("%s in noise: heard %q", voice, keys)
		}
	}
	t.Logf("%d s of speech", seconds)
}

func TestNoiseIsNoKey(t *testing.T) {
	for seed, rms := range []float64{10, 300, 3000, 20000} {
		if keys := keysIn(noise(uint64(seed), 120*Rate, rms)); keys != "" {
			t.Errorf("noise of %v: heard %q", rms, keys)
		}
	}
}

// Keys are heard while music of the far end, or the caller's own voice, is
// 15 dB below them.
func TestKeysAreHeardOverSpeech(t *testing.T) {
	x := spoken(t, "en-us", talk)
	var m Meter
	m.Add(x)
	var d DTMF
	heard, want := "", ""
	var e DTMFDetector
	for at := 0; at+Unit <= len(x); at += Unit {
		if at/Unit%50 == 0 {
			key := dtmfKeys[at/Unit/50%16]
			d.Press(key)
			want += string(rune(key))
		}
		unit := x[at : at+Unit]
		for i := range unit {
			unit[i] /= 6
		}
		d.Add(unit)
		if k := e.Hear(unit); k != 0 {
			heard += string(rune(k))
		}
	}
	missed := len(want) - len(heard)
	t.Logf("%d keys over speech, %d missed", len(want), missed)
	if missed < 0 || missed > len(want)/20 {
		t.Errorf("of %d keys %d were heard", len(want), len(heard))
	}
}

func TestDTMFAllocatesNothing(t *testing.T) {
	var d DTMF
	var e DTMFDetector
	x := make([]int16, Unit)
	if n := testing.AllocsPerRun(100, func() {
		d.Press('5')
		d.Add(x)
		e.Hear(x)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDTMFDetector(b *testing.B) {
	var e DTMFDetector
	x := noise(1, Unit, 3000)
	for b.Loop() {
		e.Hear(x)
	}
	perUnit(b)
}
