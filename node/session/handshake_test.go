package session

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

func TestHandshake(t *testing.T) {
	for _, r := range []Role{AsNode, AsPhone} {
		t.Run(r.String(), func(t *testing.T) {
			w := newWorld(t, 1)
			a, b := w.join("kitchen"), w.join("workshop")
			ia := a.dial(b, r)
			w.run(time.Second)
			if got := a.wantUp(b, r); got != ia {
				t.Fatalf("up is %d, dialled %d", got, ia)
			}
			ib := b.wantUp(a, r)
			if !a.ups[0].Initiator || b.ups[0].Initiator {
				t.Error("who dialled is told wrongly")
			}
			if p, _ := b.table.Peer(ib); r == AsPhone && (p.Phone.Name != "kitchen" || p.Phone.Account != a.account.ID()) {
				t.Errorf("the peer is %+v", p)
			}
			if d := a.table.RTT(ia); d != 20*time.Millisecond {
				t.Errorf("the round trip takes %v", d)
			}
			a.say(ia, "hello")
			b.say(ib, "there")
			w.run(time.Second)
			b.wantHeard(ib, "hello")
			a.wantHeard(ia, "there")
			w.wantNoHandshakes()
		})
	}
}

// say sends one message.
func (n *testNode) say(ix wire.Index, text string) {
	n.w.t.Helper()
	must(n.w.t, n.table.Send(n.w.now, ix, []byte(text)))
	n.drain()
}

func (n *testNode) wantHeard(ix wire.Index, want ...string) {
	n.w.t.Helper()
	if got := n.messages[ix]; fmt.Sprint(got) != fmt.Sprint(want) {
		n.w.t.Fatalf("%s heard %q, want %q", n.name, got, want)
	}
}

// wantNoHandshakes checks that nothing is left of handshakes, once all have
// been forgotten.
func (w *world) wantNoHandshakes() {
	w.t.Helper()
	w.run(2 * handshakeTimeout)
	for _, n := range w.nodes {
		if len(n.table.attempts)+len(n.table.halfOpen) > 0 {
			w.t.Errorf("%s remembers %d attempts", n.name, len(n.table.attempts))
		}
		if p, ok := n.port.(*TLS); ok && len(p.conns) > 0 {
			w.t.Errorf("%s has %d TLS connections left", n.name, len(p.conns))
		}
		for _, s := range n.table.sessions {
			if s.hs != nil {
				w.t.Errorf("%s keeps the handshake of a session %v", n.name, s.state)
			}
		}
	}
}

// wantNothing checks that no session is left, after one Down each.
func (w *world) wantNothing() {
	w.t.Helper()
	w.wantNoHandshakes()
	for _, n := range w.nodes {
		t := n.table
		if len(t.sessions)+len(t.peers)+len(t.timers.heap) > 0 {
			w.t.Errorf("%s has %d sessions, %d peers, %d timers left", n.name, len(t.sessions), len(t.peers), len(t.timers.heap))
		}
		seen := make(map[wire.Index]bool)
		for _, d := range n.downs {
			if seen[d.Index] {
				w.t.Errorf("%s is told twice that %d is down", n.name, d.Index)
			}
			seen[d.Index] = true
		}
	}
}

// badNet loses a share of the frames, doubles some and delays all at random.
func (w *world) badNet(loss float64) {
	w.carry = func(_, _ *testNode, _ []byte) []time.Duration {
		delay := func() time.Duration { return time.Duration(w.rand.IntN(60)) * time.Millisecond }
		switch {
		case w.rand.Float64() < loss:
			return nil
		case w.rand.IntN(10) == 0:
			return []time.Duration{delay(), delay(), delay()}
		}
		return []time.Duration{delay()}
	}
}

