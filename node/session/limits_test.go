package session

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// TestSilence sends first flights that nobody may get an answer to.
func TestSilence(t *testing.T) {
	stranger := func(w *world, _ *testNode) Want { return Want{Role: AsNode, Peer: w.key().ID()} }
	network := func(w *world, _ *testNode) Want { return Want{Role: AsNode, Network: w.trust.Network} }
	other := func(w *world, _ *testNode) Want { return Want{Role: AsNode, Network: identity.Network{1}} }
	private := func(c *Config) { c.Public = false }
	for _, c := range []struct {
		name   string
		want   func(*world, *testNode) Want
		config func(*Config)
		lane   bool
		up     bool
	}{
		{"wrong identity", stranger, private, false, false},
		{"wrong identity, introduced", stranger, private, true, false},
		{"wrong identity, supernode", stranger, func(*Config) {}, false, false},
		{"network, phone", network, private, false, false},
		{"network, phone, introduced", network, private, true, true},
		{"network, supernode", network, func(*Config) {}, false, true},
		{"other network, supernode", other, func(*Config) {}, false, false},
		{"no network", func(*world, *testNode) Want { return Want{Role: AsNode} }, func(*Config) {}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 1)
			a, b := w.join("kitchen"), w.join("workshop", c.config)
			b.lane = c.lane
			a.dialWant(b, c.want(w, b))
			w.run(handshakeTimeout * 2)
			if up := len(a.ups) == 1 && len(b.ups) == 1; up != c.up {
				t.Fatalf("up is %v, want %v", up, c.up)
			}
			if !c.up && (b.frames > 0 || len(b.downs) > 0 || b.table.Counts().Silent == 0) {
				t.Fatalf("not silent: %d frames, %+v", b.frames, b.table.Counts())
			}
		})
	}
}

// TestNamesAreHidden dials a phone by its node, as a supernode that knows its
// address would: no name certificate comes.
func TestNamesAreHidden(t *testing.T) {
	w := newWorld(t, 1)
	a, b := w.join("kitchen"), w.join("workshop")
	a.dialWant(b, Want{Role: AsPhone, Peer: b.node.ID()})
	w.run(handshakeTimeout * 2)
	if len(a.ups) > 0 {
		t.Fatal("a phone was reached by its node's key")
	}
	a.wantDown(func(err error) bool { return errors.Is(err, ErrProtocol) }, "for the role")
}

// flood sends first flights of n strangers who know whom to ask for but do not
// stay for the answer.
func (w *world) flood(at *testNode, n int, source func(i int) netip.AddrPort) (bounced [][]byte) {
	for i := range n {
		s := New(Config{Rand: w.random()})
		s.Dial(w.now, Want{Role: AsNode, Peer: at.node.ID()})
		p := NewStandIn(StandInConfig{Rand: w.random(), Badge: func(Role) Badge {
			return Badge{NotAfter: w.now.Add(time.Hour), Chain: 300}
		}}).Do(s.Take()[0].(Request))
		for ix := range s.sessions {
			s.Progress(w.now, ix, p)
		}
		for _, e := range s.Take() {
			at.table.HandleFrom(w.now, e.(Datagram).Frame, source(i), false)
			for _, e := range at.table.Take() {
				if b, ok := e.(Bounce); ok {
					bounced = append(bounced, b.Frame)
				}
			}
		}
	}
	return bounced
}

func one(int) netip.AddrPort { return netip.MustParseAddrPort("198.51.100.7:1") }

// many gives each stranger a network of its own.
func many(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, byte(i), 7}), 1)
}

