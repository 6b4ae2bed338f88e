// Package judge decides whether the speech that went into one telephone came
// out of the other: it lays what was heard beside what was said and compares
// them, 20 ms at a time.
//
// The steps, in this order: align finds the delay of each half second (the
// times of the sound cards tell where to look, the sound tells where it is);
// the log-mel frames of what was said are correlated with those of what was
// heard that much later; pauses are looked at for sounds that nobody made. The
// Verdict lists what is wrong.
package judge

import (
	"math"
	"slices"
	"time"
)

// Verdict is what the comparison of two tracks found.
type Verdict struct {
	Similarity float64       // mean correlation of the log-mel frames in which something was said
	Worst      float64       // the lowest mean of any second of them
	Said       float64       // seconds that were not silent
	Heard      float64       // likewise, in the time in which it should have been heard
	Delay      time.Duration // mouth to ear, mean
	Wander     time.Duration // greatest less smallest mouth to ear
	Pauses     float64       // dB: the sound in the pauses of what was said, below the speech around them
	Delays     []Delay       // over the call
}

// Delay is the time from mouth to ear at one moment.
type Delay struct {
	At    time.Duration // since the first sample that was said
	Delay time.Duration
}

// silence is the level in dBFS under which 20 ms count as silent.
const silence = -55.0

// frame is 20 ms of what was said, and what was heard in its place.
type frame struct {
	start       int // sample of what was said
	delay       int // sample of what was heard, less start
	level       float64
	heard       float64 // level
	correlation float64 // of a frame that speaks
}

// Compare lays what was heard beside what was said. The stamps of both are of
// one clock, hal.Now's. All that was said should have been heard: heard goes on
// for as long after it as sound may take.
func Compare(said, heard Track) Verdict {
	blocks := align(said, heard)
	if len(blocks) == 0 {
		return Verdict{Pauses: math.Inf(1)}
	}
	frames := lay(said, heard, blocks)
	v := Verdict{}
	v.similarity(said, heard, frames)
	v.sounds(frames)
	v.pauses(frames)
	v.delays(said, heard, blocks)
	return v
}

// lay cuts what was said into frames, and finds for each what was heard.
func lay(said, heard Track, blocks []block) []frame {
	var frames []frame
	for start := 0; start+frameLen <= len(said.PCM); start += frameLen {
		delay := bestDelay(said, heard, start, near(blocks, start))
		frames = append(frames, frame{
			start: start, delay: delay,
			level: level(said.PCM, start), heard: level(heard.PCM, start+delay),
		})
	}
	return frames
}

// near returns the block whose middle is nearest to a frame, and its neighbours.
func near(blocks []block, start int) []block {
	i := (start - blockLen/2 + blockStep/2) / blockStep
	i = min(max(0, i), len(blocks)-1)
	return blocks[max(0, i-1):min(len(blocks), i+2)]
}

// bestDelay chooses among the delays of the blocks around a frame the one with
// which it fits best: where the sound was stretched, they differ.
func bestDelay(said, heard Track, start int, around []block) int {
	best, high := 0, math.Inf(-1)
	for i, b := range around {
		delay := b.expect - b.start + b.delay
		if i > 0 && delay == best {
			continue
		}
		x, y := floats(said.PCM, start, frameLen), floats(heard.PCM, start+delay, frameLen)
		if fit := product(x, y) / math.Sqrt(energy(x)*energy(y)+1); fit > high {
			best, high = delay, fit
		}
	}
	return best
}

func product(x, y []float64) (sum float64) {
	for i, v := range x {
		sum += v * y[i]
	}
	return sum
}

// speaks reports whether a frame holds more than the noise between words.
func speaks(f frame, loud float64) bool {
	return f.level > silence && f.level > loud-35
}

// loudness is the level that one frame in ten reaches.
func loudness(frames []frame, of func(frame) float64) float64 {
	var all []float64
	for _, f := range frames {
		all = append(all, of(f))
	}
	if len(all) == 0 {
		return -100
	}
	slices.Sort(all)
	return all[len(all)*9/10]
}

func saidLevel(f frame) float64  { return f.level }
func heardLevel(f frame) float64 { return f.heard }

