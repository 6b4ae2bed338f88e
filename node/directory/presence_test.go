package directory

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"peerphone/node/wire"
)

func TestPresence(t *testing.T) {
	for seed := range uint64(2) {
		h := newHamlet(t, seed, 9, 8)
		h.loss = 0.05
		h.advance(30 * time.Second)
		h.wantTruth("at first")

		h.vanish(h.folks[0])
		h.advance(4 * time.Minute) // with losses an answer may be one round of questions late
		h.wantTruth("four minutes after one has gone without a word")

		h.die(h.homes[0])
		h.die(h.homes[1])
		h.advance(3 * time.Minute)
		if wrong, unknown := h.wrong(); wrong > 0 || unknown > len(h.folks)-1 { // where he was may be dead by now: who knows?
			t.Errorf("three minutes after two homes have died: %d wrong, %d unknown", wrong, unknown)
		}

		h.appear(h.folks[0])
		h.advance(locateMost + time.Minute)
		h.wantTruth("after he has come back, at other homes")

		h.advance(2 * time.Hour)
		h.wantTruth("hours later")
	}
}

// One who was away for hours and comes back at other homes is seen within seconds:
// he watches those who watch him, and their homes tell them that somebody looks.
func TestWhoComesBackIsSeenSoon(t *testing.T) {
	for seed := range uint64(3) {
		h := newHamlet(t, 50+seed, 20, 6)
		h.loss = 0.02
		h.advance(30 * time.Second)
		back := h.folks[0]
		h.vanish(back)
		h.advance(5 * time.Hour)
		h.wantTruth("hours after he has gone")
		h.appear(back)
		h.advance(20 * time.Second)
		h.wantTruth("soon after he has come back")
	}
}

// TestPresenceChurn: with everybody coming and going nobody is taken for what
// he has not been for long.
func TestPresenceChurn(t *testing.T) {
	for seed := range uint64(2) {
		h := newHamlet(t, 100+seed, 12, 10)
		h.loss = 0.02
		wrongs, looks := 0, 0
		for range 20 {
			h.advance(5 * time.Minute)
			f := h.folks[h.rand.IntN(len(h.folks))]
			if f.up {
				h.vanish(f)
			} else {
				h.appear(f)
			}
			if h.rand.IntN(6) == 0 {
				k := h.homes[h.rand.IntN(len(h.homes))]
				if k.up {
					h.die(k)
					h.after(30*time.Minute, func() { h.revive(k) })
				}
			}
			h.advance(3 * time.Minute)
			wrong, _ := h.wrong()
			wrongs += wrong
			looks += len(h.folks) * len(h.folks) / 2
			h.bounded()
		}
		if wrongs*20 > looks {
			t.Errorf("seed %d: %d of about %d looks were wrong", seed, wrongs, looks)
		}
		t.Logf("%d of about %d looks were wrong three minutes after a change", wrongs, looks)
	}
}

// revive begins a home anew, with nothing of what it knew.
func (h *hamlet) revive(k *presenceHome) {
	k.keeper, k.up, k.guests, k.wake = NewKeeper(config(byte(h.seq))), true, map[wire.Index]*folk{}, time.Time{}
}

// bounded: what no living phone uses is forgotten.
func (h *hamlet) bounded() {
	h.t.Helper()
	most := len(h.folks) * len(h.folks) * 3
	for i, k := range h.homes {
		if n := len(k.keeper.places); n > most {
			h.t.Errorf("home %d has %d places, more than %d", i, n, most)
		}
		if n := len(k.keeper.asks); n > most {
			h.t.Errorf("home %d waits for %d answers, more than %d", i, n, most)
		}
	}
}

// TestPresenceLie: a home that goes on showing who has gone is believed no
// longer than his own word holds; one that denies is outvoted.
func TestPresenceLie(t *testing.T) {
	h := newHamlet(t, 1, 6, 2)
	h.advance(time.Minute)
	gone := h.folks[1]
	for _, k := range gone.at {
		k.lies = true
	}
	h.advance(10 * time.Minute)
	h.vanish(gone)
	h.advance(sayHolds + 5*time.Minute)
	if s := h.folks[0].presence.Sight(h.now, gone.account.ID()); s.State == Reachable {
		t.Errorf("an old word is believed for ever: %+v", s)
	}
}

// TestStatements: nobody but the phone itself makes a word that is believed.
func TestStatements(t *testing.T) {
	a, b, c := key("a"), key("b"), key("c")
	k := PresenceKeyFor(a, b.ID())
	token := k.Token(c.ID(), a.ID())
	s := statement{start, start.Add(time.Hour)}
	blob := k.seal(seeded(1), token, s)
	if got, err := k.open(start, token, blob); err != nil || got != s {
		t.Fatalf("got %+v, %v", got, err)
	}
	if len(blob) != blobSize || len(blob) > wire.MaxBlob {
		t.Errorf("a blob has %d bytes", len(blob))
	}
	if k != PresenceKeyFor(a, b.ID()) || k == PresenceKeyFor(a, c.ID()) || k == PresenceKeyFor(b, a.ID()) {
		t.Error("keys are not one for each account and contact")
	}
	other := k.Token(b.ID(), a.ID())
	long := k.seal(seeded(1), token, statement{start, start.Add(48 * time.Hour)})
	ahead := k.seal(seeded(1), token, statement{start.Add(time.Hour), start.Add(2 * time.Hour)})
	for name, bad := range map[string]struct {
		key   PresenceKey
		token wire.Token
		blob  []byte
	}{
		"another key": {PresenceKeyFor(a, c.ID()), token, blob}, "another place": {k, other, blob},
		"cut": {k, token, blob[:30]}, "flipped": {k, token, append(bytes.Clone(blob[:39]), blob[39]^1)},
		"none": {k, token, nil}, "too long": {k, token, long}, "of the future": {k, token, ahead},
	} {
		if s, err := bad.key.open(start, bad.token, bad.blob); err == nil {
			t.Errorf("%s: believed: %+v", name, s)
		}
	}
}

