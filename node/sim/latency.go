package sim

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Latencies say how far nodes are from each other. Where a node stands is drawn
// once; the distance of two places is the same in both directions.
type Latencies interface {
	// Place draws where a node stands.
	Place(draw *rand.Rand) int
	// Between returns the one-way delay between nodes a and b, which stand at
	// the places of the same index.
	Between(a, b, placeA, placeB int) time.Duration
}

// Matrix has round-trip times measured between real hosts; several nodes may
// stand at one host.
type Matrix struct {
	hosts int
	rtt   []float32 // milliseconds, by row
}

// sameHost is the round trip between two nodes that stand at one host, which no
// matrix tells: both are at the end of an access line.
const sameHost = 8 * time.Millisecond

// ReadMatrix reads a square of round-trip times in milliseconds: a line for each
// host, values apart by white space. A value that is missing in one direction
// (zero or less, or no number) is taken from the other; of two the smaller
// counts, the larger having waited in some queue.
func ReadMatrix(r io.Reader) (*Matrix, error) {
	m := &Matrix{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 {
			continue
		}
		if m.hosts == 0 {
			m.hosts = len(fields)
		}
		if len(fields) != m.hosts || len(m.rtt) >= m.hosts*m.hosts {
			return nil, fmt.Errorf("sim: latencies: line %d: a square of %d columns ends or widens here", len(m.rtt)/m.hosts+1, m.hosts)
		}
		for _, f := range fields {
			ms, err := strconv.ParseFloat(f, 32)
			if err != nil || !(ms > 0) || ms > 60000 {
				ms = 0
			}
			m.rtt = append(m.rtt, float32(ms))
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("sim: latencies: %w", err)
	}
	if m.hosts < 2 || len(m.rtt) != m.hosts*m.hosts {
		return nil, fmt.Errorf("sim: latencies: %d values are no square of at least two hosts", len(m.rtt))
	}
	m.symmetrise()
	return m, nil
}

func (m *Matrix) symmetrise() {
	for a := range m.hosts {
		for b := range a {
			x, y := m.rtt[a*m.hosts+b], m.rtt[b*m.hosts+a]
			if x == 0 || y != 0 && y < x {
				x = y
			}
			if x == 0 {
				x = medianRTT
			}
			m.rtt[a*m.hosts+b], m.rtt[b*m.hosts+a] = x, x
		}
	}
}

// Place implements Latencies.
func (m *Matrix) Place(draw *rand.Rand) int { return draw.IntN(m.hosts) }

// Between implements Latencies.
func (m *Matrix) Between(_, _, a, b int) time.Duration {
	if a == b {
		return sameHost / 2
	}
	return time.Duration(m.rtt[a*m.hosts+b] / 2 * float32(time.Millisecond))
}

// Percentiles draws a round trip for each pair of nodes from a distribution
// that is given by some of its points. It knows no geography: the distances of
// three nodes may break the rule of the triangle.
type Percentiles struct {
	Seed   uint64
	Points []Percentile // rising; the first is at 0, the last at 1
}

// Percentile is a point of a distribution of round-trip times.
type Percentile struct {
	Share float64
	RTT   time.Duration
}

const medianRTT = 135 // milliseconds, of PlanetLab's matrix

// PlanetLab returns the percentiles of the round trips between 490 hosts of
// PlanetLab.
func PlanetLab(seed uint64) Percentiles {
	ms := func(share float64, n int) Percentile {
		return Percentile{share, time.Duration(n) * time.Millisecond}
	}
	return Percentiles{Seed: seed, Points: []Percentile{
		ms(0, 1), ms(0.05, 19), ms(0.25, 59), ms(0.5, medianRTT), ms(0.75, 202), ms(0.9, 291), ms(0.95, 325), ms(0.99, 413), ms(1, 800),
	}}
}

// Place implements Latencies.
func (Percentiles) Place(*rand.Rand) int { return 0 }

// Between implements Latencies.
func (p Percentiles) Between(a, b, _, _ int) time.Duration {
	share := float64(mix(p.Seed, uint64(min(a, b)), uint64(max(a, b)))>>11) / (1 << 53)
	i := slices.IndexFunc(p.Points, func(x Percentile) bool { return x.Share > share })
	low, high := p.Points[i-1], p.Points[i]
	part := (share - low.Share) / (high.Share - low.Share)
	return (low.RTT + time.Duration(part*float64(high.RTT-low.RTT))) / 2
}

// mix hashes three numbers (the finaliser of SplitMix64, after each).
func mix(seed, a, b uint64) uint64 {
	x := seed
	for _, v := range [...]uint64{a, b} {
		x += v + 0x9e3779b97f4a7c15
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		x ^= x >> 31
	}
	return x
}

// Even has one median for all; each pair of nodes lies between 0.25 and 1.75 of
// it. It serves small towns in which calls matter more than distances.
type Even struct {
	Seed   uint64
	Median time.Duration // one way
}

// Place implements Latencies.
func (Even) Place(*rand.Rand) int { return 0 }

// Between implements Latencies.
func (e Even) Between(a, b, _, _ int) time.Duration {
	x, y := uint64(min(a, b)), uint64(max(a, b))
	share := float64((x*2654435761+y*40503+e.Seed)%1000) / 1000
	return time.Duration((0.25 + 1.5*share) * float64(e.Median))
}
