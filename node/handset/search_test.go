package handset

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"peerphone/hal"
	"peerphone/node/identity"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// A trial is a handset in a search and what it has just done.
type trial struct {
	input  string
	h      Handset
	before Face
	was    Handset
	events []Event
}

// key is the same for two handsets that cannot be told apart: how long a number
// is counts only while it is typed, and a last number is as good as another.
func (h *Handset) key() string {
	digits := len(h.digits)
	if h.state != onHook && h.state != collecting {
		digits = min(digits, 1)
	}
	return fmt.Sprint(h.state, digits, h.last != "", h.call.Phase, h.line.State,
		h.notice, min(h.missed.count, 2), h.deadline.IsZero(), h.tick.IsZero(), h.star.IsZero())
}

// An input is one thing that can happen to a handset.
type input struct {
	name string
	do   func(h *Handset)
}

// inputs are all that can happen, in any state: also views that no call would
// show, and things that no keypad has.
func inputs() []input {
	ins := []input{
		{"lift", func(h *Handset) { h.Hook(noon, true) }},
		{"put back", func(h *Handset) { h.Hook(noon, false) }},
		{"time passes", func(h *Handset) {
			if !h.deadline.IsZero() {
				h.deadline = noon
				h.Advance(noon)
			}
		}},
		{"a second passes", func(h *Handset) {
			if h.state == talking {
				h.Advance(noon.Add(time.Second))
			}
		}},
	}
	for _, k := range []hal.Key{'1', '*', '#', 'x'} {
		ins = append(ins, input{"key " + k.String(), func(h *Handset) { h.Key(noon, k) }})
	}
	for p := None; p <= Over; p++ {
		reasons := []Reason{NoReason}
		if p == Over {
			reasons = []Reason{NoReason, ReasonBusy, ReasonNotFound, ReasonDeclined, 200}
		}
		for _, r := range reasons {
			v := CallView{Phase: p, Peer: "workshop", Number: "1002", Reason: r, Since: noon}
			ins = append(ins, input{fmt.Sprintf("call is %v, %v", p, r), func(h *Handset) { h.Call(noon, v) }})
		}
	}
	for _, s := range []LineState{LoggingIn, Attaching, Ready, Trouble, 99} {
		ins = append(ins, input{fmt.Sprintf("line is %v", s), func(h *Handset) {
			h.Line(noon, LineView{State: s, Name: "kitchen", Number: "1001"})
		}})
	}
	return ins
}

// TestSearch gives every input in every distinct state and proves what a user
// relies on: see wrong and settles.
func TestSearch(t *testing.T) {
	type seen struct {
		from int
		by   string
	}
	start := *New(Config{Columns: 16, Lines: 2})
	frontier, index, path := []Handset{start}, map[string]bool{start.key(): true}, []seen{{-1, "start"}}
	story := func(at int, last string) string {
		steps := []string{last}
		for ; at >= 0; at = path[at].from {
			steps = append(steps, path[at].by)
		}
		slices.Reverse(steps)
		return strings.Join(steps, "\n  ")
	}
	moves := 0
	for at := 0; at < len(frontier); at++ {
		for _, in := range inputs() {
			moves++
			tr := trial{input: in.name, h: frontier[at], was: frontier[at], before: frontier[at].Face()}
			in.do(&tr.h)
			tr.events = tr.h.Take()
			if w := tr.wrong(); w != "" {
				t.Fatalf("%s\nwrong: %s", story(at, in.name), w)
			}
			if k := tr.h.key(); !index[k] {
				index[k] = true
				frontier, path = append(frontier, tr.h), append(path, seen{at, in.name})
			}
		}
		if w := settles(frontier[at]); w != "" {
			t.Fatalf("%s\nwrong: %s", story(at, "time passes"), w)
		}
	}
	t.Logf("%d distinct states, %d moves", len(frontier), moves)
	if len(frontier) < 1000 {
		t.Errorf("only %d states: the search does not see enough", len(frontier))
	}
}

