package sim_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"peerphone/hal"
	"peerphone/node/call"
	"peerphone/node/handset"
	"peerphone/node/wire"
)

// A telephone is a handset on a book of calls, as node joins them, on a wire
// that the test moves. The searches of both packages prove each alone; these
// scripts hold them together.
type telephone struct {
	handset *handset.Handset
	calls   *call.Calls
	self    call.Peer
	mic     call.ID // whose media is open
	up      map[wire.Index]bool
}

// An errand is something that will happen at a telephone later.
type errand struct {
	to int
	do func(now time.Time)
}

// A household is two telephones and what is on its way between them.
type household struct {
	now     time.Time
	rand    *rand.Rand
	phones  [2]*telephone
	errands []errand
	// lanes keep messages of a session in order: one queue each way.
	lanes map[lane][]wire.Message
	last  wire.Index
	story []string
	bad   string
}

type lane struct {
	ix wire.Index
	to int
}

func newHousehold(seed uint64) *household {
	h := &household{
		now:   time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC),
		rand:  rand.New(rand.NewPCG(seed, 1)),
		lanes: map[lane][]wire.Message{},
	}
	for i, name := range []string{"kitchen", "workshop"} {
		p := call.Peer{Name: name, Number: []string{"1001", "1002"}[i]}
		p.Account[0], p.Device[0] = byte(i+1), byte(i+11)
		var key [32]byte
		key[0], key[1], key[2] = byte(seed), byte(seed>>8), byte(i)
		h.phones[i] = &telephone{
			handset: handset.New(handset.Config{}), self: p, up: map[wire.Index]bool{},
			calls: call.New(call.Config{Rand: rand.NewChaCha8(key), Codecs: []wire.Codec{wire.CodecPCM16}, Self: p}),
		}
		h.phones[i].handset.Line(h.now, handset.LineView{State: handset.Ready, Name: name, Number: p.Number})
	}
	return h
}

func (h *household) wrong(format string, args ...any) {
	if h.bad == "" {
		h.bad = fmt.Sprintf(format, args...)
	}
}

func (h *household) later(to int, do func(now time.Time)) {
	h.errands = append(h.errands, errand{to, do})
}

// settle drains telephone at until nothing is left to do.
func (h *household) settle(at int) {
	p := h.phones[at]
	for range 100 {
		wants, events := p.handset.Take(), p.calls.Take()
		if len(wants)+len(events) == 0 {
			h.check(at)
			return
		}
		for _, e := range wants {
			h.intend(p, e)
		}
		for _, e := range events {
			h.carry(at, e)
		}
	}
	h.wrong("%s never settles", p.self.Name)
}

func (h *household) intend(p *telephone, e handset.Event) {
	switch e := e.(type) {
	case handset.Dial:
		p.calls.Dial(h.now, e.Number)
	case handset.Answer:
		p.calls.Answer(h.now)
	case handset.HangUp:
		p.calls.HangUp(h.now)
	case handset.Digit:
		p.calls.Digit(h.now, byte(e.Key))
	}
}

func (h *household) carry(at int, e call.Event) {
	p, far := h.phones[at], h.phones[1-at]
	switch e := e.(type) {
	case call.Search:
		h.later(at, func(now time.Time) {
			if e.Number == far.self.Number && h.rand.IntN(10) > 0 {
				p.calls.Located(now, e.ID, far.self)
			} else {
				p.calls.Absent(now, e.ID, call.NotFound)
			}
		})
	case call.Connect:
		h.later(at, func(now time.Time) { h.connect(at, e.ID) })
	case call.Send:
		if p.up[e.Index] && far.up[e.Index] {
			h.lanes[lane{e.Index, 1 - at}] = append(h.lanes[lane{e.Index, 1 - at}], e.Message)
			h.later(1-at, func(now time.Time) { h.deliver(e.Index, 1-at) })
		}
	case call.StartMedia:
		p.mic = e.ID
	case call.StopMedia:
		p.mic = 0
	case call.Release:
		h.close(at, e.Index)
	case call.Changed:
		p.handset.Call(h.now, view(e.View))
	}
}

