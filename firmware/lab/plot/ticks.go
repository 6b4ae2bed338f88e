package plot

import "math"

// fitted returns the panel with an axis that holds every point and limit, with
// some air above.
func (p Panel) fitted() Panel {
	const air, limitAir = 1.08, 1.25 // a limit has its label above it
	high := p.High
	for _, s := range p.Series {
		for _, q := range s.Points {
			high = max(high, q.Y)
		}
	}
	if high > p.High {
		p.High = high * air
	}
	for _, l := range p.Limits {
		p.High = max(p.High, l.Y*limitAir)
	}
	if p.High <= p.Low {
		p.High = p.Low + 1
	}
	return p
}

// flat reports whether no series rises above the lower edge.
func (p Panel) flat() bool {
	for _, s := range p.Series {
		for _, q := range s.Points {
			if q.Y > p.Low {
				return false
			}
		}
	}
	return true
}

// ticks returns the places of an axis that get a number.
func (p Panel) ticks() []float64 {
	all := ticks(p.Low, p.High, int(p.Height/tickSpace)+1)
	if !p.Whole {
		return all
	}
	var whole []float64
	for _, v := range all {
		if v == math.Trunc(v) {
			whole = append(whole, v)
		}
	}
	return whole
}

// ticks returns round numbers from low to high, at most n of them (n >= 2):
// multiples of 1, 2 or 5 times a power of ten.
func ticks(low, high float64, n int) []float64 {
	step := math.Pow(10, math.Floor(math.Log10((high-low)/float64(n))))
	for _, factor := range []float64{1, 2, 5, 10, 20} {
		first, last := math.Ceil(low/(step*factor)), math.Floor(high/(step*factor)+1e-9)
		if int(last-first)+1 > n {
			continue
		}
		var all []float64
		for k := first; k <= last; k++ {
			all = append(all, k*step*factor)
		}
		return all
	}
	return []float64{low, high}
}
