package path

import (
	"math/rand/v2"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// post is a script of a relay: phones a and b, which have a session each with
// it, and a stranger.
type post struct {
	*testing.T
	now   time.Time
	relay *Relay
	keys  map[string]identity.Key
}

// The relay itself is "relay"; sessions and addresses follow from the names.
var guests = map[string]struct {
	ix   wire.Index
	addr string
}{
	"a": {1, "192.0.2.1:1000"}, "b": {2, "192.0.2.2:2000"}, "stranger": {3, "192.0.2.3:3000"},
}

func newPost(t *testing.T, cfg RelayConfig) *post {
	p := &post{T: t, now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), keys: map[string]identity.Key{}}
	for i, name := range []string{"relay", "a", "b", "stranger"} {
		p.keys[name] = identity.KeyFromSeed([32]byte{byte(i + 1), 0x7e})
	}
	cfg.Rand, cfg.Verify = rand.NewChaCha8([32]byte{1}), identity.ID.Verify
	p.relay = NewRelay(cfg)
	p.relay.SetSelf(p.now, p.id("relay"))
	return p
}

func (p *post) id(name string) identity.ID { return p.keys[name].ID() }

func (p *post) way(name string) Way { return Way{Addr: netip.MustParseAddrPort(guests[name].addr)} }

// ticket is b's word that a may call it.
func (p *post) ticket(serial uint64) wire.Ticket {
	t := wire.Ticket{
		Relay:  wire.Member{Node: p.id("relay"), Addr: netip.MustParseAddrPort("192.0.2.9:9")},
		Caller: p.id("a"), Callee: p.id("b"), Serial: serial,
		Expiry: p.now.Add(time.Hour).Unix(), Budget: ticketBudget,
	}
	return p.sign(t)
}

func (p *post) sign(t wire.Ticket) wire.Ticket {
	t.Signature = p.keys["b"].Sign(wire.TicketMessage(t))
	return t
}

// open lets name open its leg and returns what the relay answers.
func (p *post) open(name string, t wire.Ticket) wire.Message {
	p.Helper()
	p.relay.Open(p.now, guests[name].ix, p.id(name), p.way(name), wire.RelayOpen{Ticket: t})
	out := p.relay.Take()
	if len(out) != 1 || out[0].(RelayReply).Index != guests[name].ix {
		p.Fatalf("%s opens: %+v", name, out)
	}
	return out[0].(RelayReply).Message
}

// channel opens the leg of name.
func (p *post) channel(name string, t wire.Ticket) uint32 {
	p.Helper()
	m, ok := p.open(name, t).(wire.RelayOpened)
	if !ok || m.Serial != t.Serial {
		p.Fatalf("%s is refused", name)
	}
	return m.Channel
}

// wantRefused lets name open a leg in vain.
func (p *post) wantRefused(what, name string, t wire.Ticket, code wire.RelayCode) {
	p.Helper()
	m, ok := p.open(name, t).(wire.RelayRefused)
	if !ok || m.Code != code || m.Serial != t.Serial || (m.After > 0) != (code == wire.RelayBusy) {
		p.Errorf("%s: answered %+v, want refusal %d", what, m, code)
	}
}

// both opens both legs.
func (p *post) both(t wire.Ticket) (a, b uint32) { return p.channel("a", t), p.channel("b", t) }

func (p *post) advance(d time.Duration) {
	for end := p.now.Add(d); ; {
		next := p.relay.Next()
		if next.IsZero() || next.After(end) {
			p.now = end
			return
		}
		p.now = next
		p.relay.Advance(p.now)
	}
}

// sealed looks like a session frame of n bytes.
func sealed(n int) []byte {
	return append(wire.AppendHeader(nil, wire.Header{To: 7}), make([]byte, n-wire.SessionHeader)...)
}

// forward sends a frame by a channel from where name is.
func (p *post) forward(from Way, channel uint32, n int) (to Way, at uint32, ok bool) {
	b := wire.AppendRelay(nil, channel, sealed(n))
	to, ok = p.relay.Legs().Forward(from, b)
	at, _, _ = wire.ParseRelay(b)
	return to, at, ok
}