// TestOneNetworkTakesAQuarter floods from one network: beyond an eighth of the
// room it needs cookies, and beyond a quarter its own oldest give way. Others
// hardly notice.
func TestOneNetworkTakesAQuarter(t *testing.T) {
	w := newWorld(t, 1)
	b := w.join("workshop")
	if n := len(w.flood(b, 50, one)); n != 50-defaultHalfOpen/8 || len(b.table.halfOpen) != defaultHalfOpen/8 {
		t.Fatalf("%d cookies, %d half open", n, len(b.table.halfOpen))
	}
	f := &frame{kind: helloFrame, plain: make([]byte, 500)}
	for i := range 50 {
		f.from, f.attempt, f.cookie = 7, attemptID{byte(i), 9}, nil
		cookie := b.table.jar.cookie(f, one(i))
		f.cookie = cookie[:]
		b.table.HandleFrom(w.now, macKeyOf(b.node.ID()).append(f.append(nil)), one(i), false)
	}
	if n := len(b.table.halfOpenFrom(prefixOf(one(0).Addr()))); n != defaultHalfOpen/4 || b.table.Counts().Full != 50-defaultHalfOpen/8 {
		t.Errorf("%d half open of one network, %+v", n, b.table.Counts())
	}
	w.run(youngest)
	f.from, f.attempt, f.cookie = 7, attemptID{200, 9}, nil
	cookie := b.table.jar.cookie(f, one(0))
	f.cookie = cookie[:]
	b.table.HandleFrom(w.now, macKeyOf(b.node.ID()).append(f.append(nil)), one(0), false)
	if n := len(b.table.halfOpen); n != defaultHalfOpen/4 || b.table.Counts().Evicted != 1 {
		t.Errorf("%d half open, %+v", n, b.table.Counts())
	}
	if n := len(w.flood(b, 10, many)); n != 0 {
		t.Errorf("%d others needed cookies", n)
	}
	for addr, want := range map[string]string{
		"192.168.1.1": "invalid Prefix", "127.0.0.1": "invalid Prefix", "fe80::1": "invalid Prefix", "fd00::1": "invalid Prefix",
		"203.0.113.9": "203.0.113.0/24", "::ffff:203.0.113.9": "203.0.113.0/24", "2001:db8:1:2::3": "2001:db8:1::/48",
	} {
		if got := prefixOf(netip.MustParseAddr(addr)).String(); got != want {
			t.Errorf("%s is of %s, want %s", addr, got, want)
		}
	}
}

func TestCookieUnderLoad(t *testing.T) {
	w := newWorld(t, 1)
	a, b := w.join("kitchen"), w.join("workshop")
	w.flood(b, defaultHalfOpen/2, many)
	if got := len(b.table.halfOpen); got != defaultHalfOpen/2 {
		t.Fatalf("%d half open", got)
	}
	bounced := w.flood(b, 100, one)
	if len(bounced) != 100 || len(b.table.halfOpen) != defaultHalfOpen/2 || len(b.table.sessions) != defaultHalfOpen/2 {
		t.Fatalf("%d cookies, %d half open, %d sessions", len(bounced), len(b.table.halfOpen), len(b.table.sessions))
	}
	if size := len(bounced[0]); size != headerSize+2*macSize {
		t.Errorf("a cookie frame has %d bytes", size)
	}
	w.connect(a, b, AsNode) // an honest caller gets in, one round trip later
	if c := b.table.Counts(); c.Retried == 0 {
		t.Errorf("counts are %+v", c)
	}
	if at := a.table.sessions[a.ups[0].Index].up.Sub(newYear); at != 60*time.Millisecond {
		t.Errorf("with a cookie it took %v", at)
	}
}

// TestCookieIsBound shows cookies from elsewhere, of another attempt, too old,
// and made up.
func TestCookieIsBound(t *testing.T) {
	var j cookieJar
	r := newWorld(t, 1).random()
	draw := func(b []byte) { r.Read(b) }
	j.turn(newYear, draw)
	f := &frame{from: 7, attempt: attemptID{1}}
	cookie := j.cookie(f, one(0))
	f.cookie = cookie[:]
	if !j.good(f, one(0)) {
		t.Fatal("a good cookie is refused")
	}
	for _, other := range []*frame{{from: 8, attempt: attemptID{1}}, {from: 7, attempt: attemptID{2}}} {
		if other.cookie = cookie[:]; j.good(other, one(0)) {
			t.Error("the cookie of another attempt is accepted")
		}
	}
	if j.good(f, netip.MustParseAddrPort("198.51.100.7:2")) || j.good(f, netip.AddrPort{}) {
		t.Error("a cookie from elsewhere is accepted")
	}
	if f.cookie = make([]byte, macSize); j.good(f, one(0)) {
		t.Error("a made-up cookie is accepted")
	}
	f.cookie = cookie[:]
	j.turn(newYear.Add(cookieLife), draw)
	if !j.good(f, one(0)) {
		t.Error("a cookie does not outlive one change of the secret")
	}
	j.turn(newYear.Add(2*cookieLife), draw)
	if j.good(f, one(0)) {
		t.Error("an old cookie is accepted")
	}
}

