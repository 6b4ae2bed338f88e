package judge

import (
	"math"

	"peerphone/hal"
)

// How the delay is looked for: each half second of what was said is looked for
// in what was heard from its own time on, and one track of delays is laid
// through the likely places, which may bend (a jitter buffer stretches) but
// not jump at will.
const (
	blockLen  = Rate / 2
	blockStep = Rate / 4
	maxDelay  = 3 * Rate / 2 // samples; what is heard later is no telephone call
	cell      = Rate / 500   // delays are tracked in steps of 2 ms
	cells     = maxDelay / cell
)

// bendCost is what a change of delay between two blocks costs, in correlation:
// once, and per second of change.
const (
	bendCost       = .05
	bendCostSecond = 1.0
)

// block is half a second of what was said, and where it was heard.
type block struct {
	start  int         // sample of what was said
	at     hal.Instant // when that was captured
	expect int         // sample of what was heard, had there been no delay
	delay  int         // samples later than expect
	match  float64     // correlation there, 0 to 1
}

// align finds the delay of each block.
func align(said, heard Track) []block {
	var blocks []block
	var scores [][cells]float64
	var places [][cells]int
	f := newFFT(ceilPower(blockLen + maxDelay))
	for start := 0; start+blockLen <= len(said.PCM); start += blockStep {
		b := block{start: start, at: said.At(start)}
		b.expect = heard.Sample(b.at)
		score, place := b.candidates(f, said, heard)
		blocks = append(blocks, b)
		scores = append(scores, score)
		places = append(places, place)
	}
	for i, c := range track(scores) {
		blocks[i].delay = places[i][c]
		blocks[i].match = scores[i][c]
	}
	return blocks
}

func ceilPower(n int) int {
	p := 1
	for p < n {
		p *= 2
	}
	return p
}

// candidates returns for each cell of delay the best correlation and its place.
func (b block) candidates(f fft, said, heard Track) (score [cells]float64, place [cells]int) {
	x, y := floats(said.PCM, b.start, blockLen), floats(heard.PCM, b.expect, blockLen+maxDelay)
	sums := f.correlate(x, y)
	energyX, energyY := energy(x), energy(y[:blockLen])
	const quiet = blockLen * 30 * 30 // about -60 dBFS: less says nothing
	for c := range place {
		place[c] = c * cell
	}
	for delay := range maxDelay {
		if energyX > quiet && energyY > quiet {
			if v := sums[delay] / math.Sqrt(energyX*energyY); v > score[delay/cell] {
				score[delay/cell], place[delay/cell] = v, delay
			}
		}
		energyY += y[delay+blockLen]*y[delay+blockLen] - y[delay]*y[delay]
	}
	return score, place
}

func floats(pcm []int16, from, n int) []float64 {
	x := make([]float64, n)
	for i := max(0, -from); i < n && from+i < len(pcm); i++ {
		x[i] = float64(pcm[from+i])
	}
	return x
}

func energy(x []float64) (sum float64) {
	for _, v := range x {
		sum += v * v
	}
	return sum
}

// track chooses one cell for each block, so that the scores less the cost of
// the bends are the highest in all (Viterbi).
func track(scores [][cells]float64) []int {
	var best [cells]float64
	from := make([][cells]int16, len(scores))
	for i, score := range scores {
		best, from[i] = arrive(best)
		for c := range best {
			best[c] += score[c]
		}
	}
	path := make([]int, len(scores))
	last := 0
	for c, v := range best {
		if v > best[last] {
			last = c
		}
	}
	for i := len(path) - 1; i >= 0; i-- {
		path[i] = last
		last = int(from[i][last])
	}
	return path
}

// arrive returns for each cell the best sum with which it can be reached, and
// from where. As the cost grows with the distance, the best of all cells before
// is the best of the neighbour before, or that neighbour itself: one pass up and
// one down find it.
func arrive(best [cells]float64) (sum [cells]float64, from [cells]int16) {
	const step = bendCostSecond * cell / Rate
	var below, above [cells]int16 // the best cell to come from, among those up to here, and from here on
	cost := func(c int16, to int) float64 { return best[c] - step*math.Abs(float64(to-int(c))) }
	for c := range cells {
		below[c] = int16(c)
		if c > 0 && cost(below[c-1], c) > best[c] {
			below[c] = below[c-1]
		}
	}
	for c := cells - 1; c >= 0; c-- {
		above[c] = int16(c)
		if c < cells-1 && cost(above[c+1], c) > best[c] {
			above[c] = above[c+1]
		}
	}
	for c := range cells {
		sum[c], from[c] = best[c], int16(c)
		for _, k := range []int16{below[c], above[c], int16(max(0, c-1)), int16(min(cells-1, c+1))} {
			v := cost(k, c)
			if d := int(k) - c; d > 1 || d < -1 {
				v -= bendCost
			}
			if v > sum[c] {
				sum[c], from[c] = v, k
			}
		}
	}
	return sum, from
}