// similarity correlates the frames that speak.
func (v *Verdict) similarity(said, heard Track, frames []frame) {
	m := newMel()
	loud := loudness(frames, saidLevel)
	var a, b [][bands]float64
	var spoken []*frame
	for i := range frames {
		if f := &frames[i]; speaks(*f, loud) {
			a = append(a, m.frame(said.PCM, f.start))
			b = append(b, m.frame(heard.PCM, f.start+f.delay))
			spoken = append(spoken, f)
		}
	}
	floor(a)
	floor(b)
	var shaped []*frame
	for i, f := range spoken {
		if flat(a[i]) {
			continue // a hum below the bands: there is nothing to compare
		}
		f.correlation = correlation(a[i], b[i])
		v.Similarity += f.correlation
		shaped = append(shaped, f)
	}
	v.Similarity /= float64(max(1, len(shaped)))
	v.Worst = worst(shaped)
}

// worst is the lowest mean correlation of 50 frames in a row.
func worst(spoken []*frame) float64 {
	const second = Rate / frameLen
	n := min(second, len(spoken))
	if n == 0 {
		return 0
	}
	sum, low := 0.0, math.Inf(1)
	for i, f := range spoken {
		sum += f.correlation
		if i >= n {
			sum -= spoken[i-n].correlation
		}
		if i >= n-1 {
			low = min(low, sum/float64(n))
		}
	}
	return low
}

// floor lifts what is far below the loud bands of a track to one level.
func floor(frames [][bands]float64) {
	var all []float64
	for _, f := range frames {
		all = append(all, slices.Max(f[:]))
	}
	if len(all) == 0 {
		return
	}
	slices.Sort(all)
	low := all[len(all)*9/10] - reach
	for i := range frames {
		for b := range frames[i] {
			frames[i][b] = max(frames[i][b], low)
		}
	}
}

// correlation is Pearson's, over the bands: -1 to 1, and 0 when one of them is
// the same in every band.
func correlation(a, b [bands]float64) float64 {
	meanA, meanB := mean(a), mean(b)
	ab, aa, bb := 0.0, 0.0, 0.0
	for i := range a {
		x, y := a[i]-meanA, b[i]-meanB
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa < 1e-9 || bb < 1e-9 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

// flat reports whether all bands have the same level.
func flat(a [bands]float64) bool { return slices.Max(a[:])-slices.Min(a[:]) < 1 }

func mean(a [bands]float64) (m float64) {
	for _, v := range a {
		m += v / bands
	}
	return m
}

// sounds counts the seconds that are not silent.
func (v *Verdict) sounds(frames []frame) {
	const seconds = float64(frameLen) / Rate
	for _, f := range frames {
		if f.level > silence {
			v.Said += seconds
		}
		if f.heard > silence {
			v.Heard += seconds
		}
	}
}

// pauses looks at the frames that are 60 ms away from anything said.
func (v *Verdict) pauses(frames []frame) {
	const away = 3
	loud := loudness(frames, saidLevel)
	quiet := func(f frame) bool { return f.level < loud-40 }
	power, n := 0.0, 0
	for i := range frames {
		around := frames[max(0, i-away):min(len(frames), i+away+1)]
		if !slices.ContainsFunc(around, func(f frame) bool { return !quiet(f) }) {
			power += math.Pow(10, frames[i].heard/10)
			n++
		}
	}
	if n == 0 {
		v.Pauses = math.Inf(1)
		return
	}
	v.Pauses = loudness(frames, heardLevel) - 10*math.Log10(power/float64(n))
}

// sure is the correlation of half a second from which its delay is believed.
const sure = .5

// delays turns the places where the blocks were heard into times.
func (v *Verdict) delays(said, heard Track, blocks []block) {
	low, high, sum := time.Duration(math.MaxInt64), time.Duration(0), time.Duration(0)
	for _, b := range blocks {
		if b.match < sure {
			continue
		}
		d := heard.At(b.expect + b.delay).Sub(b.at)
		v.Delays = append(v.Delays, Delay{At: span(b.start + blockLen/2), Delay: d})
		low, high, sum = min(low, d), max(high, d), sum+d
	}
	if n := len(v.Delays); n > 0 {
		v.Delay, v.Wander = sum/time.Duration(n), high-low
	}
}

// Alike reports whether two recordings hold the same, as far as both go.
func Alike(a, b []int16) bool {
	n := min(len(a), len(b))
	track := func(pcm []int16) Track { return Track{PCM: pcm, Stamps: []Stamp{{}}} }
	return Compare(track(a[:n]), track(b[:n])).Similarity > MaxOther
}
