package call

import (
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
