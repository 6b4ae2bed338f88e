package quality

import "math"

const (
	// maxDelay is how late the sound may be, in samples: 50 ms.
	maxDelay = Rate / 20
	// masked is how much of the smaller loudness a difference must exceed.
	masked = .25
	// added is the power, in units of the threshold, below which it does not matter
	// whether something was added.
	added = 50
	// spell is how many frames are heard as one: 320 ms. In it the worst counts most.
	spell      = 20
	worstPower = 6
	worst      = 200 // of a frame
)

// Score is how good heard is, against said: from 1 to 4.64. Both are at Rate;
// heard may be late by up to 50 ms, and louder or softer. What is shorter than a
// frame of 32 ms has no score: 1.
func Score(said, heard []int16) float64 {
	said, heard = align(said, heard)
	return ScoreAt(said, heard, func(int) int { return 0 })
}

// ScoreAt is Score of sound whose delay changes: what is said at a sample is
// heard so many samples later. It listens to sound, not to delays.
func ScoreAt(said, heard []int16, delay func(sample int) int) float64 {
	if len(said) < frameLen {
		return 1
	}
	e, f := newEar(power(said)), newEar(power(heard))
	var symmetric, asymmetric []float64
	for at := 0; at+frameLen <= len(said); at += frameHop {
		p, q := e.powers(said[at:at+frameLen]), f.powers(frameOf(heard, at+delay(at+frameLen/2)))
		s, a, sum := difference(e, &p, &q)
		w := math.Pow((sum+1e3)/1e6, .04) // the louder what is said, the less it matters
		symmetric = append(symmetric, math.Min(s/w, worst))
		asymmetric = append(asymmetric, math.Min(a/w, worst))
	}
	return rate(overall(symmetric), overall(asymmetric))
}

// frameOf is the frame that begins at a sample; before and after sound is
// silence.
func frameOf(sound []int16, from int) []int16 {
	if from >= 0 && from+frameLen <= len(sound) {
		return sound[from : from+frameLen]
	}
	frame := make([]int16, frameLen)
	for i := range frame {
		if j := from + i; j >= 0 && j < len(sound) {
			frame[i] = sound[j]
		}
	}
	return frame
}

// difference is that of one frame in loudness, once taken alike in both
// directions and once where something was added; sum is the power said.
func difference(e *ear, said, heard *[bands]float64) (symmetric, asymmetric, sum float64) {
	for b := range said {
		p, q := said[b], heard[b]
		sum += p
		l, m := e.loudness(b, p), e.loudness(b, q)
		d := math.Max(math.Abs(m-l)-masked*math.Min(l, m), 0)
		symmetric += d * d
		h := math.Pow((q+added)/(p+added), 1.2)
		if h >= 3 {
			asymmetric += d * math.Min(h, 12)
		}
	}
	return math.Sqrt(symmetric * bands), asymmetric, sum
}

// overall is the mean over spells, in each of which the worst counts most.
func overall(d []float64) float64 {
	sum, n := 0.0, 0
	for at := 0; at == 0 || at+spell <= len(d); at += spell / 2 {
		part := d[at:min(at+spell, len(d))]
		s := 0.0
		for _, v := range part {
			s += math.Pow(v, worstPower)
		}
		s = math.Pow(s/math.Max(float64(len(part)), 1), 1./worstPower)
		sum += s * s
		n++
	}
	return math.Sqrt(sum / float64(max(n, 1)))
}

// align cuts both to where they say the same.
func align(said, heard []int16) (a, b []int16) {
	best, delay := -math.MaxFloat64, 0
	for d := range maxDelay {
		sum := 0.0
		for i := 0; i+d < len(heard) && i < len(said); i += 3 {
			sum += float64(said[i]) * float64(heard[i+d])
		}
		if sum > best {
			best, delay = sum, d
		}
	}
	heard = heard[min(delay, len(heard)):]
	n := min(len(said), len(heard))
	return said[:n], heard[:n]
}

// power is the mean of the loud frames: silence does not lower it.
func power(x []int16) float64 {
	var frames []float64
	peak := 0.0
	for at := 0; at+frameLen <= len(x); at += frameLen {
		sum := 0.0
		for _, v := range x[at : at+frameLen] {
			sum += float64(v) * float64(v)
		}
		frames = append(frames, sum/frameLen)
		peak = math.Max(peak, sum/frameLen)
	}
	sum, n := 0.0, 0
	for _, f := range frames {
		if f > peak/1000 {
			sum += f
			n++
		}
	}
	return sum / float64(max(n, 1))
}
