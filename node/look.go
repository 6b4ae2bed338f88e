package node

import (
	"context"
	"sync"
	"time"

	"peerphone/node/call"
	"peerphone/node/identity"
	"peerphone/node/login"
	"peerphone/node/path"
	"peerphone/node/wire"
)

// Snapshot builds what the core knows; Node adds what the data plane counts.
func (c *Core) Snapshot(now time.Time) Snapshot {
	return Snapshot{
		Self:    c.self(),
		Login:   c.loginView(),
		Network: c.networkView(),
		Face:    c.faceView(),
		Call:    c.callView(),
		Timing:  c.timing(),

		Contacts: c.contactViews(now),
		Calls:    c.loggedCalls(),
		Settings: c.settings,
		Inquiry:  c.inquiryView(),
		Phones:   c.phoneViews(),
	}
}

func (c *Core) self() Self {
	return Self{
		Name: string(c.granted.Name.Name), Number: string(c.granted.Name.Number),
		Node: c.nodeID().String(), Phone: c.phone, Display: c.display,
	}
}

// loginWords are the states as Login.State has them.
var loginWords = map[login.State]string{
	login.None: "none", login.Asking: "asking", login.In: "in", login.Refused: "refused", login.Waiting: "waiting",
}

func (c *Core) loginView() Login {
	return Login{
		State: loginWords[c.login.State()], Problem: c.problem(), Expires: c.granted.Name.NotAfter,
	}
}

func (c *Core) networkView() NetworkView {
	v := NetworkView{
		Homes: []string{}, Supernode: c.index != nil, Members: c.overlay.Known(), Published: c.view.copies,
		NAT: natView(c.NAT(), c.outside.granted),
	}
	if a := c.overlay.Observed(); a.IsValid() {
		v.Observed = a.String()
	}
	for _, h := range c.overlay.Homes() {
		v.Homes = append(v.Homes, h.Member.Node.String())
	}
	if c.index != nil {
		v.Attached, v.Records = c.overlay.Guests(), c.index.Records()
		v.Relay = c.relayView()
	}
	return v
}

func (c *Core) relayView() RelayView {
	v := RelayView{Pairs: c.relay.Pairs(), Month: c.relay.Month(), Cap: c.relay.Cap()}
	v.Rate, v.Line = c.relay.Rate()
	return v
}

// relaysOf names the relays of a session, the one in use first.
func (c *Core) relaysOf(ix wire.Index) (ids []string) {
	w, _ := c.paths.Ways(ix)
	for _, way := range append([]path.Way{w.Active}, w.Standby...) {
		if way.IsRelay() {
			ids = append(ids, c.peers.nodes[way.Home].String())
		}
	}
	return ids
}

func (c *Core) faceView() FaceView {
	f := c.handset.Face()
	v := FaceView{
		Lines: f.Lines, Lamps: map[string]string{}, Tone: f.Tone.String(), Ringing: f.Ringing, Lifted: f.Lifted,
	}
	for name, light := range f.Lamps {
		v.Lamps[string(name)] = light.String()
	}
	return v
}

// codecs are the words for codecs.
var codecs = map[wire.Codec]string{wire.CodecPCM16: "pcm", wire.CodecOpus: "opus"}

func (c *Core) callView() CallView {
	v := c.calls.Current()
	out := CallView{
		State: v.State.String(), Incoming: v.Incoming(), Peer: v.Peer.Name, Number: v.Peer.Number,
		Path: wayWord(c.view.way), Relays: c.relaysOf(v.Index), Since: v.Dialled,
	}
	if v.State == call.Ended {
		out.Reason = v.Reason.String()
	}
	if !v.Rang.IsZero() {
		out.Since = v.Rang
	}
	if !v.Answered.IsZero() {
		out.Since, out.Codec = v.Answered, codecs[v.Codec]
	}
	if v.Hold != call.Flowing {
		out.Hold = v.Hold.String()
	}
	if !v.Peer.Account.IsZero() {
		out.Contact, out.Safety = c.isContact(v.Peer.Account), c.safety(v.Peer.Account)
	}
	return out
}