// view is what node shows a handset of a call.
func view(v call.View) handset.CallView {
	phase := map[call.State]handset.Phase{
		call.Searching: handset.Calling, call.Connecting: handset.Calling, call.Inviting: handset.Calling,
		call.RingingFar: handset.FarRinging, call.RingingHere: handset.HereRinging,
		call.Talking: handset.Talking, call.Ended: handset.Over,
	}[v.State]
	return handset.CallView{Phase: phase, Peer: v.Peer.Name, Number: v.Peer.Number, Reason: handset.Reason(v.Reason), Since: v.Dialled}
}

func (h *household) connect(at int, id call.ID) {
	p, far := h.phones[at], h.phones[1-at]
	if h.rand.IntN(10) == 0 {
		p.calls.Unreachable(h.now, id)
		return
	}
	h.last++
	ix := h.last
	p.up[ix], far.up[ix] = true, true
	far.calls.Opened(h.now, ix, p.self.Device)
	h.settle(1 - at)
	p.calls.Connected(h.now, id, ix)
}

func (h *household) deliver(ix wire.Index, to int) {
	q := h.lanes[lane{ix, to}]
	p := h.phones[to]
	if len(q) == 0 || !p.up[ix] {
		return
	}
	h.lanes[lane{ix, to}] = q[1:]
	if invite, ok := q[0].(wire.Invite); ok {
		p.calls.Invited(h.now, ix, h.phones[1-to].self, invite)
	} else {
		p.calls.Handle(h.now, ix, q[0])
	}
}

// close ends a session at one end; the other learns it after what is under way.
func (h *household) close(at int, ix wire.Index) {
	if !h.phones[at].up[ix] {
		h.wrong("%s releases session %d, which is gone", h.phones[at].self.Name, ix)
	}
	delete(h.phones[at].up, ix)
	h.later(1-at, func(now time.Time) { h.lose(1-at, ix) })
}

func (h *household) lose(at int, ix wire.Index) {
	if p := h.phones[at]; p.up[ix] {
		delete(p.up, ix)
		p.calls.Lost(h.now, ix)
	}
}

// check holds the face to the call.
func (h *household) check(at int) {
	p := h.phones[at]
	f, v := p.handset.Face(), p.calls.Current()
	name := p.self.Name
	if lamp := f.Lamps[hal.LampInUse] == hal.On; lamp != (p.mic != 0) || lamp != (v.State == call.Talking) {
		h.wrong("%s: the lamp is on: %v, the microphone open: %v, the call %v", name, lamp, p.mic != 0, v.State)
	}
	if f.Ringing != (v.State == call.RingingHere) {
		h.wrong("%s: it rings: %v, the call is %v", name, f.Ringing, v.State)
	}
	if !f.Lifted && (f.Tone != handset.Silent || v.State.Live() && v.State != call.RingingHere) {
		h.wrong("%s: on the hook with tone %v and call %v", name, f.Tone, v.State)
	}
	if (f.Tone == handset.Ringback) != (v.State == call.RingingFar) {
		h.wrong("%s: tone %v, call %v", name, f.Tone, v.State)
	}
	if f.Tone != handset.Silent && f.Tone != handset.Ringback && v.State.Live() {
		h.wrong("%s: tone %v in a call that is %v", name, f.Tone, v.State)
	}
}

func (h *household) hook(at int, lifted bool) {
	p := h.phones[at]
	p.handset.Hook(h.now, lifted)
	h.settle(at)
	p.calls.Engaged(h.now, lifted)
	h.settle(at)
}

func (h *household) press(at int, keys string) {
	for _, k := range []byte(keys) {
		h.phones[at].handset.Key(h.now, hal.Key(k))
		h.settle(at)
	}
}

// next returns when a timer of either telephone wants to fire.
func (h *household) next() time.Time {
	var next time.Time
	for _, p := range h.phones {
		for _, t := range []time.Time{p.handset.Next(), p.calls.Next()} {
			if !t.IsZero() && (next.IsZero() || t.Before(next)) {
				next = t
			}
		}
	}
	return next
}

