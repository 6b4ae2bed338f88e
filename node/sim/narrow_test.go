package sim

import (
	"net/netip"
	"testing"
	"time"

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

// A phone on a narrow line whose homes do not answer in time does not fill that
// line by asking them again and by dialling others: the call needs it.
func TestANarrowLineIsKeptForTheCall(t *testing.T) {
	const line, watched = 1500, 40
	spent := map[int]int{}
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
		}
		if s := n.core.Snapshot(w.now).Call; s.State != call.Talking.String() {
			t.Fatalf("told of a line of %d bytes a second the call is %s (%s)", told, s.State, s.Reason)
		}
	}
	t.Logf("%d bytes with a narrow line, %d with another one", spent[line], spent[0])
	if most := watched * line / 5; spent[line] > most {
		t.Errorf("%d bytes went to supernodes in %d s, want %d at most", spent[line], watched, most)
	}
	if spent[0] < 2*spent[line] {
		t.Errorf("%d bytes where there is room: the test shows nothing", spent[0])
	}
}
