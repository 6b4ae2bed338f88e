package adapt

import (
	"math/rand/v2"
	"testing"
	"time"

	"peerphone/node/wire"
)

// ride lets a train of packets of 400 bytes pass what holds tokens of so many
// bytes and gets rate of them a second, and then a network.
func ride(rate, tokens float64, network func(n int) (later time.Duration, lost bool)) (t Train) {
	start := time.Unix(1e9, 0)
	owed := -tokens
	for n := range wire.TrainLength {
		owed += 400
		later, lost := network(n)
		if !lost {
			t.Heard(start.Add(time.Duration(max(0, owed)/rate*1e9)+later), n, 400)
		}
	}
	return t
}

func quiet(int) (time.Duration, bool) { return 30 * time.Millisecond, false }

func TestTrainMeasuresALine(t *testing.T) {
	for _, rate := range []float64{1000, 1500, 2000, 6000, 50000} {
		for _, tokens := range []float64{0, 400, 1500} {
			train := ride(rate, tokens, quiet)
			if got := float64(train.Rate()); got < .99*rate || got > 1.01*rate {
				t.Errorf("%v bytes a second and tokens for %v bytes: %v", rate, tokens, got)
			}
		}
	}
}

// A network that stalls holds up what is behind; the end of the train comes at
// once all the same.
func TestTrainIsNotFooledByStalls(t *testing.T) {
	for first := range wire.TrainLength {
		train := ride(1e6, 0, func(n int) (time.Duration, bool) {
			if n < first || first == wire.TrainLength-1 {
				return 0, false
			}
			return 300 * time.Millisecond, false
		})
		if got := train.Rate(); got < 100000 {
			t.Errorf("a stall before packet %d: %d bytes a second", first, got)
		}
	}
}

func TestTrainWithLosses(t *testing.T) {
	for lost := range wire.TrainLength {
		train := ride(2000, 0, func(n int) (time.Duration, bool) { return 0, n == lost })
		if got := train.Rate(); got < 900 || got > 2020 {
			t.Errorf("packet %d is lost: %d bytes a second", lost, got)
		}
	}
	var none Train
	if none.Rate() != 0 {
		t.Errorf("no train: %d", none.Rate())
	}
	if none.Heard(time.Unix(1, 0), wire.TrainLength-1, 400); none.Rate() != 0 {
		t.Errorf("one packet: %d", none.Rate())
	}
}

// A bottleneck lets checks through between the packets of a train.
func TestTrainAmongOthers(t *testing.T) {
	var train Train
	at := time.Unix(1e9, 0)
	for n := range wire.TrainLength {
		train.Heard(at, n, 400)
		for range 4 {
			at = at.Add(35 * time.Millisecond)
			train.Beside(70)
		}
		at = at.Add(200 * time.Millisecond)
	}
	if got := train.Rate(); got < 1990 || got > 2010 {
		t.Errorf("%d bytes a second, want 2000", got)
	}
}

// What others send between the last packets makes the line look thinner than it is.
func TestTrainBehindOthers(t *testing.T) {
	for what, gaps := range map[string][4]time.Duration{
		"all slow":       {326, 200, 326, 270},
		"the last":       {200, 200, 200, 330},
		"a full bucket":  {0, 0, 120, 200},
		"a full bucket ": {0, 0, 60, 200},
	} {
		var train Train
		at := time.Unix(1e9, 0)
		train.Heard(at, 0, 400)
		for n, gap := range gaps {
			at = at.Add(gap * time.Millisecond)
			train.Heard(at, n+1, 400)
		}
		if got := train.Rate(); got != 2000 {
			t.Errorf("%s: %d bytes a second, want 2000", what, got)
		}
	}
}

// Whatever comes, in whatever order, a rate is within what is possible.
func TestHostileTrains(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		var train Train
		at := time.Unix(1e9, 0)
		for range 8 {
			at = at.Add(time.Duration(r.Int64N(3e9)) - time.Second)
			train.Heard(at, r.IntN(wire.TrainLength), r.IntN(1500))
		}
		if n := train.Rate(); n < 0 || n > MostLine {
			t.Fatalf("%d bytes a second", n)
		}
	}
}
