package sim

import (
	"bytes"
	"crypto/sha512"
	"encoding/binary"
	"slices"
	"time"

	"peerphone/node/directory"
	"peerphone/node/identity"
	"peerphone/node/overlay"
	"peerphone/node/wire"
)

// One lookup of a Settled: a home asks, and whoever is asked answers.

// excerpt is what the home that looks knows; answers what whoever is asked knows.
// Both are directory.Routing.
type excerpt struct {
	*settled
	number int
	table  overlay.Excerpt
}

type answers struct{ *settled }

// The announcement of a supernode is its place here, and it is at its address.
func announcementAt(p wire.Place) []byte { return binary.BigEndian.AppendUint64(nil, uint64(p)) }

// idAt is the key of who stands at a place.
func idAt(p wire.Place) (id identity.ID) {
	binary.BigEndian.PutUint64(id[:], uint64(p))
	return id
}

// signAs takes the place of a signature.
func signAs(id identity.ID, msg []byte) []byte {
	sum := sha512.Sum512(append(id[:], msg...))
	return sum[:]
}

func signedBy(id identity.ID, msg, sig []byte) bool { return bytes.Equal(sig, signAs(id, msg)) }

// Partial implements directory.Routing, as do the next.
func (e *excerpt) Partial() bool                                     { return true }
func (e *excerpt) Own() []byte                                       { return announcementAt(e.chart.Place(e.number)) }
func (e *excerpt) Heard(time.Time, wire.Contact, []byte)             {}
func (e *excerpt) Propose(time.Time, []byte)                         {}
func (e *excerpt) Closed(time.Time, identity.IndexKey, []wire.Place) {}
func (e *excerpt) Toward(key identity.IndexKey, n int) []wire.Contact {
	return e.toward(&e.table, key, n)
}

// Proves reports whether the one at c is who announces itself.
func (e *excerpt) Proves(_ time.Time, c wire.Contact, announcement []byte) (identity.ID, bool) {
	n := e.chart.Number(c.Place)
	return idAt(c.Place), n >= 0 && address(n) == c.Member.Addr && bytes.Equal(announcement, announcementAt(c.Place))
}

func (a answers) Partial() bool                                     { return true }
func (a answers) Own() []byte                                       { return announcementAt(a.chart.Place(a.asked)) }
func (a answers) Heard(time.Time, wire.Contact, []byte)             {}
func (a answers) Propose(time.Time, []byte)                         {}
func (a answers) Closed(time.Time, identity.IndexKey, []wire.Place) {}
func (a answers) Proves(time.Time, wire.Contact, []byte) (id identity.ID, ok bool) {
	return id, false
}

// Toward names whom the one that is asked knows, or, if it eclipses, the plot.
func (a answers) Toward(key identity.IndexKey, n int) []wire.Contact {
	if a.malice[a.asked] != eclipses {
		a.tableOf(a.asked, &a.table)
		return a.toward(&a.table, key, n)
	}
	at := placeOfKey(key)
	var cs []wire.Contact
	for _, p := range nearestOf(a.plot, at, n) {
		cs = append(cs, a.contact(a.chart.Number(p)))
	}
	return cs
}

// nearestOf returns the n of sorted places that are nearest to at: they lie where
// those do that have the most leading bits in common with it.
func nearestOf(places []wire.Place, at wire.Place, n int) []wire.Place {
	lo, hi := 0, len(places)
	for bit := 63; bit >= 0; bit-- {
		one := wire.Place(1) << bit
		first := at &^ (one - 1)
		from, _ := slices.BinarySearch(places, first)
		to, _ := slices.BinarySearch(places, first|(one-1))
		if to-from < n {
			break
		}
		lo, hi = from, to
	}
	near := slices.Clone(places[lo:hi])
	slices.SortFunc(near, func(x, y wire.Place) int {
		if x^at < y^at {
			return -1
		}
		return 1
	})
	return near[:min(n, len(near))]
}

// thePhone is the session in which the phone asks that looks.
const thePhone wire.Index = 1