func TestAPairCarriesBothWays(t *testing.T) {
	p := newPost(t, RelayConfig{})
	ticket := p.ticket(1)
	a := p.channel("a", ticket)
	if _, _, ok := p.forward(p.way("a"), a, 80); ok {
		t.Error("a frame goes on although the other leg is not open")
	}
	b := p.channel("b", ticket)
	if again := p.channel("a", ticket); again != a {
		t.Errorf("asked again, a gets channel %06x, before %06x", again, a)
	}
	if to, at, ok := p.forward(p.way("a"), a, 80); !ok || to != p.way("b") || at != b {
		t.Errorf("a's frame goes to %v by %06x (%v), want b by %06x", to, at, ok, b)
	}
	if to, at, ok := p.forward(p.way("b"), b, 80); !ok || to != p.way("a") || at != a {
		t.Errorf("b's frame goes to %v by %06x (%v), want a by %06x", to, at, ok, a)
	}
	if c := p.relay.Legs().Counts(); c.Carried != 2 || c.Bytes != 2*2*(84+28) || c.Lonely != 1 {
		t.Errorf("counted %+v", c)
	}
}

// Nothing goes anywhere for who is not where its leg is bound.
func TestNobodyElseIsCarried(t *testing.T) {
	p := newPost(t, RelayConfig{})
	a, b := p.both(p.ticket(1))
	for what, f := range map[string]struct {
		from    Way
		channel uint32
	}{
		"a channel that is not": {p.way("a"), a ^ 0x5000},
		"the other's channel":   {p.way("a"), b},
		"a stranger":            {p.way("stranger"), a},
		"a's host, other port":  {Way{Addr: netip.MustParseAddrPort("192.0.2.1:1001")}, a},
		"another socket":        {Way{Addr: p.way("a").Addr, Socket: 3}, a},
		"a stream":              {Way{Stream: 5}, a},
		"nowhere":               {Way{}, a},
	} {
		if to, _, ok := p.forward(f.from, f.channel, 80); ok {
			t.Errorf("%s: a frame goes to %v", what, to)
		}
	}
	for what, inner := range map[string][]byte{
		"a handshake": {wire.HandshakeByte, 0, 0}, "STUN": {0, 1, 0, 0}, "a relay in a relay": wire.AppendRelay(nil, b, sealed(80)),
		"nothing": {}, "too much": sealed(wire.MaxInner + 1),
	} {
		if to, ok := p.relay.Legs().Forward(p.way("a"), wire.AppendRelay(nil, a, inner)); ok {
			t.Errorf("%s is carried to %v", what, to)
		}
	}
}

func TestTicketsAreChecked(t *testing.T) {
	p := newPost(t, RelayConfig{})
	change := func(f func(*wire.Ticket)) wire.Ticket {
		ticket := p.ticket(1)
		f(&ticket)
		return p.sign(ticket)
	}
	p.wantRefused("for another relay", "a", change(func(t *wire.Ticket) { t.Relay.Node = p.id("stranger") }), wire.RelayForeign)
	p.wantRefused("of others", "stranger", p.ticket(1), wire.RelayForeign)
	p.wantRefused("to oneself", "b", change(func(t *wire.Ticket) { t.Caller = p.id("b") }), wire.RelayForeign)
	p.wantRefused("expired", "a", change(func(t *wire.Ticket) { t.Expiry = p.now.Unix() }), wire.RelayExpired)
	p.wantRefused("for ever", "a", change(func(t *wire.Ticket) { t.Expiry = p.now.Add(25 * time.Hour).Unix() }), wire.RelayForeign)
	p.wantRefused("for ever and ever", "a", change(func(t *wire.Ticket) { t.Expiry = 1<<63 - 1 }), wire.RelayForeign)
	p.wantRefused("long ago", "a", change(func(t *wire.Ticket) { t.Expiry = -1 << 63 }), wire.RelayExpired)
	forged := p.ticket(1)
	forged.Budget++
	p.wantRefused("not signed", "a", forged, wire.RelayForeign)
	p.advance(time.Minute) // the bucket of a is full again
	p.both(p.ticket(1))
	p.wantRefused("a pair of others", "stranger", p.ticket(1), wire.RelayForeign)
	if c := p.relay.Counts(); c.Forged != 1 || c.Opened != 1 || c.Refused != 9 {
		t.Errorf("counted %+v", c)
	}
}