func TestHandshakeThroughBadNet(t *testing.T) {
	slowest := time.Duration(0)
	for seed := range uint64(60) {
		w := newWorld(t, seed)
		w.delay = time.Duration(w.rand.IntN(30)) * time.Millisecond
		a, b := w.join("kitchen"), w.join("workshop")
		w.badNet(0.3)
		a.dial(b, AsNode)
		w.run(handshakeTimeout)
		if len(a.ups) != 1 || len(b.ups) != 1 {
			t.Fatalf("seed %d: %d and %d up; trace:\n%s", seed, len(a.ups), len(b.ups), w.tail())
		}
		ia, ib := a.wantUp(b, AsNode), b.wantUp(a, AsNode)
		slowest = max(slowest, a.table.sessions[ia].up.Sub(newYear))
		for i := range 20 {
			a.say(ia, fmt.Sprint(i))
			b.say(ib, fmt.Sprint(i))
		}
		w.run(20 * time.Second)
		if len(a.messages[ia]) != 20 || len(b.messages[ib]) != 20 {
			t.Fatalf("seed %d: %d and %d messages", seed, len(a.messages[ia]), len(b.messages[ib]))
		}
		for i := range 20 {
			if a.messages[ia][i] != fmt.Sprint(i) || b.messages[ib][i] != fmt.Sprint(i) {
				t.Fatalf("seed %d: messages out of order: %q", seed, a.messages[ia])
			}
		}
		a.table.Close(w.now, ia)
		a.drain()
		w.carry = nil
		b.table.Close(w.now, ib)
		b.drain()
		w.wantNothing()
	}
	t.Logf("30%% loss: the slowest of 60 handshakes took %v", slowest)
}

// TestEveryFrameDamaged changes each byte of each frame of a handshake in turn:
// the handshake succeeds by the frames that are sent again.
func TestEveryFrameDamaged(t *testing.T) {
	for frame := range 6 {
		for _, at := range []int{0, 2, 5, 9, 15, 17, 19, 21, 30, 60} {
			w := newWorld(t, 3)
			a, b := w.join("kitchen"), w.join("workshop")
			n := 0
			w.carry = func(from, to *testNode, f []byte) []time.Duration {
				if n++; n-1 != frame {
					return []time.Duration{time.Millisecond}
				}
				bad := bytes.Clone(f)
				bad[min(at, len(bad)-1)] ^= 0x10
				w.later(time.Millisecond, func() { to.receive(from, bad) })
				return nil
			}
			a.dial(b, AsPhone)
			w.run(5 * time.Second)
			a.wantUp(b, AsPhone)
			b.wantUp(a, AsPhone)
			ca, cb := a.table.Counts(), b.table.Counts()
			if ca == (Counts{}) && cb == (Counts{}) && at > 0 {
				t.Errorf("frame %d damaged at %d was not counted", frame, at)
			}
		}
	}
}

// TestReplayedHandshake sends every frame of a finished handshake once more, to
// both ends.
func TestReplayedHandshake(t *testing.T) {
	w := newWorld(t, 4)
	a, b := w.join("kitchen"), w.join("workshop")
	var seen [][]byte
	w.carry = func(_, _ *testNode, f []byte) []time.Duration {
		seen = append(seen, bytes.Clone(f))
		return []time.Duration{time.Millisecond}
	}
	ia, ib := w.connect(a, b, AsPhone)
	a.say(ia, "hello")
	w.run(time.Second)
	for _, f := range seen {
		a.receive(b, f)
		b.receive(a, f)
	}
	w.run(time.Minute)
	if len(a.ups) != 1 || len(b.ups) != 1 || a.wantUp(b, AsPhone) != ia || b.wantUp(a, AsPhone) != ib {
		t.Fatalf("%d and %d up", len(a.ups), len(b.ups))
	}
	b.wantHeard(ib, "hello")
	if c := b.table.Channel(ib).Counters(); c.Replayed == 0 {
		t.Error("no session frame counted as replayed")
	}
	w.wantNoHandshakes()
	for _, f := range seen { // now that the handshake is forgotten
		b.receive(a, f)
	}
	w.run(time.Minute)
	if len(b.ups) != 1 {
		t.Fatal("a replayed handshake made a session")
	}
	w.wantNoHandshakes()
}

