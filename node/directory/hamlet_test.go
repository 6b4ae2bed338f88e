package directory

import (
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
	queue happenings
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
				buddies = append(buddies, Buddy{Account: g.account.ID(), Key: PresenceKeyFor(g.account, f.account.ID()), Ours: PresenceKeyFor(f.account, g.account.ID())})
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
	heap.Push(&h.queue, happening{h.now.Add(d), h.seq, do})
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
		x := heap.Pop(&h.queue).(happening)
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
				switch m := over(h.t, e.Message).(type) {
				case wire.Seen:
					f.presence.Handle(h.now, e.Index, m)
				case wire.Looked:
					f.presence.Looked(h.now, e.Index, m)
				}
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
