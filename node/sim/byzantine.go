package sim

import (
	"cmp"
	"encoding/binary"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/login"
	"peerphone/node/overlay"
	"peerphone/node/wire"
)

//go:generate go tool stringer -type=malice,Storm,Mode -output=words_string.go

// malice is how a Byzantine supernode harms. It has a certificate like any other
// and runs the same cores; what it says is bent.
type malice uint8

const (
	honest    malice = iota
	drops            // keeps silent about the index and passes no news on
	lies             // denies what it holds, to supernodes and to its guests
	forges           // alters the records that it answers with
	withholds        // says that it has stored, and stores nothing
	eclipses         // names none but its fellows, and bears witness that others are dead
	malices   = int(eclipses)
)

// plot is what the Byzantine supernodes of a world know of each other.
type plot struct {
	members []wire.Member
	places  []wire.Place
	victims []accused // whose death the eclipsing ones testify, in turn
}

// accused is an honest supernode, as it announced itself first.
type accused struct {
	place       wire.Place
	incarnation uint32
}

// corrupt makes some of the supernodes Byzantine, all kinds alike.
func (w *World) corrupt(share float64) {
	supernodes := slices.Clone(w.supernodes())
	w.draw.Shuffle(len(supernodes), func(i, j int) { supernodes[i], supernodes[j] = supernodes[j], supernodes[i] })
	bad := int(share * float64(len(supernodes)))
	for i, n := range supernodes {
		news, _, _ := wire.CutNews(n.announcement)
		a, ok := news.(wire.Announcement)
		if !ok {
			continue
		}
		place := overlay.PlaceOf(a)
		if i >= bad {
			w.plot.victims = append(w.plot.victims, accused{place, a.Incarnation})
			continue
		}
		n.malice, n.standing = malice(1+i%malices), place
		w.plot.members = append(w.plot.members, a.Member)
		w.plot.places = append(w.plot.places, place)
	}
}

// some returns up to count members of the plot.
func (n *Node) some(count int) []wire.Member {
	var list []wire.Member
	members := n.w.plot.members
	for range min(count, len(members)) {
		if m := members[n.draw.IntN(len(members))]; !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	return list
}

// nearest returns the places of the plot that are nearest to a key.
func (p *plot) nearest(key identity.IndexKey) []byte {
	at := wire.Place(binary.BigEndian.Uint64(key[:]))
	places := slices.Clone(p.places)
	slices.SortFunc(places, func(a, b wire.Place) int {
		if a^at < b^at {
			return -1
		}
		return 1
	})
	var near []byte
	for _, place := range places[:min(len(places), wire.MaxNear)] {
		near = binary.BigEndian.AppendUint64(near, uint64(place))
	}
	return near
}

// evade takes a question of another supernode before the core sees it, and
// answers it badly; false: the core shall answer.
func (n *Node) evade(to func(frame []byte), frame []byte) bool {
	q, ok := wire.ParseQuestion(frame)
	if !ok || q.Answer || q.Topic != wire.TopicIndex {
		return false
	}
	if n.malice == drops {
		return true
	}
	m, err := wire.Parse(q.Body)
	if err != nil {
		return false
	}
	answer := n.falseAnswer(q.Nonce, m)
	if answer == nil {
		return false
	}
	to(wire.AppendQuestion(nil, wire.Question{Answer: true, Topic: q.Topic, Nonce: q.Nonce, Body: wire.Append(nil, answer)}, 0))
	return true
}

// falseAnswer returns what a Byzantine supernode answers; nil: the truth.
func (n *Node) falseAnswer(nonce uint64, m wire.Message) wire.Message {
	switch m := m.(type) {
	case wire.Find:
		if n.malice != forges {
			return n.denial(nonce, m.Key)
		}
	case wire.Seek:
		if n.malice != forges {
			return n.misguide(nonce, m.Key)
		}
	case wire.Have:
		return wire.Stored{Code: wire.StoreOK, Copies: 1} // so nobody gives it the record, or sees to it
	case wire.Publish:
		if n.malice == withholds {
			return wire.Stored{Code: wire.StoreOK, Copies: 1}
		}
	}
	return nil
}

// denial is a signed lie.
func (n *Node) denial(nonce uint64, key identity.IndexKey) wire.Message {
	f := wire.Found{Code: wire.FindNone}
	if n.malice == eclipses {
		f.Near = n.w.plot.nearest(key)
	}
	f.Signature = n.nodeKey().Sign(wire.DenialMessage(nonce, key, f))
	return f
}

// misguide is a signed lie about who stands nearer: some tell the truth about that,
// and none about the record; others name none but each other.
func (n *Node) misguide(nonce uint64, key identity.IndexKey) wire.Message {
	g := wire.Guide{Code: wire.FindNone, Self: n.core.Announcement()}
	if len(g.Self) == 0 {
		return nil
	}
	near := n.w.plot.contacts(key)
	if n.malice != eclipses {
		near = n.core.Toward(key)
	}
	g.Near = wire.AppendContacts(nil, near)
	g.Signature = n.nodeKey().Sign(wire.GuideMessage(nonce, key, g))
	return g
}

// contacts returns those of the plot that are nearest to a key.
func (p *plot) contacts(key identity.IndexKey) []wire.Contact {
	at := wire.Place(binary.BigEndian.Uint64(key[:]))
	order := make([]int, len(p.places))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p.places[a]^at, p.places[b]^at) })
	var list []wire.Contact
	for _, i := range order[:min(len(order), wire.MaxNear)] {
		list = append(list, wire.Contact{Place: p.places[i], Member: p.members[i]})
	}
	return list
}