// A ticket is good for one pair.
func TestATicketServesOnce(t *testing.T) {
	p := newPost(t, RelayConfig{})
	ticket := p.ticket(1)
	a, b := p.both(ticket)
	p.relay.Closed(p.now, guests["a"].ix, wire.RelayClosed{Channel: a, Code: wire.RelayDone})
	out := p.relay.Take()
	if len(out) != 1 || out[0] != (RelayReply{guests["b"].ix, wire.RelayClosed{Channel: b, Code: wire.RelayGone}}) {
		t.Errorf("after a has closed its leg: %+v", out)
	}
	if _, _, ok := p.forward(p.way("b"), b, 80); ok {
		t.Error("a closed pair carries")
	}
	p.wantRefused("used", "a", ticket, wire.RelaySpent)
	p.both(p.ticket(2))
}

func TestAPairEnds(t *testing.T) {
	t.Run("spent", func(t *testing.T) {
		p := newPost(t, RelayConfig{})
		ticket := p.ticket(1)
		ticket.Budget = 3000
		a, _ := p.both(p.sign(ticket))
		for range 3 {
			p.forward(p.way("a"), a, 1000)
		}
		if c := p.relay.Legs().Counts(); c.Carried != 2 || c.Limited != 1 {
			t.Errorf("counted %+v, want two frames carried of three", c)
		}
		p.advance(relayTick)
		p.wantEnd(wire.RelaySpent)
	})
	t.Run("lonely", func(t *testing.T) {
		p := newPost(t, RelayConfig{})
		p.channel("a", p.ticket(1))
		p.advance(lonelyFor - relayTick)
		if p.relay.Pairs() != 1 {
			t.Error("it ended early")
		}
		p.advance(2 * relayTick)
		if out := p.relay.Take(); len(out) != 1 || p.relay.Pairs() != 0 {
			t.Errorf("%d pairs, said %+v", p.relay.Pairs(), out)
		}
	})
	t.Run("idle", func(t *testing.T) {
		p := newPost(t, RelayConfig{})
		a, _ := p.both(p.ticket(1))
		p.advance(idleFor / 2)
		p.forward(p.way("a"), a, 80)
		p.advance(idleFor - relayTick)
		if p.relay.Pairs() != 1 {
			t.Error("it ended although it carried")
		}
		p.advance(2 * relayTick)
		p.wantEnd(wire.RelayGone)
	})
}

// wantEnd wants both legs to hear that the pair has ended.
func (p *post) wantEnd(why wire.RelayCode) {
	p.Helper()
	out := p.relay.Take()
	for _, e := range out {
		if m, ok := e.(RelayReply).Message.(wire.RelayClosed); !ok || m.Code != why {
			p.Errorf("said %+v, want the end by %d", e, why)
		}
	}
	if len(out) != 2 || p.relay.Pairs() != 0 {
		p.Errorf("%d pairs, said %+v", p.relay.Pairs(), out)
	}
}

