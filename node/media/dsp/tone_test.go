package dsp

import "testing"

// play returns n units of t.
func play(t *Tone, n int) []int16 {
	x := make([]int16, n*Unit)
	for i := range n {
		t.Add(x[i*Unit : (i+1)*Unit])
	}
	return x
}

// largestStep between two samples.
func largestStep(x []int16) int {
	most := 0
	for i := 1; i < len(x); i++ {
		d := int(x[i]) - int(x[i-1])
		most = max(most, d, -d)
	}
	return most
}

// toneNatural is the largest step of the tone itself, and one for rounding.
const toneNatural = tonePeak*427*2*3142/1000/Rate + 2

func TestCadencesOfE180(t *testing.T) {
	for _, c := range []struct {
		name    string
		cadence Cadence
		on, off int // ms
	}{
		{"ringback", Ringback, 1000, 4000},
		{"busy", Busy, 480, 480},
		{"congestion", Congestion, 240, 240},
	} {
		var tone Tone
		tone.Set(c.cadence)
		x := play(&tone, 1100)
		var lengths []int // of sound and silence in turn, ms
		on, since := true, 0
		for ms := range len(x) / 16 {
			if sounds := Energy(x[16*ms:16*ms+16]) > 1000; sounds != on {
				lengths = append(lengths, ms-since)
				on, since = sounds, ms
			}
		}
		for i, l := range lengths {
			want := []int{c.on, c.off}[i%2]
			if i > 0 && (l < want-8 || l > want+8) {
				t.Errorf("%s: part %d lasts %d ms, want %d", c.name, i, l, want)
			}
		}
		if len(lengths) < 3 {
			t.Errorf("%s: only %d parts", c.name, len(lengths))
		}
		if s := largestStep(x); s > toneNatural {
			t.Errorf("%s clicks: a step of %d, want %d at most", c.name, s, toneNatural)
		}
	}
}

func TestDialToneIsContinuousAt425Hz(t *testing.T) {
	var tone Tone
	tone.Set(Dial)
	x := play(&tone, 1000)
	crossings := 0
	for i := 1; i < len(x); i++ {
		if x[i-1] < 0 && x[i] >= 0 {
			crossings++
		}
	}
	if crossings < 4249 || crossings > 4251 {
		t.Errorf("%d turns in 10 s, want 4250", crossings)
	}
	for ms := 10; ms < 9990; ms += 5 {
		if Energy(x[16*ms:16*ms+80]) < 80*tonePeak*tonePeak/4 {
			t.Fatalf("silent at %d ms", ms)
		}
	}
	for _, overtone := range []float64{850, 1275} {
		if l := levelAt(x[Unit:], overtone, Rate, tonePeak); l > -70 {
			t.Errorf("%v Hz has %.1f dB, want -70 at most", overtone, l)
		}
	}
}

func TestTonesChangeWithoutAClick(t *testing.T) {
	var tone Tone
	var x []int16
	for i, c := range []Cadence{Dial, Silence, Ringback, Busy, Dial, Congestion, Silence} {
		tone.Set(c)
		x = append(x, play(&tone, 3+7*i)...)
	}
	if s := largestStep(x); s > toneNatural {
		t.Errorf("a step of %d, want %d at most", s, toneNatural)
	}
	if !tone.Silent() {
		t.Error("not silent at the end")
	}
	if e := Energy(x[len(x)-Unit:]); e != 0 {
		t.Error("sounds at the end")
	}
}

func BenchmarkTone(b *testing.B) {
	var t Tone
	t.Set(Dial)
	x := make([]int16, Unit)
	for range b.N {
		t.Add(x)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1000/float64(b.N), "us/10ms")
}