// nodeKey is the key of the node certificate, at the birth of the world and
// after.
func (n *Node) nodeKey() identity.Key {
	return login.NodeKey(n.device, identity.EpochAt(n.now()))
}

// bend takes a question or an answer of a Byzantine supernode on its way out;
// nil: it is kept back.
func (n *Node) bend(frame []byte) []byte {
	q, ok := wire.ParseQuestion(frame)
	if !ok || q.Topic != wire.TopicIndex {
		return frame
	}
	m, err := wire.Parse(q.Body)
	if err != nil {
		return frame
	}
	switch m := m.(type) {
	case wire.Publish:
		if n.malice == drops || n.malice == withholds {
			return nil // what its guests publish, and what it should repair
		}
	case wire.Found:
		if n.malice == forges && m.Code == wire.FindRecord {
			m.Record = n.forged(m.Record)
			q.Body = wire.Append(nil, m)
			return wire.AppendQuestion(nil, q, 0)
		}
	}
	return frame
}

// forged returns a record that says something else: altered, or signed anew by
// the forger.
func (n *Node) forged(b []byte) []byte {
	r, err := wire.ParseRecord(b)
	if err != nil || len(r.Inner) == 0 {
		return b
	}
	r.Inner = slices.Clone(r.Inner)
	r.Inner[len(r.Inner)-1] ^= 1
	if n.draw.IntN(2) == 0 {
		r.Sequence++
		r.Placement.RecordKey = n.device.ID()
		r.Signature = n.device.Sign(wire.RecordMessage(r))
	}
	return wire.AppendRecord(nil, r)
}

// lie takes a message in a session of a Byzantine supernode; nil: it is not
// sent.
func (n *Node) lie(_ wire.Index, m wire.Message) wire.Message {
	switch m := m.(type) {
	case wire.Found:
		switch {
		case n.malice == drops:
			return nil
		case n.malice == forges && m.Code == wire.FindRecord:
			m.Record = n.forged(m.Record)
			return m
		case n.malice != forges:
			return wire.Found{Query: m.Query, Code: wire.FindNone}
		}
	case wire.Stored:
		if n.malice == drops {
			return nil
		}
		if n.malice == withholds {
			return wire.Stored{Query: m.Query, Code: wire.StoreOK, Copies: wire.MaxNear}
		}
	case wire.Attached:
		if n.malice == eclipses {
			m.Members = n.some(len(m.Members))
		}
		return m
	case wire.Members:
		if n.malice == eclipses {
			m.Live = n.some(len(m.Live))
		}
		return m
	case wire.Gossip:
		if n.malice == drops {
			return nil
		}
		if n.malice == eclipses && len(m.News) < slanderRoom {
			m.News = append(n.slander(), m.News...)
		}
		return m
	case wire.Digest:
		if n.malice == eclipses {
			return wire.Gossip{News: n.slander()}
		}
	}
	return m
}

const (
	// slanderEvery is how long the plot takes to turn to another victim.
	slanderEvery = 10 * time.Second
	// slanderRoom is up to what length of news a testimony is added to it.
	slanderRoom = 800
)

// slander bears witness that somebody is dead who is not. All of the plot take
// the same victims at the same time: three of them make a death. Each other
// testimony is about an incarnation that is still to come.
func (n *Node) slander() []byte {
	victims := n.w.plot.victims
	if len(victims) == 0 {
		return nil
	}
	turn := int(n.now().Sub(n.w.cfg.Birth) / slanderEvery)
	v := victims[turn%len(victims)]
	t := wire.Testimony{Of: v.place, Incarnation: v.incarnation, Witness: n.standing}
	if turn%2 > 0 {
		t.Incarnation += 1 << 20
	}
	t.Signature = n.nodeKey().Sign(wire.NewsMessage(t))
	return wire.AppendNews(nil, t)
}
