package sim

import (
	"flag"
	"slices"
	"testing"
	"time"

	"peerphone/node/call"
	"peerphone/node/identity"
)

var (
	seed = flag.Uint64("seed", 1, "seed of the simulated worlds")
	long = flag.Bool("long", false, "run the full forms: larger networks and longer times, an hour or so")
)

// town runs a world for d and returns it.
func town(t *testing.T, cfg Config, d time.Duration) *World {
	t.Helper()
	w, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.Start()
	w.Run(d)
	return w
}

// An hour of a small town: phones call each other, and nothing is left behind.
func TestTown(t *testing.T) {
	w := town(t, Config{Seed: *seed, Supernodes: 5, Phones: 20, MediaEvery: mediaEvery()}, time.Hour)
	r := w.Report()
	t.Logf("seed %d: %d events, %d datagrams, %d dialled, %d rang, %d answered, %d busy, %d failed, sound %d of %d, trace %s",
		r.Seed, r.Events, r.Datagrams, r.Dialled, r.Rang, r.Answered, r.Busy, r.Failed, r.SoundIn, r.SoundOut, r.TraceHash)
	if r.Dialled < 100 || r.Answered*2 < r.Dialled {
		t.Errorf("%d calls dialled and %d answered in an hour, want at least 100 and half of them", r.Dialled, r.Answered)
	}
	if r.Failed > 0 {
		t.Errorf("%d calls failed in a network that loses nothing", r.Failed)
	}
	if r.SoundIn*1000 < r.SoundOut*995 {
		t.Errorf("%d of %d packets of sound arrived, want 99.5 %%: the rest is on its way at hang-up", r.SoundIn, r.SoundOut)
	}
	if r.Measured*10 < r.Begun*9 {
		t.Errorf("%d of %d ends of a call knew their line, want all but of calls that did not ring: both had dialled", r.Measured, r.Begun)
	}
	slices.Sort(r.Setup)
	if p95 := r.Setup[len(r.Setup)*95/100]; p95 > time.Second {
		t.Errorf("from the number sent until it rings: p95 %v, want <= 1 s at 80 ms round trips", p95)
	}
	wantQuiet(t, w)
}

// wantQuiet lets every user go home and checks that nothing is left: no call,
// no ringer, no microphone, no session with a phone.
func wantQuiet(t *testing.T, w *World) {
	t.Helper()
	for _, n := range w.nodes {
		if n.user != nil {
			n.user.retired = true
		}
	}
	w.Run(10 * time.Minute)
	for _, n := range w.nodes {
		if !n.phone {
			continue
		}
		s := n.core.Snapshot(w.now)
		if s.Call.State != call.Idle.String() && s.Call.State != call.Ended.String() {
			t.Errorf("node %d: a call is left %s", n.number, s.Call.State)
		}
		if s.Face.Ringing || s.Face.Tone != "silent" || n.sound.on {
			t.Errorf("node %d is not quiet: %+v, sound %v", n.number, s.Face, n.sound.on)
		}
		if homes := min(3, w.cfg.Supernodes); len(s.Network.Homes) != homes || n.core.Sessions() > w.cfg.Supernodes {
			t.Errorf("node %d has %d homes and %d sessions, want %d and at most one per supernode", n.number, len(s.Network.Homes), n.core.Sessions(), homes)
		}
	}
}

// The same seed gives the same run, packet for packet; another one another.
func TestRepeatable(t *testing.T) {
	cfg := Config{Seed: *seed, Supernodes: 5, Phones: 20, MediaEvery: 200 * time.Millisecond, Loss: 0.02}
	span := 8 * time.Minute
	if *long {
		span = time.Hour
	}
	first := town(t, cfg, 4*time.Minute)
	early := first.Report()
	first.Run(span - 4*time.Minute)
	late := first.Report()
	if again := town(t, cfg, span).Report(); again.TraceHash != late.TraceHash {
		t.Errorf("seed %d: trace %s, then %s", cfg.Seed, late.TraceHash, again.TraceHash)
	}
	cfg.Seed++
	if other := town(t, cfg, 4*time.Minute).Report(); other.TraceHash == early.TraceHash {
		t.Errorf("seeds %d and %d give the same trace %s", cfg.Seed-1, cfg.Seed, early.TraceHash)
	}
}

// On a network that loses one datagram in ten, calls still come about.
func TestLoss(t *testing.T) {
	span := 30 * time.Minute
	if *long {
		span = time.Hour
	}
	w := town(t, Config{Seed: *seed, Supernodes: 5, Phones: 10, MediaEvery: time.Second, Loss: 0.1}, span)
	r := w.Report()
	t.Logf("seed %d: %d dialled, %d rang, %d failed, trace %s", r.Seed, r.Dialled, r.Rang, r.Failed, r.TraceHash)
	if r.Failed*50 > r.Dialled {
		t.Errorf("%d of %d calls failed at 10 %% loss, want at most 2 %%", r.Failed, r.Dialled)
	}
	wantQuiet(t, w)
}

// When an epoch ends every node goes on under the next one's key, one after the
// other, and stays callable.
func TestEpoch(t *testing.T) {
	if !*long {
		t.Skip("five virtual days: only with -long")
	}
	boundary := time.Unix(int64(identity.EpochAt(birth)+1)*int64(identity.Epoch/time.Second), 0)
	w, err := New(Config{
		Seed: *seed, Supernodes: 2, Phones: 3, MediaEvery: time.Second, Quiet: time.Hour,
		Birth: boundary.Add(-6 * time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Start()
	w.Run(5 * time.Hour)
	before := w.Snapshots()
	w.Run(5 * 24 * time.Hour)
	r := w.Report()
	t.Logf("seed %d: %d dialled, %d answered, %d failed", r.Seed, r.Dialled, r.Answered, r.Failed)
	for i, s := range w.Snapshots() {
		if s.Self.Node == before[i].Self.Node {
			t.Errorf("phone %s has kept the node key of the epoch before", s.Self.Number)
		}
	}
	if r.Dialled < 100 || r.Failed*50 > r.Dialled {
		t.Errorf("%d of %d calls failed around the change of epoch, want at least 100 calls and 2 %% at most", r.Failed, r.Dialled)
	}
	wantQuiet(t, w)
}

// mediaEvery keeps the short runs short.
func mediaEvery() time.Duration {
	if !*long {
		return 200 * time.Millisecond
	}
	return 20 * time.Millisecond
}