// TestHalfOpenBounded floods over lanes, where no cookie is asked for: the
// oldest give way, but not before a second.
func TestHalfOpenBounded(t *testing.T) {
	w := newWorld(t, 1)
	a, b := w.join("kitchen"), w.join("workshop", func(c *Config) { c.MaxHalfOpen = 8 })
	half := func() { w.floodLane(b, 8) }
	half()
	half()
	if len(b.table.halfOpen) != 8 || b.table.Counts().Full == 0 {
		t.Fatalf("%d half open, %+v", len(b.table.halfOpen), b.table.Counts())
	}
	for range 40 {
		w.run(youngest)
		half()
		if len(b.table.sessions) != 8 || len(b.table.attempts) != 8 {
			t.Fatalf("%d sessions, %d attempts", len(b.table.sessions), len(b.table.attempts))
		}
	}
	if b.table.Counts().Evicted == 0 {
		t.Fatalf("%+v", b.table.Counts())
	}
	w.run(youngest)
	b.lane = true
	w.connect(a, b, AsNode)
	if p := b.port.(*TLS); len(p.conns) > 8 {
		t.Errorf("%d TLS connections", len(p.conns))
	}
	w.wantNoHandshakes()
}

// floodLane is flood over a lane, where frames go on to TLS.
func (w *world) floodLane(at *testNode, n int) {
	for range n {
		f := frame{kind: helloFrame, from: wire.Index(1 + w.rand.IntN(1<<23)), plain: []byte{1, 0, 0, 100}}
		w.random().Read(f.attempt[:])
		ix, ok := at.table.Handle(w.now, macKeyOf(at.node.ID()).append(f.append(nil)), true)
		if ok {
			at.routes[ix] = w.nodes[0]
		}
		at.drain()
	}
}

// TestWaitingBounded sends bytes beyond gaps and beyond all bounds.
func TestWaitingBounded(t *testing.T) {
	w := newWorld(t, 1)
	b := w.join("workshop")
	f := frame{kind: helloFrame, from: 7, attempt: attemptID{1}}
	for i := range 200 {
		f.offset, f.plain = 1+i*331%70000, make([]byte, 1000)
		b.table.Handle(w.now, macKeyOf(b.node.ID()).append(f.append(nil)), true)
	}
	b.table.Take()
	bytes := 0
	for _, s := range b.table.sessions {
		for _, seg := range s.hs.in[Initial].waiting {
			bytes += len(seg.data)
		}
	}
	if len(b.table.sessions) != 1 || bytes > maxWaiting*1000 {
		t.Fatalf("%d sessions hold %d bytes", len(b.table.sessions), bytes)
	}
	if b.table.Counts().Malformed == 0 {
		t.Error("excess was not counted")
	}
}

// TestAmplification counts what goes to an initiator that has not shown that
// it hears: never more than came from it.
func TestAmplification(t *testing.T) {
	for seed := range uint64(40) {
		w := newWorld(t, seed)
		a, b := w.join("kitchen"), w.join("workshop")
		if seed%2 == 0 {
			b.certify(w.key(), w.now) // so that the refusal counts too
		}
		there, back, worst := 0, 0, 0.0
		w.carry = func(from, to *testNode, f []byte) []time.Duration {
			if to == a {
				if back += len(f); there > 0 {
					worst = max(worst, float64(back)/float64(there))
				}
				return nil // the initiator's address is forged: nothing arrives there
			}
			if w.rand.IntN(3) == 0 {
				return nil
			}
			w.later(0, func() { there += len(f) })
			return []time.Duration{0}
		}
		a.dial(b, AsNode)
		w.run(3 * handshakeTimeout)
		if worst > 1 {
			t.Fatalf("seed %d: %d bytes for %d, up to %.3f", seed, back, there, worst)
		}
		if back == 0 {
			t.Fatalf("seed %d: no answer at all", seed)
		}
	}
}

