package call

import (
	"fmt"
	"slices"

	"peerphone/node/wire"
)

// drain carries out what phone at wants, as node does, and watches it.
func (t *town) drain(at int) {
	p := &t.phones[at]
	for events := p.calls.Take(); len(events) > 0; events = p.calls.Take() {
		for _, e := range events {
			t.carry(at, e)
		}
	}
	t.inspect(at)
}

func (t *town) carry(at int, e Event) {
	p := &t.phones[at]
	if id, ok := idOf(e); ok && id <= p.over {
		t.wrong("%s: %#v of a forgotten call", p.self.Name, e)
	}
	switch e := e.(type) {
	case Search:
		p.finding = e.ID
	case Connect:
		p.dialling = append(p.dialling[max(0, len(p.dialling)-1):], e.ID)
	case Send:
		t.carrySend(at, e)
	case StartMedia:
		t.carryStart(at, e)
	case MoveMedia:
		if p.media == nil || p.media.ID != e.ID {
			t.wrong("%s: MoveMedia without media", p.self.Name)
			return
		}
		moved := *p.media
		moved.Index = e.Index
		p.media = &moved
	case StopMedia:
		if p.media == nil || p.media.ID != e.ID {
			t.wrong("%s: StopMedia without media", p.self.Name)
		}
		p.media = nil
	case Release:
		t.carryRelease(at, e)
	case Changed:
		if e.View.State == Ended {
			p.over, p.wants = e.View.ID, false
		}
	}
}

// idOf returns the call that an event is about, if it is about one.
func idOf(e Event) (ID, bool) {
	switch e := e.(type) {
	case Search:
		return e.ID, true
	case Connect:
		return e.ID, true
	case Cancel:
		return e.ID, true
	case StartMedia:
		return e.ID, true
	case MoveMedia:
		return e.ID, true
	case StopMedia:
		return e.ID, true
	case Changed:
		return e.View.ID, true
	}
	return 0, false
}

func (t *town) carrySend(at int, e Send) {
	p, l := &t.phones[at], t.at(e.Index)
	if !l.up[at] {
		t.wrong("%s sends %T in session %d, which is gone", p.self.Name, e.Message, e.Index)
		return
	}
	switch m := e.Message.(type) {
	case wire.Invite:
		t.agree(at, m.Call, m)
	case wire.Accept:
		t.agree(at, m.Call, m)
	}
	if l.gone[at] != alive || !l.up[1-at] || l.gone[1-at] != alive {
		return // nobody will hear it
	}
	if len(l.queue[1-at]) == t.with.queue {
		t.strike(int(e.Index-1), dead)
		return
	}
	l.queue[1-at] = append(l.queue[1-at], e.Message)
}

// agree notes that a phone spoke for its user.
func (t *town) agree(at int, name wire.CallID, m wire.Message) {
	p := &t.phones[at]
	if !p.wants {
		t.wrong("%s says %T, but its user does not want to talk", p.self.Name, m)
	}
	if names := t.names(); len(p.agreed) > len(names) {
		p.agreed = slices.DeleteFunc(p.agreed, func(n wire.CallID) bool { return !slices.Contains(names, n) })
	}
	if !p.hasAgreed(name) {
		p.agreed = append(p.agreed, name)
	}
}

func (p *phone) hasAgreed(name wire.CallID) bool { return slices.Contains(p.agreed, name) }

func (t *town) carryStart(at int, e StartMedia) {
	p := &t.phones[at]
	switch name := p.calls.call.name; {
	case p.media != nil:
		t.wrong("%s: StartMedia twice", p.self.Name)
	case !p.wants || !p.hasAgreed(name) && !t.phones[1-at].hasAgreed(name):
		t.wrong("%s opens the microphone, and its user does not want it", p.self.Name)
	case !t.phones[1-at].hasAgreed(name):
		t.wrong("%s opens the microphone, and the far user has not agreed", p.self.Name)
	}
	p.media = &e
}

func (t *town) carryRelease(at int, e Release) {
	p, l := &t.phones[at], t.at(e.Index)
	if !l.up[at] {
		t.wrong("%s releases session %d, which it does not have", p.self.Name, e.Index)
		return
	}
	l.up[at], l.gone[at], l.queue[at] = false, alive, nil
	if l.up[1-at] && l.gone[1-at] == alive {
		l.gone[1-at] = dead // its queue may still arrive before
	}
}

// inspect checks what must hold of a phone between two inputs.
func (t *town) inspect(at int) {
	p := &t.phones[at]
	v := p.calls.Current()
	if (p.media != nil) != (v.State == Talking) {
		t.wrong("%s is %v with media %v", p.self.Name, v.State, p.media)
	}
	if p.media != nil && p.media.Index != v.Index {
		t.wrong("%s talks in session %d, its media goes by %d", p.self.Name, v.Index, p.media.Index)
	}
	if waits := v.State.Live() && v.State != Talking; waits == p.calls.call.deadline.IsZero() {
		t.wrong("%s is %v with deadline %v", p.self.Name, v.State, p.calls.call.deadline)
	}
	for k := range t.links {
		if t.links[k].up[at] != p.calls.knows(ix(k)) {
			t.wrong("%s: session %d is up: %v, its book knows it: %v", p.self.Name, ix(k), t.links[k].up[at], p.calls.knows(ix(k)))
		}
	}
	a, b := t.phones[0].calls.Current(), t.phones[1].calls.Current()
	if a.State == RingingHere && b.State == RingingHere && t.phones[0].calls.call.name == t.phones[1].calls.call.name {
		t.wrong("both phones ring for one call")
	}
}

// unsettled says what is wrong when nothing is on its way any more.
func (t *town) unsettled() string {
	a, b := &t.phones[0].calls, &t.phones[1].calls
	talk := a.call.state == Talking && b.call.state == Talking
	switch {
	case !t.with.timeouts:
		return t.unhappy()
	case talk && (a.call.name != b.call.name || a.call.ix != b.call.ix || a.call.codec != b.call.codec || a.call.side == b.call.side):
		return "they talk, but not with each other"
	case !talk && (a.call.state.Live() || b.call.state.Live()):
		return fmt.Sprintf("an orphan call: %v, %v", a.call.state, b.call.state)
	}
	for k, l := range t.links {
		if (l.up[0] || l.up[1]) && !(talk && a.uses(ix(k))) {
			return fmt.Sprintf("session %d was never released", ix(k))
		}
	}
	return ""
}

// unhappy is unsettled for a town without faults and time: whoever dials, talks
// or rings.
func (t *town) unhappy() string {
	a, b := &t.phones[0].calls.call, &t.phones[1].calls.call
	switch {
	case a.state == Talking && b.state == Talking && a.name == b.name && a.ix == b.ix && a.codec == b.codec:
		return ""
	case t.with.nobody:
	case a.state == RingingHere && b.state == RingingFar, a.state == RingingFar && b.state == RingingHere:
		return ""
	case a.state == Idle && b.state == Idle:
		return ""
	}
	return fmt.Sprintf("without any fault the phones are %v and %v", a.state, b.state)
}