// A leg moves with the first frame from an address that has proven itself, and
// not before.
func TestALegMoves(t *testing.T) {
	p := newPost(t, RelayConfig{})
	a, b := p.both(p.ticket(1))
	moved := Way{Addr: netip.MustParseAddrPort("198.51.100.1:1000")}
	if _, _, ok := p.forward(moved, a, 80); ok {
		t.Error("a leg moves without proof")
	}
	p.relay.Proven(p.now, guests["a"].ix, moved)
	if to, _, _ := p.forward(p.way("b"), b, 80); to != p.way("a") {
		t.Errorf("b's frames go to %v before anything came from there", to)
	}
	if to, at, ok := p.forward(moved, a, 80); !ok || to != p.way("b") || at != b {
		t.Error("a's frames from where it has moved do not go on")
	}
	if to, _, _ := p.forward(p.way("b"), b, 80); to != moved {
		t.Errorf("b's frames go to %v, want where a has moved", to)
	}
	if _, _, ok := p.forward(p.way("a"), a, 80); !ok {
		t.Error("a has two uplinks, and one of them does not carry")
	}
}

// A leg survives its session: its owner opens it again in another one.
func TestALegIsOpenedAgain(t *testing.T) {
	p := newPost(t, RelayConfig{})
	ticket := p.ticket(1)
	a, b := p.both(ticket)
	p.relay.Lost(p.now, guests["a"].ix)
	if _, _, ok := p.forward(p.way("a"), a, 80); ok {
		t.Error("a leg carries whose session is gone")
	}
	stream := Way{Stream: 9}
	p.relay.Open(p.now, 77, p.id("a"), stream, wire.RelayOpen{Ticket: ticket})
	if to, _, ok := p.forward(p.way("b"), b, 80); !ok || to != stream {
		t.Errorf("b's frames go to %v (%v), want %v", to, ok, stream)
	}
}

func TestRelayAdmits(t *testing.T) {
	t.Run("an identity", func(t *testing.T) {
		p := newPost(t, RelayConfig{})
		for n := range uint64(opensBurst) {
			p.channel("a", p.ticket(n))
		}
		p.wantRefused("too many at once", "a", p.ticket(100), wire.RelayBusy)
		p.advance(opensEvery)
		p.channel("a", p.ticket(101))
		p.advance(10 * time.Second)
		for n := range uint64(maxLive - opensBurst - 1) {
			p.channel("a", p.ticket(200+n))
		}
		p.wantRefused("too many in all", "a", p.ticket(300), wire.RelayBusy)
	})
	t.Run("the line", func(t *testing.T) {
		p := newPost(t, RelayConfig{Line: 2 * pairRate})
		p.channel("a", p.ticket(1))
		p.channel("a", p.ticket(2))
		p.wantRefused("more than the line carries", "a", p.ticket(3), wire.RelayBusy)
	})
	t.Run("a sender's share", func(t *testing.T) {
		p := newPost(t, RelayConfig{})
		a, _ := p.both(p.ticket(1))
		sent := 0
		for range 10 {
			for range 1000 {
				if _, _, ok := p.forward(p.way("a"), a, 1000); ok {
					sent += 1004
				}
			}
			p.advance(relayTick)
		}
		if limit := purseSize + purseRate*10/4; sent > limit || sent < limit*9/10 {
			t.Errorf("%d bytes sent in 2.5 s, want at most %d", sent, limit)
		}
	})
}

// TestTheRelaysRetryAfterIsSpread: those whom a full relay refuses at once are told
// different times, each about as often, so that they do not come back together.
func TestTheRelaysRetryAfterIsSpread(t *testing.T) {
	p := newPost(t, RelayConfig{Line: 2 * pairRate})
	p.channel("a", p.ticket(1))
	p.channel("a", p.ticket(2))
	const refused = 1100
	told := map[uint16]int{}
	for n := range uint64(refused) {
		p.now = p.now.Add(opensEvery) // the line is full, not the identity's purse empty
		m, ok := p.open("a", p.ticket(10+n)).(wire.RelayRefused)
		if !ok || m.Code != wire.RelayBusy {
			t.Fatalf("asker %d is not refused as busy: %+v", n, m)
		}
		told[m.After]++
	}
	const least, values = 5, 11
	for after := range uint16(values) {
		if n := told[least+after]; n < refused/values/2 || n > refused/values*2 {
			t.Errorf("%d of %d are told to come back after %d s, want about %d", n, refused, least+after, refused/values)
		}
	}
	if len(told) != values {
		t.Errorf("told %v, want %d to %d s", told, least, least+values-1)
	}
}

