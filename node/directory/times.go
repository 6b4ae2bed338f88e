package directory

import "time"

// Times counts durations by their length: those of up to 10 ms, of up to 20 ms,
// and so on; the last counts all that are longer.
type Times [64]uint32

// timesStep is how far the bounds of Times are apart.
const timesStep = 10 * time.Millisecond

func (t *Times) add(d time.Duration) {
	t[min(max(d-1, 0)/timesStep, time.Duration(len(t)-1))]++
}

// Plus returns t and those of others together.
func (t Times) Plus(other Times) Times {
	for i, n := range other {
		t[i] += n
	}
	return t
}

// Minus returns t without those that were there before.
func (t Times) Minus(before Times) Times {
	for i, n := range before {
		t[i] -= n
	}
	return t
}

// Percentile returns a bound that this share of the durations keep; 0: there are
// none.
func (t Times) Percentile(share float64) time.Duration {
	var all, sum uint32
	for _, n := range t {
		all += n
	}
	for i, n := range t {
		if sum += n; n > 0 && float64(sum) >= share*float64(all) {
			return time.Duration(i+1) * timesStep
		}
	}
	return 0
}
