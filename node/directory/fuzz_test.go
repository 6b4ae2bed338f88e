package directory

import (
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// feed gives out the bytes of a fuzzer's input one after the other, and zeroes
// when there are none left.
func feed(in *[]byte) func() int {
	return func() int {
		if len(*in) == 0 {
			return 0
		}
		b := (*in)[0]
		*in = (*in)[1:]
		return int(b)
	}
}

// FuzzIndex feeds an Index with whatever phones and supernodes could say.
func FuzzIndex(f *testing.F) {
	o := newOwner(&testing.T{}, "1001", "kitchen")
	records := [][]byte{o.record(&testing.T{}, 1, start.Add(time.Hour)), o.record(&testing.T{}, 2, start.Add(2*time.Hour)), []byte("x")}
	f.Add([]byte{0, 1, 1, 0, 2, 0, 0, 3, 5, 1, 1})
	f.Add([]byte{1, 1, 0, 0, 1, 0, 2, 1, 0, 3, 1, 0, 3, 2, 0, 4, 9, 1})
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 600 {
			return
		}
		cfg := config(1)
		cfg.MaxRecords = 4
		cfg.Members = rumours{}
		cfg.Verify = func(identity.ID, []byte, []byte) bool { return len(in)%7 != 0 }
		x := NewIndex(cfg)
		x.SetSelf(nodeID(0), signAs(0))
		now := start
		nearest := func(_ identity.IndexKey, n int) []wire.Member { return homes(0, 1, 2, 3, 4, 5, 6)[:min(n, 7)] }
		next := feed(&in)
		var asks []Ask
		for len(in) > 0 {
			ix := wire.Index(next()%5 + 1)
			switch next() % 9 {
			case 0:
				x.Handle(now, ix, wire.Publish{Query: uint32(next()), Record: records[next()%3]}, nearest)
			case 1:
				l := o.lookup()
				if next()%2 == 0 {
					l.Index[0] = byte(next())
				}
				x.Handle(now, ix, wire.Find{Query: uint32(next()), Key: l.Index}, nearest)
			case 2, 3:
				if len(asks) > 0 {
					a := asks[next()%len(asks)]
					var m wire.Message
					switch a.Message.(type) {
					case wire.Find:
						m = []wire.Message{wire.Found{Code: wire.FindNone, Near: make([]byte, 8*(next()%4))}, wire.Found{Code: wire.FindRecord, Record: records[next()%3]}, wire.Stored{Code: 1}}[next()%3]
					case wire.Who:
						m = []wire.Message{wire.Introduced{}, wire.Introduced{News: []byte{1}}, wire.Stored{Code: 1}}[next()%3]
					case wire.Publish:
						m = []wire.Message{wire.Stored{Code: wire.StoreCode(next()%6 + 1)}, wire.Found{Code: wire.FindNone}}[next()%2]
					}
					x.Reply(now, a.To.Addr, a.Nonce, m)
				}
			case 4:
				now = now.Add(time.Duration(next()) * 50 * time.Millisecond)
				x.Advance(now)
				if due := x.Next(); !due.IsZero() && !due.After(now) {
					t.Fatal("after Advance Next is due")
				}
			case 5:
				near := func(identity.IndexKey, int) []wire.Place { return []wire.Place{1} }
				for _, m := range []wire.Message{wire.Find{Key: o.lookup().Index}, wire.Publish{Record: records[next()%3]}} {
					if _, err := wire.Parse(wire.Append(nil, x.Answer(now, uint64(next()), m, near))); err != nil {
						t.Fatal(err)
					}
				}
			case 6:
				x.Lost(now, ix)
			case 7:
				x.Synced(now)
			case 8:
				x.Reply(now, addrOf(next()%8), uint64(next()), wire.Found{Code: wire.FindNone})
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
			open := 0
			for _, j := range x.jobs {
				switch j := j.(type) {
				case *search:
					open += len(j.open)
				case *spread:
					open += len(j.open)
				}
			}
			if open != len(x.asks) || x.Records() > 4 || entered(x.store) != x.Records() {
				t.Fatalf("%d questions of jobs, %d remembered, %d records", open, len(x.asks), x.Records())
			}
		}
	})
}

// rumours is a membership in which everybody knows somebody else.
type rumours struct{ strangers }

func (rumours) Knows(wire.Place) bool                         { return false }
func (rumours) Meet(_ time.Time, _ wire.Place, b []byte) bool { return len(b) > 0 }

// FuzzClient feeds a Client with whatever its homes could say.
func FuzzClient(f *testing.F) {
	o := newOwner(&testing.T{}, "1001", "kitchen")
	record := o.record(&testing.T{}, 1, start.Add(time.Hour))
	f.Add([]byte{0, 1, 1, 0, 2, 0, 0, 3, 5, 1, 1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 600 {
			return
		}
		c := NewClient(config(1))
		now := start
		next := feed(&in)
		var open []Send
		searches, results := 0, 0
		for len(in) > 0 {
			switch next() % 7 {
			case 0:
				var homes []wire.Index
				for range next() % 4 {
					homes = append(homes, wire.Index(next()%6+1))
				}
				c.SetHomes(now, homes)
			case 1:
				searches++
				c.Find(now, o.lookup())
			case 2:
				c.SetListing(now, o.own)
			case 3, 4:
				if len(open) > 0 {
					s := open[next()%len(open)]
					switch q := s.Message.(type) {
					case wire.Find:
						c.Handle(now, s.Index, []wire.Message{wire.Found{Query: q.Query, Code: wire.FindCode(next()%3 + 2)}, wire.Found{Query: q.Query, Code: wire.FindRecord, Record: record[:len(record)-next()%2]}}[next()%2])
					case wire.Publish:
						c.Handle(now, s.Index, wire.Stored{Query: q.Query, Code: wire.StoreCode(next()%6 + 1), Copies: uint8(next())})
					}
				}
			case 5:
				now = now.Add(time.Duration(next()) * 50 * time.Millisecond)
				c.Advance(now)
				if due := c.Next(); !due.IsZero() && !due.After(now) {
					t.Fatal("after Advance Next is due")
				}
			case 6:
				c.Handle(now, wire.Index(next()%6+1), wire.Found{Query: uint32(next()), Code: wire.FindNone})
			}
			for _, e := range c.Take() {
				switch e := e.(type) {
				case Send:
					open = append(open, e)
				case Result:
					results++
				}
			}
		}
		for range 4 {
			now = now.Add(findWait)
			c.Advance(now)
		}
		for _, e := range c.Take() {
			if _, ok := e.(Result); ok {
				results++
			}
		}
		if results != searches {
			t.Fatalf("%d searches, %d results", searches, results)
		}
	})
}