// TestPhonesAnswerByLanesOnly holds a phone to its silence: whoever knows its
// keys, and comes straight to its address, gets no answer, not even a cookie.
// So nobody finds out where it is who is not let.
func TestPhonesAnswerByLanesOnly(t *testing.T) {
	for _, public := range []bool{false, true} {
		w := newWorld(t, 11)
		b := w.join("workshop")
		for name, c := range map[string]struct {
			key    macKey
			direct bool // it answers
			flood  int
		}{
			"device":  {macKeyOf(b.device.ID()), false, 100},
			"node":    {macKeyOf(b.node.ID()), public, 1},
			"network": {macKeyOf(w.trust.Network), public, 1},
		} {
			b.table = New(Config{Rand: w.random(), Node: b.node.ID(), Device: b.device.ID(), Network: w.trust.Network, Public: public})
			for i := range c.flood {
				f := frame{kind: helloFrame, from: 7, attempt: attemptID{1, byte(i)}, plain: make([]byte, 500)}
				hello := c.key.append(f.append(nil))
				if _, ok := b.table.HandleFrom(w.now, hello, one(i), false); ok != c.direct {
					t.Errorf("public %v: a direct first flight to the %s is answered: %v", public, name, ok)
				}
				if out := b.table.Take(); !c.direct && len(out) != 0 {
					t.Errorf("public %v: after a direct first flight to the %s: %+v", public, name, out)
				}
			}
			if got := b.table.Counts().Silent; (got == 0) != c.direct {
				t.Errorf("public %v: %d first flights to the %s counted as not for us", public, got, name)
			}
			f := frame{kind: helloFrame, from: 7, attempt: attemptID{2}, plain: make([]byte, 500)}
			if _, ok := b.table.HandleFrom(w.now, c.key.append(f.append(nil)), one(0), true); !ok {
				t.Errorf("public %v: a first flight to the %s by a lane is not answered", public, name)
			}
		}
	}
}

// TestPaddedAnswerFits holds the padding to the longest names: one round trip
// in spite of the bound.
func TestPaddedAnswerFits(t *testing.T) {
	for i := range 40 {
		r, w := Role(i%2), newWorld(t, 9)
		w.now = w.now.Add(time.Duration(i) * 5 * month) // certificates hold their dates
		begun := w.now
		a, b := w.join("kitchen"), w.join("a23456789012345678901234567890-2")
		name, err := identity.IssueName(w.issuing, b.account.ID(), identity.Name(b.name), "1234567890", w.now)
		must(t, err)
		b.creds[AsPhone].Chain[1] = name.DER
		a.dial(b, r)
		w.run(time.Second)
		ix := a.wantUp(b, r)
		if at := a.table.sessions[ix].up.Sub(begun); at != 40*time.Millisecond {
			t.Errorf("%s in %d months: up after %v, want two round trips of 20 ms", r, 5*i, at)
		}
	}
}

// TestForgedRefusal tries to end handshakes from outside.
func TestForgedRefusal(t *testing.T) {
	w := newWorld(t, 9)
	a, b := w.join("kitchen"), w.join("workshop")
	w.carry = func(from, to *testNode, f []byte) []time.Duration {
		g, _ := parseFrame(f)
		if g.to != 0 { // who saw the frame refuses it in the peer's name, with and without the key
			refusal := frame{kind: refuseFrame, to: g.to, from: g.from, attempt: g.attempt, refusal: RefusalExpired}
			bad := macKey{}.append(refusal.append(nil))
			known := macKeyOf(b.device.ID()).append(refusal.append(nil))
			w.later(11*time.Millisecond, func() { to.receive(from, bad); to.receive(from, known) })
		}
		return []time.Duration{10 * time.Millisecond}
	}
	w.connect(a, b, AsPhone)
	if a.table.Counts().Forged < 2 || b.table.Counts().Forged+b.table.Counts().Stray < 1 {
		t.Errorf("counts are %+v and %+v", a.table.Counts(), b.table.Counts())
	}
}

