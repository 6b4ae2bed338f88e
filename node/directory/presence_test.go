package directory

import (
	"bytes"
	"container/heap"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// A hamlet is homes and phones on a network with delays and losses, where
// everybody may vanish without a word. Presence and Keeper are the real ones;
// sessions, attachments and the index are what the test says they are.
type hamlet struct {
	t     *testing.T
	rand  *rand.Rand
	now   time.Time
	queue hamletQueue
	seq   int
	homes []*presenceHome
	folks []*folk
	loss  float64 // of questions between homes
	last  wire.Index
}

type presenceHome struct {
	keeper *Keeper
	member wire.Member
	up     bool
	lies   bool                     // shows for ever what it was shown first
	first  map[wire.Token]wire.Seen // that a liar shows
	guests map[wire.Index]*folk     // sessions
	wake   time.Time
}

type folk struct {
	presence *Presence
	account  identity.Key
	device   identity.ID
	up       bool
	at       map[wire.Index]*presenceHome
	record   *wire.Listing // as the index has it
	wake     time.Time
}

type hamletStep struct {
	at  time.Time
	seq int
	do  func()
}

type hamletQueue []hamletStep

func (l hamletQueue) Len() int { return len(l) }
func (l hamletQueue) Less(i, j int) bool {
	return l[i].at.Before(l[j].at) || l[i].at.Equal(l[j].at) && l[i].seq < l[j].seq
}
func (l hamletQueue) Swap(i, j int) { l[i], l[j] = l[j], l[i] }
func (l *hamletQueue) Push(x any)   { *l = append(*l, x.(hamletStep)) }
func (l *hamletQueue) Pop() any {
	x := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return x
}

func newHamlet(t *testing.T, seed uint64, homes, folks int) *hamlet {
	t.Logf("seed %d", seed)
	h := &hamlet{t: t, rand: rand.New(rand.NewPCG(seed, 7)), now: start}
	for i := range homes {
		k := NewKeeper(config(byte(i)))
		m := wire.Member{Node: key("home " + string(rune('A'+i))).ID(), Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), 4000)}
		h.homes = append(h.homes, &presenceHome{keeper: k, member: m, up: true, guests: map[wire.Index]*folk{}, first: map[wire.Token]wire.Seen{}})
	}
	for i := range folks {
		account := key("folk " + string(rune('A'+i)))
		f := &folk{account: account, device: account.Derive("device").ID(), at: map[wire.Index]*presenceHome{}}
		f.presence = NewPresence(config(byte(100+i)), f.device)
		h.folks = append(h.folks, f)
	}
	for _, f := range h.folks {
		var readers []PresenceKey
		var buddies []Buddy
		for _, g := range h.folks {
			if g != f {
				readers = append(readers, PresenceKeyFor(f.account, g.account.ID()))
				buddies = append(buddies, Buddy{Account: g.account.ID(), Key: PresenceKeyFor(g.account, f.account.ID())})
			}
		}
		f.presence.SetReaders(h.now, readers)
		f.presence.SetBuddies(h.now, buddies)
		h.appear(f)
	}
	return h
}

func (h *hamlet) after(d time.Duration, do func()) {
	h.seq++
	heap.Push(&h.queue, hamletStep{h.now.Add(d), h.seq, do})
}

func (h *hamlet) delay() time.Duration {
	return time.Duration(10+h.rand.IntN(150)) * time.Millisecond
}

// advance lets time pass.
func (h *hamlet) advance(d time.Duration) {
	end := h.now.Add(d)
	for {
		h.settle()
		if len(h.queue) == 0 || h.queue[0].at.After(end) {
			break
		}
		x := heap.Pop(&h.queue).(hamletStep)
		h.now = x.at
		x.do()
	}
	h.now = end
	h.settle()
}

// settle carries out what the cores want, and sets their timers.
func (h *hamlet) settle() {
	for _, f := range h.folks {
		for _, e := range f.presence.Take() {
			h.carryFolk(f, e)
		}
		f.wake = h.timer(f.wake, f.presence.Next(), func() { f.presence.Advance(h.now) })
	}
	for _, k := range h.homes {
		for _, e := range k.keeper.Take() {
			h.carryHome(k, e)
		}
		if !k.up {
			continue
		}
		keeper := k.keeper
		k.wake = h.timer(k.wake, keeper.Next(), func() {
			if k.up && k.keeper == keeper {
				keeper.Advance(h.now)
			}
		})
	}
}

// timer sees to it that fire is called at next; too often does no harm.
func (h *hamlet) timer(set, next time.Time, fire func()) time.Time {
	if next.IsZero() || next.Equal(set) && set.After(h.now) {
		return set
	}
	h.after(max(0, next.Sub(h.now)), fire)
	return next
}

func (h *hamlet) carryFolk(f *folk, e Event) {
	switch e := e.(type) {
	case Send:
		home := f.at[e.Index]
		if home == nil {
			return
		}
		h.after(h.delay(), func() {
			if home.up && home.guests[e.Index] == f {
				home.keeper.Handle(h.now, e.Index, over(h.t, e.Message), func(m wire.Member) bool { return m.Node == home.member.Node }, h.isMember)
			}
		})
	case Locate:
		h.after(h.delay(), func() { f.presence.Located(h.now, e.Account, h.find(e.Account)) })
	}
}

// over sends a message over the wire.
func over(t *testing.T, m wire.Message) wire.Message {
	t.Helper()
	again, err := wire.Parse(wire.Append(nil, m))
	if err != nil {
		t.Fatalf("%#v: %v", m, err)
	}
	return again
}

func (h *hamlet) isMember(m wire.Member) bool {
	return slices.ContainsFunc(h.homes, func(k *presenceHome) bool { return k.member == m })
}