// wantRefused runs a dial that must fail and checks the reasons at both ends. Who
// calls a phone believes that it is up until it hears that it is refused.
func (w *world) wantRefused(a, b *testNode, r Role, cause error, byInitiator bool) {
	w.t.Helper()
	ours := func(err error) bool { return errors.Is(err, cause) && !errors.Is(err, ErrRefused) }
	theirs := func(err error) bool { return errors.Is(err, cause) && errors.Is(err, ErrRefused) }
	w.run(handshakeTimeout * 2)
	if len(b.ups) > 0 || len(a.ups) > 0 && (r == AsNode || byInitiator) {
		w.t.Fatalf("up in spite of %v", cause)
	}
	checkA, checkB := theirs, ours
	if byInitiator {
		checkA, checkB = ours, theirs
	}
	a.wantDown(checkA, fmt.Sprint("for ", cause, " at the initiator"))
	b.wantDown(checkB, fmt.Sprint("for ", cause, " at the responder"))
	w.t.Logf("initiator: %v\n responder: %v", a.downs[len(a.downs)-1].Reason, b.downs[len(b.downs)-1].Reason)
	w.wantNothing()
}

func TestBadCertificates(t *testing.T) {
	long := 100 * 24 * time.Hour
	faults := []struct {
		name  string
		make  func(n *testNode)
		cause error
	}{
		{"expired", func(n *testNode) { n.certify(n.w.issuing, n.w.now.Add(-long)) }, identity.ErrExpired},
		{"foreign", func(n *testNode) { n.certify(n.w.key(), n.w.now) }, identity.ErrForeign},
		{"early", func(n *testNode) { n.certify(n.w.issuing, n.w.now.Add(long)) }, identity.ErrNotYet},
		{"wrong kind", func(n *testNode) {
			n.creds[AsNode], n.creds[AsPhone] = n.creds[AsPhone], n.creds[AsNode]
		}, identity.ErrMalformed},
	}
	for _, f := range faults {
		for _, r := range []Role{AsNode, AsPhone} {
			t.Run(fmt.Sprint(f.name, " ", r, " initiator"), func(t *testing.T) {
				w := newWorld(t, 5)
				a, b := w.join("kitchen"), w.join("workshop")
				f.make(a)
				a.dial(b, r)
				w.wantRefused(a, b, r, f.cause, false)
			})
			t.Run(fmt.Sprint(f.name, " ", r, " responder"), func(t *testing.T) {
				w := newWorld(t, 5)
				a, b := w.join("kitchen"), w.join("workshop")
				f.make(b)
				a.dial(b, r)
				w.wantRefused(a, b, r, f.cause, true)
			})
		}
	}
}

func TestWrongPeer(t *testing.T) {
	for _, r := range []Role{AsNode, AsPhone} {
		w := newWorld(t, 6)
		a, b, c := w.join("kitchen"), w.join("workshop"), w.join("cellar")
		b.table.SetIdentity(c.node.ID(), c.device.ID()) // b answers for c, with its own certificate
		b.lane = r == AsPhone
		a.dialWant(b, Want{Role: r, Peer: c.id(r)})
		w.wantRefused(a, b, r, ErrWrongPeer, true)
	}
}

func TestSelf(t *testing.T) {
	w := newWorld(t, 6)
	a := w.join("kitchen")
	a.dial(a, AsNode)
	w.run(handshakeTimeout * 2)
	a.wantDown(func(err error) bool { return errors.Is(err, ErrSelf) || errors.Is(err, ErrRefused) }, "for itself")
	if len(a.ups) > 0 || len(a.downs) != 2 {
		t.Fatalf("%d up, %d down", len(a.ups), len(a.downs))
	}
	w.wantNothing()
}

