package overlay

import (
	"slices"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

var (
	issuer    = identity.KeyFromSeed([32]byte{1, 2, 3})
	revokedAt = time.Unix(1_800_000_000, 0)
)

// listOf returns a signed list that has been changed so often, and is so long.
func listOf(sequence uint64, keys int) []byte {
	list := identity.Revocations{Sequence: sequence - 1}
	var more []identity.Revocation
	for i := range keys {
		more = append(more, identity.Revoke(identity.ID{byte(i), byte(i >> 8), 1}, revokedAt.Add(time.Hour)))
	}
	return list.With(revokedAt, more...).Sign(issuer)
}

// ring is some Revokers, each with sessions with the two beside it. Session n of
// one is with number n-1.
type ring struct {
	*testing.T
	now   time.Time
	nodes []*Revoker
	mute  map[int]bool // takes nothing and gives nothing
	over  map[int][]int
	sent  int
}

func newRing(t *testing.T, n int) *ring {
	r := &ring{T: t, now: revokedAt, mute: map[int]bool{}, over: map[int][]int{}}
	for range n {
		r.nodes = append(r.nodes, NewRevoker(RevokerConfig{Signers: func() []identity.ID { return []identity.ID{issuer.ID()} }}))
	}
	for i := range n {
		for _, j := range []int{(i + 1) % n, (i + n - 1) % n} {
			r.nodes[i].Up(r.now, wire.Index(j+1))
		}
	}
	return r
}

// settle carries all messages.
func (r *ring) settle() {
	for carried := true; carried; {
		carried = false
		for i, n := range r.nodes {
			for _, e := range n.Take() {
				switch e := e.(type) {
				case Send:
					carried = true
					r.sent += len(wire.Append(nil, e.Message))
					if to := int(e.Index) - 1; !r.mute[to] && !r.mute[i] {
						r.nodes[to].Handle(r.now, wire.Index(i+1), e.Message)
					}
				case Withholds:
					r.over[i] = append(r.over[i], int(e.Index)-1)
				}
			}
		}
	}
}

// advance lets time pass.
func (r *ring) advance(d time.Duration) {
	end := r.now.Add(d)
	for {
		r.settle()
		next := end
		for _, n := range r.nodes {
			if at := n.Next(); !at.IsZero() && at.Before(next) {
				next = at
			}
		}
		r.now = next
		if !next.Before(end) {
			return
		}
		for _, n := range r.nodes {
			n.Advance(r.now)
		}
	}
}

func TestEverybodyGetsTheNewestList(t *testing.T) {
	r := newRing(t, 9)
	r.settle()
	if r.sent != 0 {
		t.Errorf("%d bytes are sent when nothing is revoked", r.sent)
	}
	r.nodes[0].Set(r.now, listOf(3, identity.MaxRevocations))
	r.nodes[4].Set(r.now, listOf(5, 150))
	r.advance(time.Minute)
	for i, n := range r.nodes {
		if n.List() == nil || n.List().Sequence != 5 || n.List().Len() != 150 || !n.List().Has(identity.ID{7, 0, 1}) {
			t.Errorf("node %d has %+v", i, n.List())
		}
	}
	r.nodes[0].Set(r.now, listOf(4, 1)) // of a server that was restored from a backup
	r.advance(time.Hour)
	if n := r.nodes[0]; n.List().Sequence != 5 {
		t.Errorf("an older list is taken: %d", n.List().Sequence)
	}
	for i, n := range r.nodes {
		if c := n.Counters(); c.Withheld+c.Forged+c.Bluffed+c.Unasked+c.Limited > 0 || len(r.over[i]) > 0 {
			t.Errorf("node %d counts %+v", i, c)
		}
	}
	n := NewRevoker(RevokerConfig{Signers: func() []identity.ID { return []identity.ID{issuer.ID()} }}) // a newcomer
	r.nodes = append(r.nodes, n)
	n.Up(r.now, 1)
	r.nodes[0].Up(r.now, 10)
	r.advance(time.Minute)
	if n.List() == nil || n.List().Sequence != 5 {
		t.Errorf("the newcomer has %+v", n.List())
	}
}

// Whoever withholds a list is found out by both who have it, and nobody else is
// suspected.
func TestAWithheldListIsFoundOut(t *testing.T) {
	r := newRing(t, 7)
	r.mute[3] = true
	r.nodes[0].Set(r.now, listOf(1, 80))
	r.advance(withheldAfter - time.Second)
	for i, n := range r.nodes {
		if n.Counters().Withheld > 0 {
			t.Errorf("node %d is quick to suspect", i)
		}
	}
	r.advance(time.Minute)
	for i, n := range r.nodes {
		var want []int
		if i == 2 || i == 4 {
			want = []int{3}
		}
		if !slices.Equal(r.over[i], want) || n.Counters().Withheld != uint64(len(want)) {
			t.Errorf("node %d finds %v out, counts %d; want %v", i, r.over[i], n.Counters().Withheld, want)
		}
		if i != 3 && n.List() == nil {
			t.Errorf("node %d has no list", i)
		}
	}
}

func TestListsThatDoNotHold(t *testing.T) {
	good := listOf(2, 60)
	forged := slices.Clone(good)
	forged[30]++
	future := identity.Revocations{Sequence: 8}.With(revokedAt.Add(time.Hour)).Sign(issuer)
	for what, list := range map[string][]byte{"forged": forged, "of the future": future, "of another": listOf(9, 1)[:20]} {
		n := NewRevoker(RevokerConfig{Signers: func() []identity.ID { return []identity.ID{issuer.ID()} }})
		n.Up(revokedAt, 1)
		n.Handle(revokedAt, 1, wire.Revoked{Sequence: 9})
		n.Handle(revokedAt, 1, wire.RevokedPart{Sequence: 9, Of: uint8(1 + (len(list)-1)/wire.RevokedPartSize), Bytes: list[:min(len(list), wire.RevokedPartSize)]})
		if len(list) > wire.RevokedPartSize {
			n.Handle(revokedAt, 1, wire.RevokedPart{Sequence: 9, Part: 1, Of: 2, Bytes: list[wire.RevokedPartSize:]})
		}
		if c := n.Counters(); n.List() != nil || c.Forged != 1 || c.Bluffed != 1 {
			t.Errorf("%s: list %v, %+v", what, n.List(), c)
		}
	}
	n := NewRevoker(RevokerConfig{Signers: func() []identity.ID { return []identity.ID{issuer.ID()} }})
	n.Up(revokedAt, 1)
	n.Up(revokedAt, 2)
	n.Handle(revokedAt, 1, wire.RevokedPart{Sequence: 2, Of: 2, Bytes: good[:wire.RevokedPartSize]})
	if n.Counters().Unasked != 1 {
		t.Error("a part that nobody asked for is not counted")
	}
	n.Handle(revokedAt, 1, wire.Revoked{Sequence: 9}) // it says so and gives nothing
	n.Handle(revokedAt, 2, wire.Revoked{Sequence: 2})
	n.Advance(revokedAt.Add(partWait))
	if n.Counters().Bluffed != 1 || n.fetch.from != 2 {
		t.Errorf("a bluff: %+v, asks %d", n.Counters(), n.fetch.from)
	}
	n.Set(revokedAt, good)
	for range partBurst + 5 {
		n.Handle(revokedAt, 1, wire.RevokedAsk{})
	}
	if n.Counters().Limited != 5 {
		t.Errorf("%d questions are beyond the limit, want 5", n.Counters().Limited)
	}
}

// A newcomer takes the list of a former issuing key from others, until it hears of
// the one that the new key has signed.
func TestAListOutlivesItsKey(t *testing.T) {
	next := identity.KeyFromSeed([32]byte{42})
	r := newRing(t, 5)
	r.nodes[0].Set(r.now, listOf(3, 20))
	r.advance(time.Minute)
	for _, n := range r.nodes {
		n.cfg.Signers = func() []identity.ID { return []identity.ID{next.ID(), issuer.ID()} }
	}
	n := NewRevoker(r.nodes[0].cfg)
	r.nodes = append(r.nodes, n)
	n.Up(r.now, 1)
	r.nodes[0].Up(r.now, 6)
	r.advance(time.Minute)
	if n.List() == nil || n.List().Sequence != 3 {
		t.Errorf("the newcomer has %+v", n.List())
	}
	list, err := identity.ParseRevocations(r.nodes[0].raw, issuer.ID())
	if err != nil {
		t.Fatal(err)
	}
	r.nodes[2].Set(r.now, list.With(r.now).Sign(next))
	r.advance(time.Minute)
	for i, n := range r.nodes {
		if n.List().Sequence != 4 || n.List().Len() != list.Len() || n.Counters().Forged > 0 {
			t.Errorf("node %d has %+v, %+v", i, n.List(), n.Counters())
		}
	}
}
