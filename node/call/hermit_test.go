package call

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"peerphone/node/wire"
)

// A hermit is one phone in a world that says anything at any time: stale and
// foreign answers, messages of calls that never were, from the far phone and
// from a stranger. Node's promise alone is kept: nothing comes by a session that
// has ended.
type hermit struct {
	calls Calls
	up    [sessionsOfHermit + 1]bool
	media *StartMedia
	over  ID
	wants bool
	bad   string
}

// Sessions 1 and 2 are the workshop's, 3 is the stranger's.
const sessionsOfHermit = 3

func farEnd(ix wire.Index) Peer {
	if ix == sessionsOfHermit {
		return stranger
	}
	return workshop
}

// ownName is what a hermit draws; the others draw one below and one above.
var ownName, lowName, highName = wire.CallID{5}, wire.CallID{1}, wire.CallID{9}

func newHermit(r *rules) *hermit {
	calls := New(Config{Codecs: []wire.Codec{wire.CodecOpus, wire.CodecPCM16}, Self: kitchen})
	calls.call.rules = r
	calls.call.rand = &drawer{ownName}
	return &hermit{calls: *calls}
}

func (h *hermit) clone() model {
	c := *h
	c.calls.guests = slices.Clone(h.calls.guests)
	return &c
}

func (h *hermit) broken() string    { return h.bad }
func (h *hermit) unsettled() string { return "" }

func (h *hermit) wrong(format string, args ...any) {
	if h.bad == "" {
		h.bad = fmt.Sprintf(format, args...)
	}
}

func (h *hermit) key() string {
	c := &h.calls.call
	var b strings.Builder
	fmt.Fprint(&b, c.state, c.side, c.name[0], c.peer.Name, c.peer.Number, c.ix, c.codec, c.id > 0,
		h.calls.engaged, h.wants, h.media != nil, h.up)
	for _, g := range h.calls.guests {
		fmt.Fprint(&b, " ", g.ix, g.stage)
	}
	return b.String()
}

func (h *hermit) moves() []move {
	var ms []move
	add := func(name string, do func(h *hermit)) {
		ms = append(ms, move{name, false, func(m model) {
			h := m.(*hermit)
			do(h)
			h.drain()
		}})
	}
	h.userMoves(add)
	h.answerMoves(add)
	h.messageMoves(add)
	h.sessionMoves(add)
	return ms
}

func (h *hermit) userMoves(add func(string, func(*hermit))) {
	for _, number := range []string{workshop.Number, workshop.Name, kitchen.Number, "12", ""} {
		add("dial "+number, func(h *hermit) {
			h.wants = h.wants || !h.calls.Current().State.Live()
			h.calls.Dial(noon, number)
		})
	}
	add("answer", func(h *hermit) {
		h.wants = h.wants || h.calls.Current().State == RingingHere
		h.calls.Answer(noon)
	})
	add("hang up", func(h *hermit) {
		h.calls.HangUp(noon)
		h.wants = false
		if h.calls.Current().State.Live() {
			h.wrong("a call after HangUp")
		}
	})
	add("lift", func(h *hermit) { h.calls.Engaged(noon, true) })
	add("put back", func(h *hermit) { h.calls.Engaged(noon, false) })
	add("shut", func(h *hermit) {
		h.calls.Shut(noon)
		h.wants = false
		if h.calls.Current().State.Live() || len(h.calls.guests) > 0 {
			h.wrong("not shut")
		}
	})
	if !h.calls.call.deadline.IsZero() {
		add("time out", func(h *hermit) {
			h.calls.call.deadline = noon
			h.calls.Advance(noon)
		})
	}
	for i := range h.calls.guests {
		add(fmt.Sprintf("guest %d times out", i), func(h *hermit) {
			h.calls.guests[i].until = noon
			h.calls.Advance(noon)
		})
	}
}

// answerMoves answer requests that were made, and those that never were.
func (h *hermit) answerMoves(add func(string, func(*hermit))) {
	now := h.calls.call.id
	for _, id := range []ID{now, now - 1, now + 1, 0} {
		for _, p := range []Peer{workshop, kitchen} {
			add(fmt.Sprintf("located %d %s", id-now, p.Name), func(h *hermit) { h.calls.Located(noon, id, p) })
		}
		for _, why := range []Reason{NotFound, Unreachable, NoReason} {
			add(fmt.Sprintf("absent %d %v", id-now, why), func(h *hermit) { h.calls.Absent(noon, id, why) })
		}
		add(fmt.Sprintf("unreachable %d", id-now), func(h *hermit) { h.calls.Unreachable(noon, id) })
		for ix := wire.Index(1); ix < sessionsOfHermit; ix++ {
			add(fmt.Sprintf("connected %d by %d", id-now, ix), func(h *hermit) {
				h.up[ix] = true
				h.calls.Connected(noon, id, ix)
			})
		}
	}
}

