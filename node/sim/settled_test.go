package sim

import (
	"slices"
	"testing"

	"peerphone/node/wire"
)

func settle(t *testing.T, c Settled) Outcome {
	t.Helper()
	c.Seed, c.Loss, c.Latencies = *seed, 0.01, PlanetLab(*seed)
	out, err := c.Run()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Whoever is there is found in a large network, at once after half have vanished,
// and past liars; nobody is denied.
func TestLookupsInALargeNetwork(t *testing.T) {
	size, lookups := 5000, 200
	if *long {
		size, lookups = 1_000_000, 2000
	}
	for name, c := range map[string]Settled{
		"healthy":     {},
		"half killed": {Kill: 0.5},
		"a fifth lie": {Malicious: 0.2},
		"more lie":    {Malicious: 0.4},
	} {
		c.Supernodes, c.Lookups = size, lookups
		t.Run(name, func(t *testing.T) {
			out := settle(t, c)
			if out.Found != lookups || out.Forged > 0 {
				t.Errorf("seed %d: %d of %d found, %d denied, %d left open, %d forgeries believed",
					*seed, out.Found, lookups, out.Wrong, out.CannotTell, out.Forged)
			}
			if out.P50 <= 0 || out.P95 < out.P50 || out.Hops <= 1 || out.Asks < 4 || out.LookupBytes < 4000 {
				t.Errorf("seed %d: figures %+v", *seed, out)
			}
			if again := settle(t, c); again.TraceHash != out.TraceHash {
				t.Errorf("seed %d: %s, then %s", *seed, out.TraceHash, again.TraceHash)
			}
		})
	}
}

// Who is not there is denied for certain, and not after half have vanished: one of
// those may have known it. Here "wrong" says that it was denied.
func TestNobodyIsFoundInALargeNetwork(t *testing.T) {
	const lookups = 100
	if out := settle(t, Settled{Config: Config{Supernodes: 3000}, Lookups: lookups, Absent: true}); out.Wrong < lookups-2 || out.Found > 0 {
		t.Errorf("seed %d: %d of %d denied, %d found", *seed, out.Wrong, lookups, out.Found)
	}
	if out := settle(t, Settled{Config: Config{Supernodes: 3000}, Lookups: lookups, Absent: true, Kill: 0.5}); out.Wrong > lookups/10 || out.Found > 0 {
		t.Errorf("seed %d: after half have vanished %d of %d denied, %d found", *seed, out.Wrong, lookups, out.Found)
	}
}

// The places of a plot are found as those of a table are.
func TestNearestOfAPlot(t *testing.T) {
	w, err := New(Config{Seed: *seed, Supernodes: 1})
	if err != nil {
		t.Fatal(err)
	}
	var places []wire.Place
	for range 500 {
		places = append(places, wire.Place(w.draw.Uint64()))
	}
	slices.Sort(places)
	for range 100 {
		at := wire.Place(w.draw.Uint64())
		want := slices.Clone(places)
		slices.SortFunc(want, func(a, b wire.Place) int {
			if a^at < b^at {
				return -1
			}
			return 1
		})
		if got := nearestOf(places, at, 16); !slices.Equal(got, want[:16]) {
			t.Fatalf("nearest to %x: %x, want %x", at, got, want[:16])
		}
	}
	if got := nearestOf(places[:3], 0, 16); len(got) != 3 {
		t.Errorf("of three %d are the nearest", len(got))
	}
}

func TestCheckSettled(t *testing.T) {
	for _, c := range []Settled{
		{}, {Config: Config{Supernodes: maxNodes + 1}}, {Config: Config{Supernodes: 9}, Kill: 1},
		{Config: Config{Supernodes: 9}, Malicious: -1}, {Config: Config{Supernodes: 9, Loss: 2}}, {Config: Config{Supernodes: 9}, Lookups: -1},
	} {
		if _, err := c.Run(); err == nil {
			t.Errorf("%+v runs", c)
		}
	}
}
