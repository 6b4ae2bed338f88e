package sim

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/overlay"
	"peerphone/node/wire"
)

// hundred is a round trip of 100 ms between all.
type hundred struct{ Even }

func (hundred) Between(int, int, int, int) time.Duration { return 50 * time.Millisecond }

// goneSupernode is one that was met a month ago and has left since.
func goneSupernode(w *World, i int) overlay.Kept {
	m := wire.Member{Node: w.key("gone", i).ID(), Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{30, byte(i >> 8), byte(i), 1}), 4000)}
	return overlay.Kept{Member: m, Reached: w.cfg.Birth.AddDate(0, -1, 0)}
}

// oldWorld has supernodes that are on, at 100 ms from everybody.
func oldWorld(t *testing.T, supernodes, phones int) *World {
	t.Helper()
	w, err := New(Config{Seed: *seed, Supernodes: supernodes, Phones: phones, Loss: 0.01, Latencies: hundred{}, Old: true, Silent: true})
	if err != nil {
		t.Fatal(err)
	}
	tr := trial{World: w}
	tr.switchOn(w.supernodes(), wakeTime)
	w.Run(20 * time.Second)
	return w
}

// A phone that was off for a month has no valid certificate any more, and half of its
// host cache is stale. It has a home within three seconds at 100 ms of round trip.
func TestAMonthOff(t *testing.T) {
	w := oldWorld(t, 40, 40)
	w.grant = func(n *Node) wire.Message {
		saved, err := n.enrol()
		if err != nil {
			t.Error(err)
		}
		return saved.Granted
	}
	var took []time.Duration
	for p, n := range w.phones() {
		list := w.cacheOf(n)
		for i := range list {
			list[i].Reached = w.cfg.Birth.AddDate(0, -1, 0)
		}
		for i := range len(list) {
			list = append(list, goneSupernode(w, 100*p+i))
		}
		w.draw.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		n.cache, n.saved = w.pack(list), nil
		at := w.now
		n.switchOn(at)
		for len(n.core.Homes()) == 0 && w.now.Sub(at) < time.Minute {
			w.Run(20 * time.Millisecond)
		}
		took = append(took, w.now.Sub(at))
	}
	slices.Sort(took)
	t.Logf("seed %d: of %d phones the slowest had a home after %v, half after %v", *seed, len(took), took[len(took)-1], took[len(took)/2])
	if slowest := took[len(took)-1]; slowest > 3*time.Second {
		t.Errorf("seed %d: the slowest had a home after %v", *seed, slowest)
	}
}

// One whose whole host cache is dead, and all whom the network's parameters named
// when it was last there, says so, and goes to those whom the login server names.
func TestADeadCacheIsReplacedByTheLoginServer(t *testing.T) {
	const phones = 8
	w := oldWorld(t, 20, phones)
	for _, n := range w.supernodes()[:7] { // those of the parameters
		n.switchOff()
	}
	p := identity.Params{Sequence: 2, Issuing: w.issuing.ID(), NotAfter: w.now.Add(identity.ParamsValidity).Unix()}
	for i := range 7 {
		p.Bootstrap = append(p.Bootstrap, address(10+i))
	}
	params, err := identity.SignParams(identity.KeyFromSeed(seedOf(w.cfg.Seed, "root", 0)), p)
	if err != nil {
		t.Fatal(err)
	}
	w.grant = func(n *Node) wire.Message {
		g := n.saved.Granted
		g.Params = params
		return g
	}
	for i, n := range w.phones() {
		var list []overlay.Kept
		for j := range 30 {
			list = append(list, goneSupernode(w, 30*i+j))
		}
		n.cache = w.pack(list)
		n.switchOn(w.now)
	}
	said := map[*Node]bool{}
	for range 300 {
		w.Run(100 * time.Millisecond)
		for _, n := range w.phones() {
			said[n] = said[n] || n.core.Snapshot(w.now).Login.Problem != ""
		}
	}
	for _, n := range w.phones() {
		if homes := len(n.core.Homes()); homes != 3 || !said[n] {
			t.Errorf("seed %d: phone %d has %d homes after half a minute, and said that nobody answers: %v", *seed, n.number, homes, said[n])
		}
		if problem := n.core.Snapshot(w.now).Login.Problem; problem != "" {
			t.Errorf("seed %d: phone %d has a home and still says %q", *seed, n.number, problem)
		}
	}
}