func (h *hamlet) find(account identity.ID) Result {
	for _, f := range h.folks {
		if f.account.ID() == account && f.record != nil {
			return Result{Outcome: Located, Listing: *f.record, Name: identity.NameCertificate{Certificate: identity.Certificate{Subject: account}}}
		}
	}
	return Result{Outcome: Absent}
}

func (h *hamlet) carryHome(k *presenceHome, e Event) {
	if !k.up {
		return
	}
	switch e := e.(type) {
	case Send:
		f := k.guests[e.Index]
		h.after(h.delay(), func() {
			if f != nil && f.up && f.at[e.Index] == k {
				f.presence.Handle(h.now, e.Index, over(h.t, e.Message).(wire.Seen))
			}
		})
	case Ask:
		h.after(h.delay(), func() { h.question(k, e) })
	}
}

// question brings a question to another home, and its answer back.
func (h *hamlet) question(from *presenceHome, q Ask) {
	i := slices.IndexFunc(h.homes, func(k *presenceHome) bool { return k.member.Addr == q.To.Addr })
	if i < 0 || !h.homes[i].up || h.rand.Float64() < h.loss {
		return
	}
	to := h.homes[i]
	var answer wire.Message
	switch m := over(h.t, q.Message).(type) {
	case wire.Look:
		answer = to.lie(to.keeper.Look(h.now, from.member.Addr, m))
	case wire.Seen:
		if !to.keeper.Told(h.now, from.member.Addr, from.lie(m).(wire.Seen)) {
			return
		}
	}
	h.after(h.delay(), func() {
		if from.up && h.rand.Float64() >= h.loss {
			from.keeper.Reply(h.now, to.member.Addr, q.Nonce, answer)
		}
	})
}

// lie is what a lying home says in the place of the truth.
func (k *presenceHome) lie(m wire.Message) wire.Message {
	s, ok := m.(wire.Seen)
	if !ok || !k.lies {
		return m
	}
	if old, ok := k.first[s.Token]; ok {
		return old
	}
	if s.Code == wire.SeenHere {
		k.first[s.Token] = s
	}
	return s
}

// appear lets a phone attach to three homes, and publish where it is.
func (h *hamlet) appear(f *folk) {
	f.up = true
	for _, i := range h.rand.Perm(len(h.homes)) {
		k := h.homes[i]
		if len(f.at) < 3 && k.up && !f.isAt(k) {
			h.last++
			f.at[h.last], k.guests[h.last] = k, f
		}
	}
	h.homesChanged(f)
}

func (f *folk) isAt(k *presenceHome) bool {
	for _, other := range f.at {
		if other == k {
			return true
		}
	}
	return false
}

func (h *hamlet) homesChanged(f *folk) {
	var list []PresenceHome
	record := wire.Listing{Devices: []wire.Device{{Device: f.device, Node: f.device}}}
	for ix := wire.Index(1); ix <= h.last; ix++ {
		if k := f.at[ix]; k != nil {
			list = append(list, PresenceHome{ix, k.member.Node})
			record.Devices[0].Homes = append(record.Devices[0].Homes, k.member)
		}
	}
	f.presence.SetHomes(h.now, list)
	if len(list) > 0 {
		f.record = &record
	}
}

// vanish lets a phone go without a word; its homes find out within 90 s.
func (h *hamlet) vanish(f *folk) {
	f.up = false
	for ix := wire.Index(1); ix <= h.last; ix++ { // in order: each draws a time
		k := f.at[ix]
		if k == nil {
			continue
		}
		delete(f.at, ix)
		h.after(time.Duration(h.rand.IntN(90))*time.Second, func() {
			delete(k.guests, ix)
			k.keeper.Lost(h.now, ix)
		})
	}
	f.presence.SetHomes(h.now, nil)
}

// die lets a home go without a word; its phones find out within 40 s and attach
// elsewhere.
func (h *hamlet) die(k *presenceHome) {
	k.up = false
	for _, f := range h.folks {
		if f.isAt(k) {
			h.after(time.Duration(h.rand.IntN(40))*time.Second, func() { h.leave(f, k) })
		}
	}
}

func (h *hamlet) leave(f *folk, k *presenceHome) {
	for ix, other := range f.at {
		if other == k {
			delete(f.at, ix)
		}
	}
	if f.up {
		h.appear(f)
	}
}

// wrong counts who is taken for what he is not, and who is unknown.
func (h *hamlet) wrong() (wrong, unknown int) {
	for _, f := range h.folks {
		for _, g := range h.folks {
			if f == g || !f.up {
				continue
			}
			switch s := f.presence.Sight(h.now, g.account.ID()); {
			case s.State == PresenceUnknown:
				unknown++
			case (s.State == Reachable) != g.up:
				wrong++
			case s.At.IsZero() || s.At.After(h.now):
				h.t.Errorf("a state without an age: %+v", s)
			}
		}
	}
	return wrong, unknown
}

func (h *hamlet) wantTruth(when string) {
	h.t.Helper()
	if wrong, unknown := h.wrong(); wrong+unknown > 0 {
		h.t.Errorf("%s: %d wrong, %d unknown", when, wrong, unknown)
	}
}

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
				k.Handle(now, wire.Index(who)+wire.Index(i%2), m, func(wire.Member) bool { return who&4 > 0 }, func(wire.Member) bool { return who&8 > 0 })
			}
			for _, e := range k.Take() {
				if a, ok := e.(Ask); ok {
					k.Reply(now, a.To.Addr, a.Nonce, m)
				}
			}
		}
		k.Lost(now, wire.Index(who))
		k.Lost(now, wire.Index(who)+1)
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