func TestNoCredentials(t *testing.T) {
	w := newWorld(t, 6)
	a, b := w.join("kitchen"), w.join("workshop")
	b.creds[AsNode] = Credentials{}
	a.dial(b, AsNode)
	w.wantRefused(a, b, AsNode, ErrNoCredentials, false)
	c, d := w.join("cellar"), w.join("attic")
	c.creds[AsNode] = Credentials{}
	c.dial(d, AsNode)
	w.run(time.Minute)
	c.wantDown(func(err error) bool { return errors.Is(err, ErrNoCredentials) }, "without credentials")
	if len(d.downs) > 0 || c.frames > 0 {
		t.Error("a dial without credentials was noticed by the peer")
	}
}

func TestNobodyThere(t *testing.T) {
	w := newWorld(t, 6)
	a, b := w.join("kitchen"), w.join("workshop")
	w.carry = func(_, _ *testNode, _ []byte) []time.Duration { return nil }
	a.dial(b, AsNode)
	w.run(handshakeTimeout - time.Millisecond)
	if len(a.downs) > 0 {
		t.Fatal("gave up early")
	}
	w.run(time.Millisecond)
	a.wantDown(func(err error) bool { return err == ErrTimeout }, "by time")
	if a.frames < 10 || a.frames > 20 {
		t.Errorf("sent %d frames in vain", a.frames)
	}
	w.wantNothing()
}

// TestHalfHandshake takes the network away after each frame in turn.
func TestHalfHandshake(t *testing.T) {
	for cut := range 6 {
		w := newWorld(t, 8)
		a, b := w.join("kitchen"), w.join("workshop")
		n := 0
		w.carry = func(_, _ *testNode, _ []byte) []time.Duration {
			if n++; n > cut {
				return nil
			}
			return []time.Duration{time.Millisecond}
		}
		a.dial(b, AsPhone)
		w.run(2 * handshakeTimeout)
		a.wantDown(func(err error) bool { return err == ErrTimeout }, "by time")
		if len(b.ups) == 1 { // b was sure of a, whose last word was not: it notices by and by
			b.table.KeepAlive(b.ups[0].Index, time.Second)
			w.run(10 * time.Second)
		}
		w.wantNothing()
	}
}

func TestDropAbandoned(t *testing.T) {
	w := newWorld(t, 8)
	a, b := w.join("kitchen"), w.join("workshop")
	ix := a.dial(b, AsPhone)
	w.run(15 * time.Millisecond)
	a.table.Close(w.now, ix)
	a.drain()
	w.wantNothing()
	a.wantDown(func(err error) bool { return err == ErrEnded }, "closed here")
}

func TestEpochChange(t *testing.T) {
	w := newWorld(t, 8)
	a, b := w.join("kitchen"), w.join("workshop")
	old := b.node
	b.node = w.key()
	b.certify(w.issuing, w.now)
	b.table.SetIdentity(b.node.ID(), b.device.ID())
	a.dialWant(b, Want{Role: AsNode, Peer: old.ID()})
	w.run(time.Second)
	a.wantDown(func(err error) bool { return errors.Is(err, ErrWrongPeer) }, "for the new key")
	w.connect(a, b, AsNode)
}

func TestSecretsAreWiped(t *testing.T) {
	w := newWorld(t, 8)
	a, b := w.join("kitchen"), w.join("workshop")
	a.port, b.port = &recorder{handshaker: a.port}, &recorder{handshaker: b.port}
	ia, _ := w.connect(a, b, AsPhone)
	for _, n := range w.nodes {
		r := n.port.(*recorder)
		if len(r.secrets) != 1 || len(r.done) != 1 {
			t.Fatalf("%d secrets, %d done", len(r.secrets), len(r.done))
		}
		for _, b := range append(r.secrets[0].Read, r.secrets[0].Write...) {
			if b != 0 {
				t.Fatal("a secret of the handshake is left")
			}
		}
		if r.done[0].Keys != (Keys{}) {
			t.Fatal("the keys are left in the handshaker's answer")
		}
	}
	c := a.table.Channel(ia)
	a.table.Close(w.now, ia)
	if c.send.Load() != nil || c.recv.cur != nil {
		t.Fatal("the keys outlive the session")
	}
}