// The owner's cap holds over restarts, and a new month begins anew.
// Who is rung up by strangers as often as three homes let them, for an hour, is
// never without legs at its three relays.
func TestStrangersDoNotUseUpTheLegs(t *testing.T) {
	p := newPost(t, RelayConfig{})
	const homes, relays, legs = 3, 3, 2
	refused, serial := 0, uint64(0)
	for range time.Hour / calleeEvery {
		for range homes * legs / relays {
			serial++
			ticket := p.ticket(serial)
			m, ok := p.open("b", ticket).(wire.RelayOpened)
			if !ok {
				refused++
				continue
			}
			p.relay.Closed(p.now, guests["b"].ix, wire.RelayClosed{Channel: m.Channel, Code: wire.RelayDone})
			p.relay.Take()
		}
		p.advance(calleeEvery)
	}
	if refused > 0 {
		t.Errorf("%d of %d legs are refused", refused, serial)
	}
}

func TestMonthlyCap(t *testing.T) {
	p := newPost(t, RelayConfig{Monthly: 1 << 20, Kept: RelayMonth{"2026-11", 1<<20 - 100_000}})
	a, _ := p.both(p.ticket(1))
	carried := 0
	for range 100 {
		if _, _, ok := p.forward(p.way("a"), a, 1000); ok {
			carried++
		}
	}
	if m := p.relay.Month(); m.Bytes > 1<<20 || m.Bytes < 1<<20-3000 || carried != 100_000/2/(1004+28) {
		t.Errorf("%d frames carried, %+v", carried, m)
	}
	p.advance(relayTick)
	p.wantEnd(wire.RelayCapped)
	p.wantRefused("after the cap", "a", p.ticket(2), wire.RelayCapped)
	p.now = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	p.relay.Advance(p.now)
	if kept := p.relay.Month(); kept.Month != "2026-12" || kept.Bytes != 0 {
		t.Errorf("kept %+v in the new month", kept)
	}
	p.both(p.ticket(3))
}

// A relay finds out what its line carries.
func TestTheLineIsMeasured(t *testing.T) {
	l := newLoad(0)
	at, c := time.Unix(0, 0), LegCounts{}
	second := func(bytes, failed uint64) {
		at = at.Add(time.Second)
		c.Bytes += 2 * bytes
		c.Failed += failed
		l.measure(at, c, 10)
	}
	second(0, 0)
	second(200<<10, 0)
	if l.line != 400<<10 {
		t.Errorf("after 200 kB/s the line is trusted with %v, want twice that", l.line)
	}
	second(380<<10, 17)
	if l.line != 0.8*380*1024 {
		t.Errorf("after frames failed at 380 kB/s the line is trusted with %v, want a fifth less", l.line)
	}
	if l.room(int(l.line/l.each)+1) || !l.room(int(l.line/l.each)-1) {
		t.Errorf("pairs of %v B/s are not admitted by the line", l.each)
	}
}

func TestForwardDoesNotAllocate(t *testing.T) {
	p := newPost(t, RelayConfig{})
	a, _ := p.both(p.ticket(1))
	frame := wire.AppendRelay(nil, a, sealed(80))
	from := p.way("a")
	if n := testing.AllocsPerRun(1000, func() {
		wire.SetChannel(frame, a)
		p.relay.Legs().Forward(from, frame)
	}); n != 0 {
		t.Errorf("%v allocations a frame, want none", n)
	}
}

