package call

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"peerphone/node/wire"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// persons of the tests: the device of a person is named by the last byte 1.
func person(name, number string) Peer {
	p := Peer{Name: name, Number: number}
	copy(p.Account[:], name)
	copy(p.Device[:], name)
	p.Device[31] = 1
	return p
}

var kitchen, workshop, stranger = person("kitchen", "1001"), person("workshop", "1002"), person("stranger", "6666")

// A town is two phones, the sessions between them and what is on its way: the
// world of the joint search. The time never moves; instead any timer may fire
// at any moment, which covers every order in which they could.
type town struct {
	phones [2]phone
	links  [maxLinks]link
	// with is what else may happen; constant.
	with *faults
	bad  string
}

// faults says what a search lets happen beyond users who dial.
type faults struct {
	hangUps, timeouts, breaks, absent, late bool
	nobody                                  bool // users do nothing more

	sessions int // at a time, at most maxLinks
	queue    int // messages under way each way; a session that would hold more breaks
	dials    int // of each user; 0: any number
}

const maxLinks = 3

type phone struct {
	calls    Calls
	self     Peer
	dials    int
	finding  ID   // Search without an answer
	dialling []ID // Connects without an answer, at most 2: one may be cancelled

	// What the events have said so far.
	media *StartMedia
	over  ID // the last call that ended
	// What the user said: he wants the call that there is.
	wants bool
	// agreed are the CallIDs for which the phone spoke while its user wanted to.
	agreed []wire.CallID
	draw   drawer
}

// A link is a session between the two phones. Its Index is its place in
// town.links plus one, at both ends.
type link struct {
	opener int
	up     [2]bool // this end has not been told that it is gone
	gone   [2]fate
	queue  [2][]wire.Message // towards each end
}

// A fate is news of a session that an end has still to learn.
type fate uint8

const (
	alive fate = iota
	dead
	movedTo // + place of the other link
)

// A drawer gives the CallID that the search wants.
type drawer struct{ next wire.CallID }

func (d *drawer) Read(b []byte) (int, error) { return copy(b, d.next[:]), nil }

func newTown(r *rules, with *faults) *town {
	t := &town{with: with}
	for i, self := range []Peer{kitchen, workshop} {
		p := &t.phones[i]
		p.self = self
		p.calls = *New(Config{Codecs: []wire.Codec{wire.CodecOpus, wire.CodecPCM16}, Self: self})
		p.calls.call.rules = r
	}
	return t
}

func (t *town) clone() model {
	c := *t
	for i := range c.phones {
		p := &c.phones[i]
		p.calls.guests = slices.Clone(p.calls.guests)
		p.dialling = slices.Clone(p.dialling)
		p.agreed = slices.Clone(p.agreed)
	}
	for i := range c.links {
		for end := range 2 {
			c.links[i].queue[end] = slices.Clone(c.links[i].queue[end])
		}
	}
	return &c
}

func (t *town) broken() string { return t.bad }

func (t *town) wrong(format string, args ...any) {
	if t.bad == "" {
		t.bad = fmt.Sprintf(format, args...)
	}
}

// moves lists everything that can happen now.
func (t *town) moves() []move {
	var ms []move
	add := func(progress bool, name string, do func(t *town)) {
		ms = append(ms, move{name, progress, func(m model) { do(m.(*town)) }})
	}
	for at := range 2 {
		t.userMoves(at, add)
		t.answerMoves(at, add)
		t.timerMoves(at, add)
		t.linkMoves(at, add)
	}
	t.faultMoves(add)
	return ms
}

type adder func(progress bool, name string, do func(t *town))

func (t *town) userMoves(at int, add adder) {
	if t.with.nobody {
		return
	}
	who := t.phones[at].self.Name
	if t.with.dials == 0 || t.phones[at].dials < t.with.dials {
		add(false, who+" dials", func(t *town) { t.dial(at) })
	}
	add(false, who+" answers", func(t *town) { t.answer(at) })
	if t.with.hangUps {
		add(false, who+" hangs up", func(t *town) { t.hangUp(at) })
	}
}

func (t *town) dial(at int) {
	p := &t.phones[at]
	was := p.calls.Current().State.Live()
	p.wants = p.wants || !was
	if !was && t.with.dials > 0 {
		p.dials++
	}
	p.calls.Dial(noon, t.phones[1-at].self.Number)
	t.drain(at)
}

func (t *town) answer(at int) {
	p := &t.phones[at]
	p.wants = p.wants || p.calls.Current().State == RingingHere
	p.calls.Answer(noon)
	t.drain(at)
}

func (t *town) hangUp(at int) {
	t.phones[at].calls.HangUp(noon)
	t.phones[at].wants = false
	t.drain(at)
	if t.phones[at].calls.Current().State.Live() {
		t.wrong("%s has hung up and has a call", t.phones[at].self.Name)
	}
}