// lookUp lets one look for a record.
func (s *settled) lookUp(sequence uint64) directory.IndexCounters {
	s.publish(sequence + 1)
	s.home.settled, s.home.number = s, s.living()
	s.tableOf(s.home.number, &s.home.table)
	x := s.index(&s.home)
	x.SetSelf(idAt(s.chart.Place(s.home.number)), func([]byte) []byte { return nil })
	x.Synced(s.now)
	s.events = events{}
	began := s.now
	x.Handle(s.now, thePhone, wire.Find{Query: 1, Key: s.key}, nil)
	for {
		for _, e := range x.Take() {
			switch e := e.(type) {
			case directory.Ask:
				s.carry(x, e)
			case directory.Send:
				if m, ok := e.Message.(wire.Found); ok {
					s.judge(m, s.now.Sub(began))
					return x.Counters()
				}
			}
		}
		next := x.Next()
		if at := s.events.next(); at != never && (next.IsZero() || at <= int64(next.Sub(s.Birth))) {
			at, h := s.events.pop()
			s.now = s.Birth.Add(time.Duration(at))
			h.call(s.now)
			continue
		}
		s.now = next
		x.Advance(s.now)
	}
}

// judge takes the end of a lookup.
func (s *settled) judge(m wire.Found, took time.Duration) {
	switch {
	case m.Code == wire.FindRecord:
		s.out.Found++
		s.took = append(s.took, took)
		if !bytes.Equal(m.Record, s.record) {
			s.out.Forged++
		}
	case m.Code == wire.FindNone:
		s.out.Wrong++
	default:
		s.out.CannotTell++
	}
}

// carry takes a question over the network, and its answer back.
func (s *settled) carry(x *directory.Index, e directory.Ask) {
	s.asks++
	to := numberAt(e.To.Addr)
	s.count(s.home.number, to, wire.MaxQuestion)
	if s.lost() || s.dead[to] {
		return
	}
	there := s.now.Add(s.delay(s.home.number, to))
	s.schedule(there, func(now time.Time) {
		m := s.answered(now, to, e)
		if m == nil {
			return
		}
		s.count(to, s.home.number, wire.QuestionHeader+len(wire.Append(nil, m)))
		if !s.lost() {
			s.schedule(now.Add(s.delay(to, s.home.number)), func(now time.Time) { x.Reply(now, e.To.Addr, e.Nonce, m) })
		}
	})
}

func (s *settled) schedule(at time.Time, do func(time.Time)) {
	s.sequence++
	s.events.push(int64(at.Sub(s.Birth)), rank(s.sequence), happening{kind: rare, call: do})
}

func (s *settled) count(from, to, size int) {
	s.bytes += uint64(size + ipUDP)
	s.trace.record(s.now.Sub(s.Birth), from, address(to), size)
}

func (s *settled) lost() bool { return s.Loss > 0 && s.draw.Float64() < s.Loss }

func (s *settled) delay(a, b int) time.Duration {
	return s.Latencies.Between(a, b, 0, 0) + time.Duration(s.draw.ExpFloat64()*float64(s.Jitter))
}

// answered is what a supernode answers; nil: nothing.
func (s *settled) answered(now time.Time, by int, e directory.Ask) wire.Message {
	holds, m := slices.Contains(s.kept, by), s.malice[by]
	switch {
	case m == drops:
		return nil
	case holds && m == forges:
		return wire.Found{Code: wire.FindRecord, Record: s.forged()}
	case holds && m == honest && !s.Absent:
		return wire.Found{Code: wire.FindRecord, Record: s.record}
	}
	s.asked = by
	id := idAt(s.chart.Place(by))
	s.answer.SetSelf(id, func(msg []byte) []byte { return signAs(id, msg) })
	return s.answer.Answer(now, e.Nonce, e.Message, nil)
}

// forged is the record altered.
func (s *settled) forged() []byte {
	r, err := wire.ParseRecord(s.record)
	if err != nil {
		return s.record
	}
	r.Inner = slices.Clone(r.Inner)
	r.Inner[0] ^= 1
	return wire.AppendRecord(nil, r)
}
