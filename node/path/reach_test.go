package path

import (
	"net/netip"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

func member(n byte, addr string) wire.Member {
	return wire.Member{Node: identity.ID{n}, Addr: netip.MustParseAddrPort(addr)}
}

func TestAHomeCallsOnlyWhereItSeesTheAsker(t *testing.T) {
	r := NewReacher(Config{Rand: seeded(1)})
	now := time.Unix(1_700_000_000, 0)
	members := []wire.Member{
		member(1, "198.18.1.1:7"), member(2, "198.18.1.9:7"), member(3, "198.18.2.1:7"),
		member(4, "[2001:db8::1]:7"), member(5, "198.18.3.1:7"), member(6, "198.18.4.1:7"),
	}
	ask := wire.CallBack{Token: 9, Others: 2, Not: []netip.Addr{members[2].Addr.Addr()}}
	r.CallBack(now, 77, identity.ID{5}, mapped, ask, members)
	var others []identity.ID
	sent := 0
	for _, e := range r.Take() {
		switch e := e.(type) {
		case UDP:
			sent += len(e.Frame)
			if e.Addr != mapped || e.Socket != CallSocket {
				t.Errorf("sent to %v by socket %d", e.Addr, e.Socket)
			}
		case SayTo:
			others = append(others, e.Member.Node)
			if m := e.Message.(wire.CallOut); m.To != mapped || m.Node != (identity.ID{5}) || m.Token != 9 {
				t.Errorf("asked %+v", m)
			}
		case Say:
			if e.Index != 77 || e.Message != (wire.Calling{Token: 9, Others: 2}) {
				t.Errorf("said %+v", e)
			}
		}
	}
	// Not the second of a prefix, not whom the asker has sent to, not the asker itself.
	if len(others) != 2 || others[0] != (identity.ID{1}) || others[1] != (identity.ID{6}) {
		t.Errorf("asked %v, want 1 and 6", others)
	}
	if request := len(wire.Append(nil, ask)) + wire.SessionHeader + wire.Tag; sent > request {
		t.Errorf("%d bytes sent for %d", sent, request)
	}
}

func TestCallsAreLimitedPerPrefix(t *testing.T) {
	r := NewReacher(Config{Rand: seeded(1)})
	now := time.Unix(1_700_000_000, 0)
	for range 1000 {
		r.CallOut(now, wire.CallOut{Token: 1, Node: identity.ID{5}, To: mapped})
	}
	if n := len(r.Take()); n != callBurst {
		t.Errorf("%d calls, want %d", n, callBurst)
	}
	for i := range 1000 {
		to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}), 9)
		r.CallOut(now.Add(time.Minute), wire.CallOut{Token: 1, Node: identity.ID{5}, To: to})
	}
	if n := len(r.Take()); n > allCallRate || len(r.pending) > maxPending {
		t.Errorf("%d calls at once, %d pending", n, len(r.pending))
	}
}

// A survey must not spoil the port that the node has for our own one.
func TestASurveyIsCalledFromThePortThatNobodySendsTo(t *testing.T) {
	for token, want := range map[uint32]Socket{9: CallSocket, 0: 0} {
		r := NewReacher(Config{Rand: seeded(1)})
		r.CallOut(time.Unix(1_700_000_000, 0), wire.CallOut{Token: token, Node: identity.ID{5}, To: mapped})
		if e := r.Take()[0].(UDP); e.Socket != want {
			t.Errorf("token %d: called from socket %d, want %d", token, e.Socket, want)
		}
	}
}

func TestOnlyWhoWasReachedIsAttested(t *testing.T) {
	r := NewReacher(Config{Rand: seeded(1)})
	now := time.Unix(1_700_000_000, 0)
	r.CallOut(now, wire.CallOut{Node: identity.ID{5}, To: mapped, Ports: wire.SamePort | wire.Port443})
	var nonce uint64
	for _, e := range r.Take() {
		switch e := e.(type) {
		case UDP:
			m, _ := parseSTUN(e.Frame)
			_, nonce = splitCall(m.id)
		case Knock:
			want := mapped
			if e.Port == wire.Port443 {
				want = netip.AddrPortFrom(mapped.Addr(), 443)
			}
			if e.Addr != want {
				t.Errorf("knocks at %v, want %v", e.Addr, want)
			}
			if e.Port == wire.Port443 {
				r.Knocked(now, e.Nonce, e.Port, true)
			}
		}
	}
	r.Reached(now, 7, identity.ID{6}, nonce)
	r.Reached(now, 7, identity.ID{5}, nonce+1)
	if got := r.Take(); len(got) != 0 {
		t.Errorf("attested %+v", got)
	}
	r.Reached(now, 7, identity.ID{5}, nonce)
	if got := r.Take(); len(got) != 0 {
		t.Errorf("attested %+v while a knock is under way", got)
	}
	r.Knocked(now, nonce, wire.SamePort, false)
	want := Attest{Index: 7, Word: wire.Attested{Node: identity.ID{5}, Addr: mapped, Ports: wire.Port443, Time: now.Unix()}}
	if got := r.Take(); len(got) != 1 || got[0].(Attest).Word.Addr != want.Word.Addr || got[0].(Attest).Word.Ports != want.Word.Ports {
		t.Errorf("attested %+v, want %+v", got, want)
	}
	r.CallOut(now, wire.CallOut{Node: identity.ID{5}, To: mapped})
	m, _ := parseSTUN(r.Take()[0].(UDP).Frame)
	_, nonce = splitCall(m.id)
	r.Reached(now.Add(pendingLife), 7, identity.ID{5}, nonce)
	if got := r.Take(); len(got) != 0 {
		t.Errorf("attested too late: %+v", got)
	}
}