// safety returns the safety number of the call; it takes thousands of hashes,
// so it is computed once a call.
func (c *Core) safety(peer identity.ID) string {
	if c.view.safety == "" {
		c.view.safety = identity.SafetyNumber(c.account.ID(), peer)
	}
	return c.view.safety
}

func wayWord(w path.Way) string {
	switch {
	case w.Direct():
		return "direct"
	case w.IsLane():
		return "lane"
	case w.IsRelay():
		return "relay"
	}
	return ""
}

func (c *Core) timing() Timing {
	t := Timing{
		Search: milliseconds(c.view.search), Setup: milliseconds(c.view.setup), Direct: milliseconds(c.view.direct),
	}
	if !c.view.homed.IsZero() {
		t.Attached = milliseconds(c.view.homed.Sub(c.view.started))
	}
	if !c.view.ready.IsZero() {
		// With certificates from an earlier start it can take no time at all, yet it has happened.
		t.Login = milliseconds(max(c.view.ready.Sub(c.view.started), time.Microsecond))
	}
	return t
}

// publish makes the newest snapshot the one that everybody sees, and wakes who
// watches. The loop calls it after each input, so it is kept cheap: what has
// not been looked at is not built.
func (n *Node) publish(now time.Time) {
	s := n.core.Snapshot(now)
	s.Version, s.Uptime = n.version, now.Sub(n.begun)
	s.Network.Listen = n.Addr().String()
	s.Counts = n.socket.count.totals()
	n.snapshot.Store(&s)
	n.watch.wake()
}

// Snapshot returns what may be known of the node now.
func (n *Node) Snapshot() Snapshot {
	s := *n.snapshot.Load()
	s.Uptime = time.Since(n.begun)
	s.Counts = n.socket.count.totals()
	s.Release = n.releaseView()
	if leg := n.leg.Load(); leg != nil {
		s.Call.Media, s.Call.History = leg.Stats(), leg.History()
	}
	return s
}

func (c *counters) totals() Counts {
	return Counts{
		DatagramsIn: c.datagramsIn.Load(), DatagramsOut: c.datagramsOut.Load(),
		BytesIn: c.bytesIn.Load(), BytesOut: c.bytesOut.Load(),
		Dropped: c.dropped.Load(), Forged: c.forged.Load(), Replayed: c.replayed.Load(),
		QueueFull: c.queueFull.Load(),
	}
}

// watchers are those who want to know that the snapshot has changed.
type watchers struct {
	mu   sync.Mutex
	list []chan struct{} // guarded by mu; each holds one token
}

// Watch returns a channel that gets a token when the snapshot has changed since
// the last token was taken. stop ends it.
func (n *Node) Watch() (changed <-chan struct{}, stop func()) { return n.watch.add() }

func (w *watchers) add() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, ch)
	return ch, func() { w.remove(ch) }
}

func (w *watchers) remove(ch chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, other := range w.list {
		if other == ch {
			w.list = append(w.list[:i], w.list[i+1:]...)
			return
		}
	}
}

func (w *watchers) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ch := range w.list {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// tick is how often who watches is woken while a call's sound runs, for its
// figures change although nothing happens in the loop.
const tick = time.Second

func (n *Node) tickWatchers(ctx context.Context) {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if n.Snapshot().Call.State == call.Talking.String() {
				n.watch.wake()
				n.tellLine(ctx)
			}
		}
	}
}

// tellLine tells the core how much the line of the call lets through.
func (n *Node) tellLine(ctx context.Context) {
	if leg := n.leg.Load(); leg != nil {
		s := leg.Stats()
		n.enter(ctx, func(c *Core, now time.Time) { c.Line(now, s.AllowedUp, s.ThroughUp) })
	}
}
