package sim

import (
	"net/netip"
	"testing"
	"time"

	"peerphone/node"
	"peerphone/node/call"
)

// talkers is a world in which two phones have just begun to talk directly, and do
// so until it ends.
func talkers(t *testing.T) (w *World, caller *Node) {
	t.Helper()
	w = town(t, Config{Seed: *seed, Supernodes: 12, Phones: 2, MediaEvery: time.Second, Quiet: time.Second}, startTime)
	for range 1000 {
		w.Run(100 * time.Millisecond)
		if phones := w.phones(); phones[0].talksDirectly() && phones[1].talksDirectly() {
			for _, n := range phones {
				n.user.mind, n.user.retired = n.user.mind+1, true
			}
			return w, phones[0]
		}
	}
	t.Fatal("nobody talks")
	return nil, nil
}

func (n *Node) talksDirectly() bool {
	s := n.core.Snapshot(n.w.now).Call
	return s.State == call.Talking.String() && s.Path == "direct"
}

// relayTalkers is a world in which two phones that do not show where they are have
// just begun to talk, by two relays.
func relayTalkers(t *testing.T) (w *World, phones []*Node) {
	t.Helper()
	w = town(t, Config{Seed: *seed, Supernodes: 12, Phones: 2, MediaEvery: 20 * time.Millisecond, Quiet: time.Second}, startTime)
	for _, n := range w.phones() {
		n.core.Configure(w.now, node.Settings{AlwaysRelay: true})
	}
	for range 3000 {
		w.Run(100 * time.Millisecond)
		if phones = w.phones(); len(phones[0].liveRelays()) == 2 && len(phones[1].liveRelays()) == 2 {
			for _, n := range phones {
				n.user.mind, n.user.retired = n.user.mind+1, true
			}
			return w, phones
		}
	}
	t.Fatal("nobody talks")
	return nil, nil
}

// liveRelays returns the relays of a phone's call that live.
func (n *Node) liveRelays() (live []*Node) {
	s := n.core.Snapshot(n.w.now).Call
	if s.State != call.Talking.String() || s.Path != "relay" {
		return nil
	}
	for _, name := range s.Relays {
		for _, x := range n.w.supernodes() {
			if x.on && x.core.Snapshot(n.w.now).Self.Node == name {
				live = append(live, x)
			}
		}
	}
	return live
}

// mendSound does what the data plane does when the relay in use has died: it says
// that nothing comes, and goes on by one that lives.
func (n *Node) mendSound(now time.Time) {
	s := &n.sound
	if x := n.w.nodeAt(s.way.Via.Addr); !s.on || s.channel == nil || !s.way.Way.IsRelay() || x != nil && x.on {
		return
	}
	n.core.MediaSilent(now, s.index)
	for _, way := range s.others {
		if x := n.w.nodeAt(way.Via.Addr); way.Way.IsRelay() && x != nil && x.on {
			s.way = way
			n.core.MediaHeard(now, s.index, way.Way)
			break
		}
	}
	n.flush(now)
}

// Relays of a call on a narrow line die one after the other, and the call goes on.
func TestRelaysDieOnANarrowLine(t *testing.T) {
	for _, line := range []int{0, 2000, 1500} {
		w, phones := relayTalkers(t)
		for death := range 3 {
			dead := phones[0].liveRelays()
			if len(dead) == 0 {
				t.Fatalf("line of %d: no relay lives before death %d", line, death+1)
			}
			dead[0].switchOff()
			began := w.now
			for len(phones[0].liveRelays()) < 2 || len(phones[1].liveRelays()) < 2 {
				for _, n := range phones {
					n.core.Line(w.now, line, line)
					n.mendSound(w.now)
				}
				w.Run(100 * time.Millisecond)
				if w.now.Sub(began) > time.Minute {
					for _, n := range phones {
						s := n.core.Snapshot(w.now)
						t.Errorf("line of %d, death %d: %s (%s) by %q, relays %v, %d live, homes %v", line, death+1, s.Call.State, s.Call.Reason, s.Call.Path, s.Call.Relays, len(n.liveRelays()), s.Network.Homes)
					}
					t.FailNow()
				}
			}
			t.Logf("line of %d: two relays again %v after death %d", line, w.now.Sub(began), death+1)
		}
	}
}

// A phone on a narrow line whose homes do not answer in time does not fill that
// line by asking them again and by dialling others: the call needs it.
func TestANarrowLineIsKeptForTheCall(t *testing.T) {
	const line, watched = 1500, 40
	spent, relayed := map[int]int{}, 0
	for _, told := range []int{0, line} {
		w, n := talkers(t)
		for _, s := range w.supernodes() {
			s.switchOff()
		}
		w.forge = func(from *Node, to netip.AddrPort, frame []byte) *Node {
			if x := w.nodeAt(to); from == n && x != nil && !x.phone {
				spent[told] += len(frame) + ipUDP
			}
			return from
		}
		for range watched {
			n.core.Line(w.now, told, told)
			n.core.Line(w.now, 0, 0) // before the first packet of sound
			w.Run(time.Second)
			if told > 0 && n.core.Snapshot(w.now).Call.Path != "direct" {
				relayed++
			}
		}
		if s := n.core.Snapshot(w.now).Call; s.State != call.Talking.String() {
			t.Fatalf("told of a line of %d bytes a second the call is %s (%s)", told, s.State, s.Reason)
		}
	}
	t.Logf("%d bytes with a narrow line, %d with another one", spent[line], spent[0])
	// A quarter, and for a relay an eighth of what goes while the call has no direct way.
	if most := watched*line/4 + relayed*line/8; spent[line] > most {
		t.Errorf("%d bytes went to supernodes in %d s, want %d at most", spent[line], watched, most)
	}
	if spent[0] < 2*spent[line] {
		t.Errorf("%d bytes where there is room: the test shows nothing", spent[0])
	}
}