// FuzzKeeper lets strangers say anything to a home: it must neither panic nor
// wait for ever, and forgets them.
func FuzzKeeper(f *testing.F) {
	for _, m := range []wire.Message{
		wire.Appear{Sightings: []wire.Sighting{{Token: wire.Token{1}, Blob: []byte("here")}}},
		wire.Watch{Home: wire.Member{Node: key("a").ID(), Addr: netip.MustParseAddrPort("10.0.0.1:4000")}, Tokens: []wire.Token{{1}}},
		wire.Look{Token: wire.Token{1}, Stay: 600}, wire.Seen{Token: wire.Token{1}, Code: wire.SeenAbsent},
	} {
		f.Add(wire.Append(nil, m), wire.Append(nil, m), uint8(3))
	}
	f.Fuzz(func(t *testing.T, first, second []byte, who uint8) {
		k, now := NewKeeper(config(1)), start
		from := netip.MustParseAddrPort("10.0.0.1:4000")
		ix := wire.Index(who) + 1 // no session has index 0
		for i, b := range [][]byte{first, second, first} {
			m, err := wire.Parse(b)
			if err != nil {
				return
			}
			switch m := m.(type) {
			case wire.Look:
				k.Look(now, from, m)
			case wire.Seen:
				k.Told(now, from, m)
				k.Reply(now, from, uint64(who), m)
			default:
				k.Handle(now, ix+wire.Index(i%2), m, func(wire.Member) bool { return who&4 > 0 }, func(wire.Member) bool { return who&8 > 0 })
			}
			for _, e := range k.Take() {
				if a, ok := e.(Ask); ok {
					k.Reply(now, a.To.Addr, a.Nonce, m)
				}
			}
		}
		k.Lost(now, ix)
		k.Lost(now, ix+1)
		for range 100 {
			if next := k.Next(); !next.IsZero() {
				now = later(now, next)
				k.Advance(now)
				k.Take()
			}
		}
		if len(k.places)+len(k.errands)+len(k.asks)+len(k.visitors) > 0 {
			t.Errorf("%d places, %d errands, %d questions, %d visitors are left", len(k.places), len(k.errands), len(k.asks), len(k.visitors))
		}
	})
}

// TestKeeperLimits: what a phone may leave and watch at one home is bounded.
func TestKeeperLimits(t *testing.T) {
	k := NewKeeper(config(1))
	yes := func(wire.Member) bool { return true }
	no := func(wire.Member) bool { return false }
	home := wire.Member{Node: key("a").ID(), Addr: netip.MustParseAddrPort("10.0.0.1:4000")}
	n := 0
	token := func() wire.Token { n++; return wire.Token{byte(n >> 8), byte(n)} }
	for range 150 {
		var s []wire.Sighting
		for range wire.MaxSightings {
			s = append(s, wire.Sighting{Token: token(), Blob: []byte("here")})
		}
		k.Handle(start, 1, wire.Appear{Sightings: s}, no, yes)
	}
	if len(k.places) != maxPlacesOf {
		t.Errorf("one phone shows itself at %d tokens, want %d", len(k.places), maxPlacesOf)
	}
	for range 200 {
		k.Handle(start, 2, wire.Watch{Home: home, Tokens: []wire.Token{token(), token(), token(), token(), token(), token(), token(), token(), token(), token()}}, no, yes)
	}
	if len(k.errands) != 3*maxPlacesOf {
		t.Errorf("one phone watches %d tokens, want %d", len(k.errands), 3*maxPlacesOf)
	}
	before := k.Counters().Limited
	k.Handle(start, 2, wire.Watch{Home: home, Tokens: []wire.Token{token()}}, no, yes)
	if k.Counters().Limited == before {
		t.Error("one message too many was taken")
	}
	k.Take()
	k.Handle(start, 3, wire.Watch{Home: home, Tokens: []wire.Token{token()}}, no, no)
	for _, e := range k.Take() {
		if _, asks := e.(Ask); asks {
			t.Error("a phone let us send to an address that is no supernode's")
		}
	}
	if k.Counters().Foreign != 1 {
		t.Error("that was not counted")
	}
	same := wire.Token{9, 9, 9}
	for i := range 20 {
		k.Look(start, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}), 4000), wire.Look{Token: same, Stay: 600})
	}
	if n := len(k.places[same].lookers); n != maxLookers {
		t.Errorf("%d homes watch one token, want %d", n, maxLookers)
	}
}