// wrong names what does not hold after an input.
func (tr *trial) wrong() string {
	f, h := tr.h.Face(), &tr.h
	for _, check := range []struct {
		what string
		ok   bool
	}{
		{"the lamp of the microphone is on exactly in a conversation",
			(f.Lamps[hal.LampInUse] == hal.On) == f.Talking},
		{"a conversation needs a lifted receiver and a call that talks",
			!f.Talking || f.Lifted && h.call.Phase == Talking},
		{"a call that talks unseen is ended at once",
			f.Talking || h.call.Phase != Talking || !strings.HasPrefix(tr.input, "call is") || has[HangUp](tr.events)},
		{"the ringer rings for a call on the hook",
			!f.Ringing || !f.Lifted && h.call.Phase == HereRinging},
		{"a call that comes on the hook rings",
			f.Ringing || f.Lifted || h.call.Phase != HereRinging || !strings.HasPrefix(tr.input, "call is")},
		{"the ring lamp goes with the ringer",
			(f.Lamps[hal.LampRing] == hal.Flash) == f.Ringing},
		{"no tone on the hook, none in a conversation",
			f.Tone == Silent || f.Lifted && !f.Talking},
		{"ringback only while the far phone rings",
			f.Tone != Ringback || h.call.Phase == FarRinging},
		{"a live call is hung up with the receiver",
			f.Lifted || !tr.was.face.lifted || !tr.was.call.Phase.live() || has[HangUp](tr.events)},
		{"HangUp only for a call",
			!has[HangUp](tr.events) || h.call.Phase.live() || tr.was.state == calling || tr.was.state == answering},
		{"Answer only by lifting for a call that rings",
			!has[Answer](tr.events) || f.Lifted && !tr.was.face.lifted && tr.was.face.ringing},
		{"a key counts only in a conversation", !has[Digit](tr.events) || tr.was.face.talking},
		{"a call is held only in a conversation, by the second star",
			!has[Hold](tr.events) || tr.was.face.talking && !tr.was.star.IsZero() && h.star.IsZero() && !has[Digit](tr.events)},
		{"FaceChanged exactly when the face changes",
			has[FaceChanged](tr.events) == !sameFace(f, tr.before)},
		{"one answer to one input", len(tr.events) <= 2},
		{"a state that waits has a deadline",
			h.deadline.IsZero() != slices.Contains([]state{collecting, dialling, finished, howling}, h.state) || h.state == onHook},
	} {
		if !check.ok {
			return fmt.Sprintf("%s: %v, view %+v, face %+v, events %#v", check.what, h.state, h.call, f, tr.events)
		}
	}
	for _, e := range tr.events {
		if d, ok := e.(Dial); ok {
			if _, err := identity.ParseNumber(d.Number); err != nil || !f.Lifted {
				return fmt.Sprintf("Dial %q, lifted %v", d.Number, f.Lifted)
			}
		}
	}
	return tr.misfit(f)
}

func (tr *trial) misfit(f Face) string {
	if len(f.Lines) != tr.h.rows {
		return fmt.Sprintf("%d lines", len(f.Lines))
	}
	for _, line := range f.Lines {
		if len(line) > tr.h.columns || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
			return fmt.Sprintf("line %q", line)
		}
	}
	return ""
}

// settles lets the time pass: every tone must stop, but for the ringback of a
// phone that still rings.
func settles(h Handset) string {
	for range 6 {
		if h.deadline.IsZero() {
			break
		}
		h.deadline = noon
		h.Advance(noon)
		h.Take()
	}
	switch tone := h.Face().Tone; {
	case !h.deadline.IsZero():
		return fmt.Sprintf("%v never comes to rest", h.state)
	case tone != Silent && tone != Ringback:
		return fmt.Sprintf("%v never stops in %v", tone, h.state)
	}
	return ""
}

func has[E Event](events []Event) bool {
	return slices.ContainsFunc(events, func(e Event) bool { _, ok := e.(E); return ok })
}

func sameFace(a, b Face) bool {
	return a.Tone == b.Tone && a.Ringing == b.Ringing && a.Talking == b.Talking && a.Lifted == b.Lifted &&
		fmt.Sprint(a.Lamps) == fmt.Sprint(b.Lamps) && slices.Equal(a.Lines, b.Lines)
}