func TestNoRoom(t *testing.T) {
	w := newWorld(t, 9)
	a := w.join("kitchen", func(c *Config) { c.MaxSessions = 3 })
	for i := range 4 {
		if ix := a.table.Dial(w.now, Want{Peer: w.key().ID()}); (ix == 0) != (i == 3) {
			t.Fatalf("dial %d gives %d", i, ix)
		}
	}
	if ix := a.table.Reserve(w.now); ix != 0 {
		t.Fatal("reserved where there is no room")
	}
}

// FuzzFrame parses and writes handshake frames.
func FuzzFrame(f *testing.F) {
	key := macKeyOf([32]byte{1})
	for _, s := range []frame{
		{kind: helloFrame, from: 1, plain: []byte("hello")},
		{kind: helloFrame, from: 1, cookie: make([]byte, macSize), plain: []byte("hello")},
		{kind: answerFrame, to: 2, from: 1, ack: 3, offset: 4, plain: []byte("answer")},
		{kind: retryFrame, to: 2, cookie: make([]byte, macSize)},
		{kind: refuseFrame, to: 2, from: 1, refusal: RefusalExpired},
	} {
		f.Add(key.append(s.append(nil)))
	}
	sealed := frame{kind: answerFrame, to: 2, from: 1}
	f.Add(key.append(append(sealed.append(nil), make([]byte, sealedAround)...)))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, ok := parseFrame(b)
		if !ok {
			return
		}
		again := p.append(nil)
		again = append(again, p.sealed...)
		body := b[:len(b)-macSize]
		if p.first() {
			body = body[:len(again)] // the rest is padding
		}
		if !bytes.Equal(again, body) {
			t.Fatalf("%x became %x", body, again)
		}
	})
}

// FuzzPart parses and writes sealed parts.
func FuzzPart(f *testing.F) {
	f.Add(part{ack: 7, offset: 9, data: []byte("x")}.append(nil))
	f.Add(part{flags: partRefused, refusal: RefusalGlare}.append(nil))
	f.Add(part{flags: partDone}.append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, ok := parsePart(b); ok && !bytes.Equal(p.append(nil), b) {
			t.Fatalf("%x became %x", b, p.append(nil))
		}
	})
}

// FuzzTable gives a table with a session in each state frames that have a good
// MAC and payloads: it must neither panic nor grow.
func FuzzTable(f *testing.F) {
	f.Add([]byte{0x20, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0}, []byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 'x'})
	f.Add([]byte{0x21, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3}, []byte{2, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{0x23, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 4}, []byte{5, 1})
	f.Fuzz(func(t *testing.T, b, payload []byte) {
		w := newWorld(t, 1)
		a, c := w.join("kitchen").standIn(), w.join("workshop").standIn()
		ia, ib := w.connect(a, c, AsNode)
		dialled := a.dial(c, AsPhone)
		for i, ix := range []wire.Index{ia, dialled} {
			s := a.table.sessions[ix]
			framed := bytes.Clone(b)
			if len(framed) >= headerSize && s != nil && s.hs != nil { // make it one of this handshake's
				framed[1], framed[2], framed[3] = byte(ix>>16), byte(ix>>8), byte(ix)
				copy(framed[7:15], s.hs.attempt[:])
				a.table.Handle(w.now, s.hs.key.append(framed), i == 0)
			}
			a.table.Handle(w.now, macKeyOf(a.node.ID()).append(bytes.Clone(b)), true)
		}
		c.table.Payload(w.now, ib, payload)
		c.table.Payload(w.now, ib, payload)
		for _, n := range w.nodes {
			for _, e := range n.table.Take() {
				if r, ok := e.(Request); ok {
					n.port.Do(r)
				}
			}
			n.table.Advance(w.now.Add(time.Minute))
			if len(n.table.sessions) > 4 {
				t.Fatalf("%d sessions", len(n.table.sessions))
			}
		}
	})
}