// recorder keeps what a handshaker told.
type recorder struct {
	handshaker
	secrets []*Secrets
	done    []*Done
}

func (r *recorder) Do(q Request) Progress {
	p := r.handshaker.Do(q)
	if p.Secrets != nil {
		r.secrets = append(r.secrets, p.Secrets)
	}
	if p.Done != nil {
		r.done = append(r.done, p.Done)
	}
	return p
}

// BenchmarkHandshake reports what a handshake through a lane costs: bytes and
// processor time of both ends.
func BenchmarkHandshake(b *testing.B) {
	for _, r := range []Role{AsNode, AsPhone} {
		b.Run(r.String(), func(b *testing.B) {
			w := newWorld(b, 1)
			x, y := w.join("kitchen"), w.join("workshop")
			y.lane = true
			closing := 0
			for b.Loop() {
				ix := x.dialWant(y, Want{Role: r, Peer: y.id(r)})
				w.run(time.Second)
				before := x.bytes
				x.table.Close(w.now, ix)
				x.drain()
				w.run(time.Second)
				closing += x.bytes - before
			}
			x.bytes -= closing
			n := float64(b.N)
			b.ReportMetric(float64(x.bytes)/n, "bytes-there")
			b.ReportMetric(float64(y.bytes)/n, "bytes-back")
			b.ReportMetric(float64(x.cpu.Microseconds())/n, "µs-initiator")
			b.ReportMetric(float64(y.cpu.Microseconds())/n, "µs-responder")
			w.trace = nil
		})
	}
}

// TestReflectedHandshake sends every frame back to its sender as well.
func TestReflectedHandshake(t *testing.T) {
	w := newWorld(t, 4)
	a, b := w.join("kitchen"), w.join("workshop")
	w.carry = func(from, to *testNode, f []byte) []time.Duration {
		w.later(time.Millisecond, func() { from.receive(to, f) })
		return []time.Duration{2 * time.Millisecond}
	}
	ia, ib := w.connect(a, b, AsPhone)
	a.say(ia, "hello")
	w.run(time.Second)
	b.wantHeard(ib, "hello")
	if len(a.ups) != 1 || len(b.ups) != 1 || len(a.table.sessions) != 1 || len(b.table.sessions) != 1 {
		t.Fatalf("%d and %d up", len(a.ups), len(b.ups))
	}
	for _, n := range w.nodes {
		if c := n.table.Counts(); c.Silent+c.Stray+c.Forged+c.Malformed == 0 {
			t.Errorf("%s counted no reflected frame: %+v", n.name, c)
		}
	}
	w.wantNoHandshakes()
}

// TestWordIsLost loses every last word of the responder: its first message
// tells the initiator as well that it is believed.
func TestWordIsLost(t *testing.T) {
	w := newWorld(t, 4)
	a, b := w.join("kitchen"), w.join("workshop")
	w.carry = func(from, to *testNode, f []byte) []time.Duration {
		if wire.KindOf(f) == wire.HandshakeFrame && from == b && b.frames > 2 {
			return nil
		}
		return []time.Duration{10 * time.Millisecond}
	}
	a.dial(b, AsNode)
	w.run(time.Second)
	if len(a.ups) > 0 || len(b.ups) != 1 {
		t.Fatalf("%d and %d up", len(a.ups), len(b.ups))
	}
	b.say(b.ups[0].Index, "hello")
	w.run(time.Second)
	a.wantHeard(a.wantUp(b, AsNode), "hello")
	frames := a.frames
	w.run(time.Minute)
	if a.frames != frames {
		t.Errorf("%d frames after all was said", a.frames-frames)
	}
}
