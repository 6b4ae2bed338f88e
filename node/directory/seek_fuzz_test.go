package directory

import (
	"testing"
	"time"

	"peerphone/node/wire"
)

// FuzzWalks feeds walks with whatever supernodes could say, in any order: they
// end, and forget whom they have asked.
func FuzzWalks(f *testing.F) {
	o := newOwner(&testing.T{}, "1001", "kitchen")
	record := o.record(&testing.T{}, 1, start.Add(time.Hour))
	f.Add([]byte{0, 2, 0, 1, 3, 4, 2, 0, 2, 5, 6, 3, 1, 0, 7, 255, 7, 255})
	f.Add([]byte{1, 2, 0, 1, 3, 4, 2, 0, 2, 5, 6, 4, 0, 5, 1, 6})
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 400 {
			return
		}
		w := newWalker(t, 1, 2, 3, 4, 5)
		next := feed(&in)
		var asks []Ask
		for len(in) > 0 {
			switch next() % 8 {
			case 0:
				w.find(aPhone, o.lookup())
			case 1:
				w.publish(aPhone, record)
			case 2, 3, 4:
				if len(asks) > 0 {
					a := asks[next()%len(asks)]
					n := int(a.To.Addr.Addr().As4()[3])
					g := wire.Guide{Code: wire.FindCode(next()%3 + 1), Self: []byte{byte(n)}}
					for range next() % 4 {
						g.Near = wire.AppendContacts(g.Near, []wire.Contact{crossing(next() % 64)})
					}
					if s, ok := a.Message.(wire.Seek); ok {
						g.Signature = signAs(n)(wire.GuideMessage(a.Nonce, s.Key, g))
					}
					w.Reply(w.now, a.To.Addr, a.Nonce, g)
				}
			case 5:
				if len(asks) > 0 {
					a := asks[next()%len(asks)]
					w.Reply(w.now, a.To.Addr, a.Nonce, []wire.Message{wire.Found{Code: wire.FindRecord, Record: record}, wire.Stored{Code: 1}, wire.Found{Code: wire.FindNone}}[next()%3])
				}
			case 6:
				w.Lost(w.now, aPhone)
			case 7:
				w.advance(time.Duration(next()) * 10 * time.Millisecond)
			}
			for _, a := range took[Ask](&w.script) {
				asks = append(asks[max(0, len(asks)-30):], a)
			}
		}
		w.advance(time.Minute)
		if len(w.jobs) > 0 || len(w.Index.asks) > 0 {
			t.Fatalf("%d walks and %d questions are left", len(w.jobs), len(w.Index.asks))
		}
	})
}
