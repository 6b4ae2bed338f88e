package sim

import (
	"testing"
	"time"

	"peerphone/node/wire"
)

// try runs a trial and fails when it cannot be run.
func try(t *testing.T, c Trial) Outcome {
	t.Helper()
	c.Progress = t.Logf
	if c.Latencies == nil {
		c.Latencies = PlanetLab(c.Seed)
	}
	out, err := c.Run()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEverybodyIsFound(t *testing.T) {
	out := try(t, Trial{Config: Config{Seed: *seed, Supernodes: 20, Phones: 60, Loss: 0.01}, Lookups: 300})
	if out.Reachable != 1 || out.Forged > 0 || out.Hops < 0.5 || out.Hops > 2 {
		t.Errorf("seed %d: %.3f reachable, %d forged, %.2f hops", *seed, out.Reachable, out.Forged, out.Hops)
	}
	if own := out.RecordSize; own < 200 || own > wire.MaxRecord || out.RecordBytes < own || out.RecordBytes > 2*own {
		t.Errorf("seed %d: a record of %.0f bytes takes %.0f", *seed, own, out.RecordBytes)
	}
	if out.Found != 300 {
		t.Errorf("seed %d: of 300 who are there %d are found, %d denied, %d left open", *seed, out.Found, out.Wrong, out.CannotTell)
	}
}

// Half of the supernodes vanish, and at that moment everybody is looked for: the
// records are found, and soon at all their places, though no owner publishes
// anew what has not changed.
func TestHalfOfTheSupernodesVanish(t *testing.T) {
	out := try(t, Trial{
		Config: Config{Seed: *seed, Supernodes: 60, Phones: 100, Loss: 0.01}, Kill: 0.5, Lookups: 500, Window: 2 * time.Second,
	})
	if out.Found != 500 {
		t.Errorf("seed %d: %d of 500 found, %d denied, %d left open", *seed, out.Found, out.Wrong, out.CannotTell)
	}
	if out.Repaired == 0 || out.Repaired > 60 {
		t.Errorf("seed %d: the records are repaired after %.1f s, want 60 s", *seed, out.Repaired)
	}
}

// Seven in ten vanish, among so many that nobody has sessions with more than a few of
// them: where it is known who lives the records that are left soon are at all their
// places, though most of what is told at first goes to the dead.
func TestMostSupernodesVanish(t *testing.T) {
	out := try(t, Trial{
		Config: Config{Seed: *seed, Supernodes: 150, Phones: 30, Loss: 0.01}, Kill: 0.7, Lookups: 30, Window: time.Second, Heal: time.Minute,
	})
	if out.Repaired == 0 || out.Repaired > 30 {
		t.Errorf("seed %d: the records are repaired after %.1f s, want 30 s", *seed, out.Repaired)
	}
}

// The stand-in has the flights and the sizes of TLS: a run with either is the
// same, datagram for datagram.
func TestTLSAndStandInGiveTheSameTrace(t *testing.T) {
	c := Trial{Config: Config{Seed: *seed, Supernodes: 10, Phones: 50, Loss: 0.02}, Lookups: 50, Kill: 0.3, Idle: time.Minute}
	if *long {
		c.Supernodes, c.Phones = 50, 950
	}
	stand := try(t, c)
	c.Real = true
	real := try(t, c)
	if real.TraceHash != stand.TraceHash || real.Events != stand.Events {
		t.Errorf("seed %d: TLS gives %s after %d events, the stand-in %s after %d",
			*seed, real.TraceHash, real.Events, stand.TraceHash, stand.Events)
	}
}
