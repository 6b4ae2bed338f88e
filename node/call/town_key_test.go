package call

import (
	"bytes"
	"slices"

	"peerphone/node/wire"
)

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