func (h *household) advance() {
	if next := h.next(); next.After(h.now) {
		h.now = next
	}
	for at, p := range h.phones {
		p.handset.Advance(h.now)
		p.calls.Advance(h.now)
		h.settle(at)
	}
}

// errandAt runs one of the errands: any, for sessions know no order among each
// other.
func (h *household) errandAt(i int) {
	e := h.errands[i]
	h.errands = slices.Delete(h.errands, i, i+1)
	e.do(h.now)
	h.settle(e.to)
}

// step lets something happen.
func (h *household) step() {
	at := h.rand.IntN(2)
	other := h.phones[1-at].self.Number
	tell := func(what string) { h.story = append(h.story, fmt.Sprintf("%s: %s", h.phones[at].self.Name, what)) }
	switch n := h.rand.IntN(20); {
	case n < 10 && len(h.errands) > 0:
		h.errandAt(h.rand.IntN(len(h.errands)))
		h.story = append(h.story, "errand")
	case n < 13:
		tell("lift")
		h.hook(at, true)
	case n < 15:
		tell("put back")
		h.hook(at, false)
	case n < 17:
		tell("dial")
		h.hook(at, true)
		h.press(at, other+"#")
	case n < 18:
		keys := []string{"#", "*", "1", "9999#", h.phones[at].self.Number + "#", "112#", other}[h.rand.IntN(7)]
		tell("press " + keys)
		h.press(at, keys)
	case n < 19 && h.last > 0:
		ix := 1 + wire.Index(h.rand.IntN(int(h.last)))
		tell(fmt.Sprintf("session %d breaks", ix))
		h.lose(at, ix)
		h.settle(at)
		h.later(1-at, func(time.Time) { h.lose(1-at, ix) })
	default:
		h.story = append(h.story, "time passes")
		h.advance()
	}
}

// rest puts both receivers back and waits: everything must be quiet.
func (h *household) rest() {
	for at := range h.phones {
		h.hook(at, false)
	}
	for range 2000 {
		switch {
		case len(h.errands) > 0:
			h.errandAt(0)
		case !h.next().IsZero():
			h.advance()
		default:
			h.quiet()
			return
		}
	}
	h.wrong("it never comes to rest")
}

func (h *household) quiet() {
	for _, p := range h.phones {
		f, v := p.handset.Face(), p.calls.Current()
		if f.Ringing || f.Tone != handset.Silent || v.State.Live() || len(p.up) > 0 {
			h.wrong("%s at rest: ringing %v, tone %v, call %v, sessions %v", p.self.Name, f.Ringing, f.Tone, v.State, p.up)
		}
	}
}

// TestTelephones plays many scripts of users who lift, dial and put back at any
// moment.
func TestTelephones(t *testing.T) {
	scripts := uint64(3000)
	if testing.Short() {
		scripts = 300
	}
	talked := 0
	for seed := range scripts {
		h := newHousehold(seed)
		for range 200 {
			h.step()
			if h.phones[0].mic != 0 && h.phones[1].mic != 0 {
				talked++
			}
			if h.bad != "" {
				break
			}
		}
		if h.bad == "" {
			h.rest()
		}
		if h.bad != "" {
			t.Fatalf("seed %d: %s\nstory: %q", seed, h.bad, h.story)
		}
	}
	t.Logf("%d scripts of 200 steps; both talked after %d of the steps", scripts, talked)
	if talked < int(scripts) {
		t.Errorf("they hardly ever talk")
	}
}

// TestReasonsAgree holds the two lists of reasons to one order: node shows a
// handset the number of call's.
func TestReasonsAgree(t *testing.T) {
	for r := call.NoReason; r <= call.NoCodec; r++ {
		if got, want := handset.Reason(r).String(), r.String(); got != want {
			t.Errorf("call says %q, the handset %q", want, got)
		}
	}
}
