package directory

import (
	"slices"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// FuzzShelves feeds an Index with whatever phones and supernodes could say of
// entries.
func FuzzShelves(f *testing.F) {
	key := network.LookupWord("anna").Index
	var entries [][]byte
	var slips []byte
	for n := range 4 {
		e, b := entryOf(&testing.T{}, n, uint64(n), start.Add(time.Duration(n)*time.Hour))
		entries, slips = append(entries, b), wire.AppendSlip(slips, e.Slip())
	}
	entries = append(entries, make([]byte, wire.MaxEntry))
	f.Add([]byte{0, 1, 1, 0, 2, 0, 0, 3, 5, 1, 1})
	f.Add([]byte{1, 1, 0, 0, 2, 0, 2, 1, 0, 3, 1, 0, 3, 2, 0, 4, 9, 1, 5, 6, 7, 6, 200, 5, 255})
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 600 {
			return
		}
		cfg := config(1)
		cfg.MaxEntries = 3
		cfg.Verify = func(identity.ID, []byte, []byte) bool { return len(in)%7 != 0 }
		members := func(_ identity.IndexKey, n int) []wire.Member { return homes(0, 1, 2, 3, 4, 5, 6)[:min(n, 7)] }
		cfg.Nearest = members
		x := NewIndex(cfg)
		x.SetSelf(nodeID(0), signAs(0))
		now := start
		next := feed(&in)
		var asks []Ask
		for len(in) > 0 {
			ix := wire.Index(next()%5 + 1)
			switch next() % 8 {
			case 0:
				x.Handle(now, ix, wire.Shelve{Query: uint32(next()), Key: key, Entry: entries[next()%len(entries)]}, members)
			case 1:
				m := wire.Browse{Query: uint32(next()), Key: key}
				if next()%2 == 0 {
					m.After = make([]byte, 16)
				}
				x.Handle(now, ix, m, members)
			case 2, 3:
				if len(asks) > 0 {
					a := asks[next()%len(asks)]
					n := next() % 5
					x.Reply(now, a.To.Addr, a.Nonce, []wire.Message{
						wire.Shelf{Code: wire.FindRecord, Slips: slips[:13*max(n, 1)%(len(slips)+1)], Full: n == 2}, wire.Shelf{Code: wire.FindNone},
						wire.Entries{Code: wire.FindRecord, Entries: entries[n:]}, wire.Stored{Code: wire.StoreCode(n + 1)}, wire.Found{Code: wire.FindNone},
					}[next()%5])
				}
			case 4:
				now = now.Add(time.Duration(next()) * 50 * time.Millisecond)
				x.Advance(now)
				if due := x.Next(); !due.IsZero() && !due.After(now) {
					t.Fatal("after Advance Next is due")
				}
			case 5:
				for _, m := range []wire.Message{wire.Browse{Key: key}, wire.Fetch{Key: key, Holders: slips[:8]}, wire.Shelve{Key: key, Entry: entries[next()%len(entries)]}} {
					if _, err := wire.Parse(wire.Append(nil, x.Answer(now, uint64(next()), m, nil))); err != nil {
						t.Fatal(err)
					}
				}
			case 6:
				x.Lost(now, ix)
			case 7:
				x.Synced(now)
				x.NeighboursChanged(now)
			}
			for _, e := range x.Take() {
				switch e := e.(type) {
				case Ask:
					asks = append(asks, e)
				case Send:
					if _, err := wire.Parse(wire.Append(nil, e.Message)); err != nil {
						t.Fatalf("%+v: %v", e.Message, err)
					}
				}
			}
			open, repairs := 0, 0
			for _, j := range x.jobs {
				switch j := j.(type) {
				case *browse:
					open += len(j.open)
				case *shelfRepair:
					open += len(j.open)
					repairs++
				case *spread:
					open += len(j.open)
				}
			}
			if open != len(x.asks) || repairs != x.repairs || x.Entries() > 3 || len(x.viewed) > maxViewed {
				t.Fatalf("%d questions of jobs, %d remembered, %d repairs and %d, %d entries", open, len(x.asks), repairs, x.repairs, x.Entries())
			}
		}
	})
}

// FuzzInquiry feeds a Client with whatever its homes could say of entries.
func FuzzInquiry(f *testing.F) {
	var entries [][]byte
	for n := range 4 {
		_, b := entryOf(&testing.T{}, n, uint64(n), start.Add(time.Duration(n+1)*time.Hour))
		entries = append(entries, b)
	}
	slices.SortFunc(entries, func(a, b []byte) int { return slices.Compare(holderOf(a), holderOf(b)) })
	entries = append(entries, make([]byte, wire.MaxEntry))
	f.Add([]byte{0, 1, 1, 0, 2, 0, 0, 3, 5, 1, 1, 2, 3, 4})
	f.Add([]byte{0, 2, 0, 1, 2, 0, 2, 1, 4, 2, 2, 0, 1, 3, 200, 4, 0, 1})
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 600 {
			return
		}
		c := NewClient(config(1))
		now := start
		c.SetHomes(now, []wire.Index{1, 2, 3})
		next := feed(&in)
		var asked []Send
		var last Matches
		for len(in) > 0 {
			switch next() % 6 {
			case 0:
				c.Inquire(now, []string{"anna", "Anna Berta", "", "☎"}[next()%4])
			case 1:
				c.More(now, last.Query)
			case 2:
				if len(asked) == 0 {
					continue
				}
				a := asked[next()%len(asked)]
				if m, ok := a.Message.(wire.Browse); ok {
					from := next() % 5
					c.Handle(now, a.Index, wire.Entries{Query: m.Query, Code: wire.FindCode(next()%4 + 1), Entries: entries[from:][:next()%(5-from)], Last: next()%2 == 0, More: next()%2 == 0, Whole: next()%2 == 0})
				}
			case 3:
				now = now.Add(time.Duration(next()) * 50 * time.Millisecond)
				c.Advance(now)
				if due := c.Next(); !due.IsZero() && !due.After(now) {
					t.Fatal("after Advance Next is due")
				}
			case 4:
				c.SetHomes(now, []wire.Index{1, 2, 3, 4}[next()%3:][:next()%3])
			case 5:
				own := certifyWords(keyOf(1), wire.Card{Display: []string{"Anna", "Berta", ""}[next()%3], Name: "anna"}, start.Add(time.Hour))
				c.SetEntries(now, own)
			}
			for _, e := range c.Take() {
				switch e := e.(type) {
				case Send:
					asked = append(asked, e)
					if _, err := wire.Parse(wire.Append(nil, e.Message)); err != nil {
						t.Fatal(err)
					}
				case Matches:
					last = e
					if e.Settled == (e.Outcome == 0) || e.Outcome == Absent && len(e.Found) > 0 {
						t.Fatalf("%+v", e)
					}
				}
			}
			if len(c.inquiries) > maxInquiries || len(c.entries) > 2*identity.MaxWords {
				t.Fatalf("%d inquiries, %d entries", len(c.inquiries), len(c.entries))
			}
		}
	})
}
