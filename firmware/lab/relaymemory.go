package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// What a leg takes of a relay's memory is little beside what its process takes
// and gives back meanwhile. So many legs are opened, each phone's in some
// rounds, at a relay that collects its garbage early, and a line is laid through
// what it has of its own after each round.
const (
	memoryRounds = 5
	memoryEach   = 2 // legs of each phone in a round: an identity may open twelve at once
	memoryRest   = 400 * time.Millisecond
	eagerly      = "GOGC=5"
)

// memoryPerLeg returns what a leg takes of our relay, in bytes.
func memoryPerLeg(ctx context.Context, dir string, phones int, s *steps) (each float64, err error) {
	b := &oursBed{dir: folder(filepath.Join(dir, "memory")), steps: s, environment: []string{eagerly}}
	defer func() { err = errors.Join(err, b.stop()) }()
	if err := b.start(ctx); err != nil {
		return 0, err
	}
	for range phones {
		l, err := b.dial(ctx)
		if err != nil {
			return 0, err
		}
		b.legs = append(b.legs, l)
	}
	var legs, bytes []float64
	for round := range memoryRounds + 1 {
		if round > 0 {
			if err := b.openRound(ctx); err != nil {
				return 0, fmt.Errorf("round %d of legs: %w", round, err)
			}
		}
		if err := pause(ctx, memoryRest); err != nil {
			return 0, err
		}
		u, err := b.usage()
		if err != nil {
			return 0, err
		}
		legs, bytes = append(legs, float64(round*memoryEach*phones)), append(bytes, float64(u.memory))
		s.say("memory", "%.0f legs: %.0f kB", legs[round], bytes[round]/1024)
	}
	return slope(legs, bytes), nil
}

// openRound opens memoryEach more legs of each phone.
func (b *oursBed) openRound(ctx context.Context) error {
	for range memoryEach {
		for i := 0; i+1 < len(b.legs); i += 2 {
			caller, callee := b.legs[i], b.legs[i+1]
			ticket := b.ticket(caller, callee)
			for _, l := range []*oursLeg{caller, callee} {
				l.channel = 0
				if err := l.open(ctx, ticket); err != nil {
					return err
				}
			}
		}
	}
	return b.tend()
}

// slope is that of the straight line which fits best, by least squares.
func slope(x, y []float64) float64 {
	var mx, my, xy, xx float64
	for i := range x {
		mx, my = mx+x[i]/float64(len(x)), my+y[i]/float64(len(y))
	}
	for i := range x {
		xy, xx = xy+(x[i]-mx)*(y[i]-my), xx+(x[i]-mx)*(x[i]-mx)
	}
	return xy / xx
}