// A leg takes at most 1 kB, with all that belongs to it.
func TestMemoryOfALeg(t *testing.T) {
	const pairs = 500
	p := newPost(t, RelayConfig{Line: 1 << 40})
	p.relay.verify = func(identity.ID, []byte, []byte) bool { return true }
	p.channel("a", p.ticket(1)) // the table of all channels
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range pairs {
		var caller, callee identity.ID
		caller[0], caller[1], caller[2] = 1, byte(i>>8), byte(i)
		callee[0], callee[1], callee[2] = 2, byte(i>>8), byte(i)
		ticket := wire.Ticket{
			Relay: wire.Member{Node: p.id("relay")}, Caller: caller, Callee: callee,
			Serial: uint64(i), Expiry: p.now.Add(time.Hour).Unix(), Budget: ticketBudget,
		}
		p.relay.Open(p.now, wire.Index(10+2*i), caller, p.way("a"), wire.RelayOpen{Ticket: ticket})
		p.relay.Open(p.now, wire.Index(11+2*i), callee, p.way("b"), wire.RelayOpen{Ticket: ticket})
		p.relay.Take()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if p.relay.Pairs() != pairs+1 {
		t.Fatalf("%d pairs", p.relay.Pairs())
	}
	if each := float64(after.HeapAlloc-before.HeapAlloc) / (2 * pairs); each > 1000 {
		t.Errorf("a leg takes %.0f bytes, want at most 1000", each)
	} else {
		t.Logf("a leg takes %.0f bytes", each)
	}
	runtime.KeepAlive(p)
}

// The callee opens its leg first. A caller with a session here hears so at once, and
// may speak before it has asked; nothing goes to it until it does one or the other.
func TestTheCallerIsCalled(t *testing.T) {
	for what, asks := range map[string]bool{"it speaks": false, "it asks": true} {
		t.Run(what, func(t *testing.T) {
			p := newPost(t, RelayConfig{})
			p.relay.with = func(id identity.ID) (wire.Index, Way, bool) {
				return guests["a"].ix, p.way("a"), id == p.id("a")
			}
			ticket := p.ticket(1)
			p.relay.Open(p.now, guests["b"].ix, p.id("b"), p.way("b"), wire.RelayOpen{Ticket: ticket})
			out := p.relay.Take()
			if len(out) != 2 {
				t.Fatalf("b opens: %+v", out)
			}
			b := out[0].(RelayReply).Message.(wire.RelayOpened).Channel
			called := out[1].(RelayReply)
			ready, ok := called.Message.(wire.RelayReady)
			if !ok || called.Index != guests["a"].ix || ready.Serial != 1 {
				t.Fatalf("a is told %+v", called)
			}
			if to, _, ok := p.forward(p.way("b"), b, 80); ok {
				t.Errorf("b's frame goes to %v, who has not asked for it", to)
			}
			if to, _, ok := p.forward(p.way("stranger"), ready.Channel, 80); ok {
				t.Errorf("a stranger's frame goes to %v", to)
			}
			if asks {
				if again := p.channel("a", ticket); again != ready.Channel {
					t.Errorf("a asks and gets channel %06x, told before %06x", again, ready.Channel)
				}
			}
			if to, at, ok := p.forward(p.way("a"), ready.Channel, 80); !ok || to != p.way("b") || at != b {
				t.Errorf("a's frame goes to %v by %06x (%v), want b by %06x", to, at, ok, b)
			}
			if to, at, ok := p.forward(p.way("b"), b, 80); !ok || to != p.way("a") || at != ready.Channel {
				t.Errorf("b's frame goes to %v by %06x (%v), want a by %06x", to, at, ok, ready.Channel)
			}
		})
	}
}

// Who asks first knows that it does; who asks again is told nothing new.
func TestOnlyTheCallerIsCalledAndOnce(t *testing.T) {
	p := newPost(t, RelayConfig{})
	calls := 0
	p.relay.with = func(id identity.ID) (wire.Index, Way, bool) {
		calls++
		return 0, Way{}, false
	}
	p.both(p.ticket(1)) // a, the caller, first
	if calls != 0 {
		t.Error("somebody is looked for though the caller was first")
	}
	ticket := p.ticket(2)
	p.channel("b", ticket)
	p.channel("b", ticket)
	if p.channel("a", ticket); calls != 1 {
		t.Errorf("the caller was looked for %d times", calls)
	}
}
