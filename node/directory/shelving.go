package directory

import (
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// handleShelve takes an entry that a phone here wants to have stored.
func (x *Index) handleShelve(now time.Time, ix wire.Index, m wire.Shelve, nearest func(identity.IndexKey, int) []wire.Member) {
	if !x.askers.allow(now, ix, publishUse) {
		x.counters.Limited++
		x.send(ix, wire.Stored{Query: m.Query, Code: wire.StoreFull})
		return
	}
	e, err := x.checkEntry(now, m.Key, m.Entry)
	if err != nil {
		x.send(ix, wire.Stored{Query: m.Query, Code: codeOf(err)})
		return
	}
	x.viewed.forget(m.Key)
	x.near(now, m.Key, nearest, func(now time.Time, near []wire.Member) {
		x.spread(now, asker{ix, m.Query}, m.Key, wire.Shelve{Key: m.Key, Entry: m.Entry}, func() wire.StoreCode { return x.shelve(now, e, m.Entry) }, near)
	})
}

// checkEntry reads and checks an entry, and counts its fault.
func (x *Index) checkEntry(now time.Time, key identity.IndexKey, b []byte) (wire.Entry, error) {
	e, err := x.cfg.checkEntry(now, key, b)
	return e, x.counters.count(err)
}

// shelve stores an entry that has been checked.
func (x *Index) shelve(now time.Time, e wire.Entry, b []byte) wire.StoreCode {
	x.shelves.expire(now)
	err := x.counters.count(x.shelves.put(e, b))
	if err == nil {
		x.counters.Shelved++
		x.viewed.forget(e.Placement.Index)
		if f := x.shelves.byKey[e.Placement.Index]; f.near == 0 {
			f.near, _ = x.cfg.Keepers(f.key)
		}
	}
	return codeOf(err)
}

// answerEntries answers the question of a fellow supernode about entries.
func (x *Index) answerEntries(now time.Time, nonce uint64, m wire.Message) wire.Message {
	switch m := m.(type) {
	case wire.Browse:
		return x.tellShelf(now, nonce, m.Key)
	case wire.Fetch:
		return x.handOut(now, m)
	case wire.Shelve:
		e, err := x.checkEntry(now, m.Key, m.Entry)
		if err != nil {
			return storedHere(codeOf(err))
		}
		return storedHere(x.shelve(now, e, m.Entry))
	}
	x.counters.Unasked++
	return nil
}

// tellShelf tells whose entries are here.
func (x *Index) tellShelf(now time.Time, nonce uint64, key identity.IndexKey) wire.Message {
	if x.sign == nil {
		return nil // not certified yet
	}
	s := wire.Shelf{Code: x.denial()}
	if f := x.shelves.at(now, key); f != nil {
		s.Code, s.Full = wire.FindRecord, f.full()
		for _, e := range f.entries {
			s.Slips = wire.AppendSlip(s.Slips, e.slip)
		}
	}
	s.Signature = x.sign(wire.ShelfMessage(nonce, key, s))
	return s
}

// handOut gives entries that are here.
func (x *Index) handOut(now time.Time, m wire.Fetch) wire.Message {
	answer := wire.Entries{Code: wire.FindNone, Last: true}
	f := x.shelves.at(now, m.Key)
	for b := m.Holders; len(b) >= 8; b = b[8:] {
		if e := f.find([8]byte(b[:8])); e != nil && !slices.ContainsFunc(answer.Entries, func(had []byte) bool { return &had[0] == &e.entry[0] }) {
			answer.Code = wire.FindRecord
			answer.Entries = append(answer.Entries, e.entry)
		}
	}
	return answer
}

// Entries returns how many entries of words are kept.
func (x *Index) Entries() int { return len(x.shelves.soon) }