// messageMoves say everything in every session.
func (h *hermit) messageMoves(add func(string, func(*hermit))) {
	for ix := wire.Index(1); ix <= sessionsOfHermit; ix++ {
		if !h.up[ix] {
			continue
		}
		for _, name := range []wire.CallID{ownName, lowName, highName, {}} {
			for _, codecs := range [][]wire.Codec{{wire.CodecPCM16}, {7}} {
				add(fmt.Sprintf("session %d: invite %d %v", ix, name[0], codecs), func(h *hermit) {
					h.calls.Invited(noon, ix, farEnd(ix), wire.Invite{Call: name, Codecs: codecs})
				})
			}
			for _, m := range []wire.Message{
				wire.Ringing{Call: name}, wire.Bye{Call: name},
				wire.Accept{Call: name, Codec: wire.CodecPCM16}, wire.Accept{Call: name, Codec: 7},
				wire.Reject{Call: name, Code: wire.RejectBusy}, wire.Reject{Call: name, Code: 99},
				wire.Candidates{},
			} {
				add(fmt.Sprintf("session %d: %T %d", ix, m, name[0]), func(h *hermit) { h.calls.Handle(noon, ix, m) })
			}
		}
	}
}

func (h *hermit) sessionMoves(add func(string, func(*hermit))) {
	for ix := wire.Index(1); ix <= sessionsOfHermit; ix++ {
		add(fmt.Sprintf("session %d opens", ix), func(h *hermit) {
			h.up[ix] = true
			h.calls.Opened(noon, ix, farEnd(ix).Device)
		})
		add(fmt.Sprintf("session %d is lost", ix), func(h *hermit) {
			h.up[ix] = false
			h.calls.Lost(noon, ix)
		})
	}
	for from := wire.Index(1); from < sessionsOfHermit; from++ {
		if to := sessionsOfHermit - from; h.up[from] && h.up[to] {
			add(fmt.Sprintf("session %d moves", from), func(h *hermit) {
				h.up[from] = false
				h.calls.Moved(noon, from, to)
			})
		}
	}
}

// drain watches what the phone wants.
func (h *hermit) drain() {
	for _, e := range h.calls.Take() {
		if id, ok := idOf(e); ok && id <= h.over {
			h.wrong("%#v of a forgotten call", e)
		}
		h.watch(e)
	}
	v := h.calls.Current()
	if (h.media != nil) != (v.State == Talking) {
		h.wrong("%v with media %v", v.State, h.media)
	}
	if h.media != nil && (h.media.Index != v.Index || v.Index == 0 || !h.up[v.Index]) {
		h.wrong("media in session %d, the call in %d", h.media.Index, v.Index)
	}
	if waits := v.State.Live() && v.State != Talking; waits == h.calls.call.deadline.IsZero() {
		h.wrong("%v with deadline %v", v.State, h.calls.call.deadline)
	}
	for ix := wire.Index(1); ix <= sessionsOfHermit; ix++ {
		if h.up[ix] != h.calls.knows(ix) {
			h.wrong("session %d is up: %v, the book knows it: %v", ix, h.up[ix], h.calls.knows(ix))
		}
		if h.calls.uses(ix) && h.calls.find(ix) >= 0 {
			h.wrong("session %d is the call's and a guest", ix)
		}
	}
}

func (h *hermit) watch(e Event) {
	switch e := e.(type) {
	case Send:
		if !h.up[e.Index] {
			h.wrong("%T in session %d, which is gone", e.Message, e.Index)
		}
		switch e.Message.(type) {
		case wire.Invite, wire.Accept:
			if !h.wants {
				h.wrong("%T, and the user does not want to talk", e.Message)
			}
		}
	case StartMedia:
		if h.media != nil || !h.wants {
			h.wrong("StartMedia with media %v, wanted: %v", h.media, h.wants)
		}
		h.media = &e
	case MoveMedia:
		if h.media == nil || h.media.ID != e.ID {
			h.wrong("MoveMedia without media")
			return
		}
		moved := *h.media
		moved.Index = e.Index
		h.media = &moved
	case StopMedia:
		if h.media == nil || h.media.ID != e.ID {
			h.wrong("StopMedia without media")
		}
		h.media = nil
	case Release:
		if !h.up[e.Index] {
			h.wrong("Release of session %d, which is gone", e.Index)
		}
		h.up[e.Index] = false
	case Changed:
		if e.View.State == Ended {
			h.over, h.wants = e.View.ID, false
		}
	}
}

// TestHermit gives every input in every state of one phone.
func TestHermit(t *testing.T) {
	if raceDetector {
		t.Skip("one goroutine: nothing to race with")
	}
	states, moves, wrong := explore(newHermit(&standard), 500_000)
	t.Logf("%d distinct states, %d moves", states, moves)
	if wrong != "" {
		t.Fatal(wrong)
	}
	if states < 1000 {
		t.Fatalf("only %d states", states)
	}
}