// answerMoves are the directory's and the session's answers.
func (t *town) answerMoves(at int, add adder) {
	p := &t.phones[at]
	who, peer := p.self.Name, t.phones[1-at].self
	if id := p.finding; id != 0 {
		wanted := p.wanted(id)
		if wanted || t.with.late {
			add(wanted, who+" finds", func(t *town) {
				t.phones[at].finding = 0
				t.phones[at].calls.Located(noon, id, peer)
				t.drain(at)
			})
		}
		if t.with.absent {
			add(wanted, who+" does not find", func(t *town) {
				t.phones[at].finding = 0
				t.phones[at].calls.Absent(noon, id, NotFound)
				t.drain(at)
			})
		}
	}
	for i, id := range p.dialling {
		wanted := p.wanted(id)
		if !wanted && !t.with.late {
			continue
		}
		for k := range t.with.sessions {
			for _, low := range []bool{true, false} {
				name := fmt.Sprintf("%s is connected (call %d, low %v)", who, id, low)
				switch l := &t.links[k]; {
				case !l.up[0] && !l.up[1]:
					add(wanted, name, func(t *town) { t.connected(at, i, k, low) })
				case at == 1 && l.opener == 0 && l.up[0] && l.up[1] && l.gone[at] == alive:
					// Both dialled, and the other session stays.
					add(false, name+" by the other's session", func(t *town) { t.connected(at, i, k, low) })
				}
			}
		}
		if t.with.absent {
			add(wanted, who+" cannot reach", func(t *town) {
				t.phones[at].take(i)
				t.phones[at].calls.Unreachable(noon, id)
				t.drain(at)
			})
		}
	}
}

// wanted reports whether the call still waits for this answer.
func (p *phone) wanted(id ID) bool {
	s := p.calls.Current().State
	return p.calls.call.id == id && (s == Searching || s == Connecting)
}

func (p *phone) take(i int) ID {
	id := p.dialling[i]
	p.dialling = slices.Delete(p.dialling, i, i+1)
	return id
}

func (t *town) connected(at, i, k int, low bool) {
	p := &t.phones[at]
	id := p.take(i)
	p.draw.next = t.freshName(low)
	p.calls.call.rand = &p.draw
	if l := &t.links[k]; !l.up[at] {
		*l = link{opener: at, up: [2]bool{true, true}}
		t.phones[1-at].calls.Opened(noon, ix(k), p.self.Device)
		t.drain(1 - at)
	}
	p.calls.Connected(noon, id, ix(k))
	t.drain(at)
}

// at returns a session; one that nobody has opened when ix names none.
func (t *town) at(ix wire.Index) *link {
	if ix == 0 || ix > maxLinks {
		return &link{}
	}
	return &t.links[ix-1]
}

func ix(k int) wire.Index { return wire.Index(k + 1) }

// freshName returns a CallID below or above all that are in use.
func (t *town) freshName(low bool) wire.CallID {
	v := uint64(1 << 63)
	if names := t.names(); len(names) > 0 {
		if low {
			v = binary.BigEndian.Uint64(names[0][:]) - 1
		} else {
			v = binary.BigEndian.Uint64(names[len(names)-1][:]) + 1
		}
	}
	var name wire.CallID
	binary.BigEndian.PutUint64(name[:], v)
	return name
}

// timerMoves fire any timer that is set.
func (t *town) timerMoves(at int, add adder) {
	if !t.with.timeouts {
		return
	}
	p := &t.phones[at]
	if !p.calls.call.deadline.IsZero() {
		add(true, fmt.Sprintf("%s: %v times out", p.self.Name, p.calls.call.state), func(t *town) {
			t.phones[at].calls.call.deadline = noon
			t.advance(at)
		})
	}
	for i := range p.calls.guests {
		add(true, fmt.Sprintf("%s: session %d times out", p.self.Name, p.calls.guests[i].ix), func(t *town) {
			t.phones[at].calls.guests[i].until = noon
			t.advance(at)
		})
	}
}

func (t *town) advance(at int) {
	t.phones[at].calls.Advance(noon)
	t.drain(at)
}

// linkMoves bring what is under way.
func (t *town) linkMoves(at int, add adder) {
	who := t.phones[at].self.Name
	for k := range t.links {
		l := &t.links[k]
		if !l.up[at] {
			continue
		}
		if len(l.queue[at]) > 0 {
			add(true, fmt.Sprintf("%s hears %T in %d", who, l.queue[at][0], ix(k)), func(t *town) { t.deliver(at, k) })
		}
		if l.gone[at] != alive {
			add(true, fmt.Sprintf("%s learns that session %d is gone", who, ix(k)), func(t *town) { t.learn(at, k) })
		}
	}
}

func (t *town) deliver(at, k int) {
	l, calls := &t.links[k], &t.phones[at].calls
	m := l.queue[at][0]
	l.queue[at] = l.queue[at][1:]
	if invite, ok := m.(wire.Invite); ok {
		calls.Invited(noon, ix(k), t.phones[1-at].self, invite)
	} else {
		calls.Handle(noon, ix(k), m)
	}
	t.drain(at)
}

func (t *town) learn(at, k int) {
	l, calls := &t.links[k], &t.phones[at].calls
	news := l.gone[at]
	l.up[at], l.gone[at], l.queue[at] = false, alive, nil
	if news >= movedTo && t.links[news-movedTo].up[at] {
		calls.Moved(noon, ix(k), ix(int(news-movedTo)))
	} else {
		calls.Lost(noon, ix(k))
	}
	t.drain(at)
}

