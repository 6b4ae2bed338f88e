package sim

import (
	"testing"
	"time"
)

// Where each knows a part only, everybody is found though half have vanished a
// moment ago, and soon every record is where it belongs.
func TestKademlia(t *testing.T) {
	c := Config{Seed: *seed, Supernodes: 80, Phones: 40, Loss: 0.01, Mode: Kademlia}
	if *long {
		c.Supernodes, c.Phones = 300, 300
	}
	out := try(t, Trial{Config: c, Kill: 0.5, Lookups: 300, Window: 2 * time.Second})
	if out.Found != 300 {
		t.Errorf("seed %d: %d of 300 found, %d denied, %d left open", *seed, out.Found, out.Wrong, out.CannotTell)
	}
	if out.Repaired == 0 || out.Repaired > 90 {
		t.Errorf("seed %d: the records are repaired after %.1f s", *seed, out.Repaired)
	}
	if out.Mode != "kademlia" || out.Hops < 1 {
		t.Errorf("seed %d: %s, %.2f asked one after the other", *seed, out.Mode, out.Hops)
	}
}

// Liars among them are gone round by other paths.
func TestKademliaAmongLiars(t *testing.T) {
	out := try(t, Trial{
		Config: Config{Seed: *seed, Supernodes: 60, Phones: 60, Loss: 0.01, Mode: Kademlia}, Malicious: 0.2, Lookups: 300, Idle: 2 * time.Minute,
	})
	if out.Forged > 0 || out.Found < 285 {
		t.Errorf("seed %d: %d of 300 found, %d denied, %d left open, %d forgeries believed",
			*seed, out.Found, out.Wrong, out.CannotTell, out.Forged)
	}
}