// faultMoves end sessions. What is under way in them is lost.
func (t *town) faultMoves(add adder) {
	for k := range t.links {
		l := &t.links[k]
		if !l.up[0] && !l.up[1] {
			continue
		}
		if t.with.breaks && (l.gone[0] == alive || l.gone[1] == alive) {
			add(false, fmt.Sprintf("session %d breaks", ix(k)), func(t *town) { t.strike(k, dead) })
		}
		for j := range t.links {
			o := &t.links[j]
			if l.opener == 1 && o.opener == 0 && l.whole() && o.whole() {
				add(false, fmt.Sprintf("session %d gives way to %d", ix(k), ix(j)), func(t *town) { t.strike(k, movedTo+fate(j)) })
			}
		}
	}
}

func (l *link) whole() bool {
	return l.up[0] && l.up[1] && l.gone[0] == alive && l.gone[1] == alive
}

func (t *town) strike(k int, f fate) {
	l := &t.links[k]
	for end := range 2 {
		l.queue[end] = nil
		if l.up[end] && l.gone[end] == alive {
			l.gone[end] = f
		}
	}
}

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

// names returns the CallIDs that still matter, in order: those of calls, and of
// ended calls that somebody can still speak of.
func (t *town) names() []wire.CallID {
	var all, ended []wire.CallID
	for i := range t.phones {
		switch c := &t.phones[i].calls.call; {
		case c.name == wire.CallID{}:
		case c.state == Ended:
			ended = append(ended, c.name)
		default:
			all = append(all, c.name)
		}
	}
	for k := range t.links {
		for end := range 2 {
			for _, m := range t.links[k].queue[end] {
				all = append(all, nameOf(m))
			}
		}
	}
	for i, name := range ended {
		if slices.Contains(all, name) || slices.Contains(ended[i+1:], name) {
			all = append(all, name)
		}
	}
	slices.SortFunc(all, func(a, b wire.CallID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(all)
}

func nameOf(m wire.Message) wire.CallID {
	switch m := m.(type) {
	case wire.Invite:
		return m.Call
	case wire.Ringing:
		return m.Call
	case wire.Accept:
		return m.Call
	case wire.Reject:
		return m.Call
	case wire.Bye:
		return m.Call
	}
	return wire.CallID{}
}

// key names sessions by where they first occur, CallIDs by their order and
// calls by whether they are the current one, so that it tells only what can
// make a difference.
func (t *town) key() string {
	k := &keyer{names: t.names()}
	for i := range t.phones {
		k.phone(&t.phones[i])
	}
	for label := 0; label < len(k.links); label++ {
		k.link(&t.links[k.links[label]-1])
	}
	return string(k.b)
}

type keyer struct {
	b     []byte
	names []wire.CallID
	links []wire.Index
}

func (k *keyer) put(bs ...byte) { k.b = append(k.b, bs...) }

func (k *keyer) name(n wire.CallID) {
	i := slices.Index(k.names, n)
	k.put(byte(i + 1))
}

func (k *keyer) session(ix wire.Index) {
	if ix == 0 {
		k.put(0)
		return
	}
	i := slices.Index(k.links, ix)
	if i < 0 {
		i = len(k.links)
		k.links = append(k.links, ix)
	}
	k.put(byte(i + 1))
}

func (k *keyer) current(p *phone, id ID) {
	switch {
	case id == 0:
		k.put(0)
	case p.wanted(id):
		k.put(1)
	default:
		k.put(2)
	}
}

func (k *keyer) phone(p *phone) {
	c := &p.calls.call
	state := c.state
	if state == Ended && !slices.Contains(k.names, c.name) {
		state = Idle // nobody can speak of that call any more
	}
	k.put(0xf0, byte(p.dials), byte(state), bit(p.wants), bit(p.media != nil))
	if state > Connecting {
		k.name(c.name)
	}
	if state > Connecting && state != Ended {
		k.put(byte(c.codec), byte(c.side))
	}
	k.session(c.ix)
	for _, g := range p.calls.guests {
		k.put(0xf1, byte(g.stage))
		k.session(g.ix)
	}
	k.put(0xf2)
	k.current(p, p.finding)
	for _, id := range p.dialling {
		k.current(p, id)
	}
	k.put(0xf3)
	for _, n := range k.names {
		k.put(bit(p.hasAgreed(n)))
	}
}

func (k *keyer) link(l *link) {
	k.put(0xf4, byte(l.opener), bit(l.up[0]), bit(l.up[1]))
	for end := range 2 {
		if l.gone[end] >= movedTo {
			k.put(9)
			k.session(wire.Index(l.gone[end]-movedTo) + 1)
		} else {
			k.put(byte(l.gone[end]))
		}
		for _, m := range l.queue[end] {
			k.put(byte(m.Kind()))
			k.name(nameOf(m))
			switch m := m.(type) {
			case wire.Reject:
				k.put(byte(m.Code))
			case wire.Accept:
				k.put(byte(m.Codec))
			}
		}
		k.put(0xf5)
	}
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}
