package overlay

import (
	"encoding/binary"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// FuzzOverlay feeds a node that is phone and supernode with whatever the
// network could do. Nothing may panic, grow without bound or fire in the past,
// and every message it sends can be written and read.
func FuzzOverlay(f *testing.F) {
	f.Add([]byte{0, 1, 1, 2, 0, 6, 1, 0, 5, 1, 9, 3, 1, 4, 2})
	f.Add([]byte{0, 3, 1, 3, 0, 4, 1, 1, 7, 1, 5, 9, 200, 2, 1, 9, 255})
	f.Add([]byte{1, 14, 5, 0, 0, 9, 9, 0, 16, 0, 0, 0, 15, 6, 6, 6, 0, 0, 17, 1, 2, 3, 0, 9, 200})
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 1500 {
			return
		}
		now := time.Unix(1_700_000_000, 0)
		o := newOverlay(Config{Rand: seeded(9), SelfAddr: addrOf(0), Supernode: true, Homes: 3, MaxGuests: 8})
		o.SetLimits(Limits{Membership: identity.Membership(len(in) % 3)})
		o.SetSelf(now, selfOf(0))
		var asked []Ping
		next := func() int {
			if len(in) == 0 {
				return 0
			}
			b := in[0]
			in = in[1:]
			return int(b)
		}
		var pending []wire.Member
		for len(in) > 0 {
			ix := wire.Index(next()%12 + 1)
			switch next() % 19 {
			case 0:
				o.Learn(now, append(bootstraps(next()), memberOf(next())))
			case 1:
				o.Up(now, ix+100, nodeID(next()), addrOf(next()), next()%2 == 0)
			case 2:
				o.Down(now, ix, nil)
			case 3:
				if len(pending) > 0 {
					m := pending[next()%len(pending)]
					o.Up(now, ix, nodeID(next()%16), m.Addr, true)
				}
			case 4:
				if len(pending) > 0 {
					o.Failed(now, pending[next()%len(pending)], nil)
				}
			case 5:
				o.Handle(now, ix, wire.Attached{Observed: addrOf(next()), Refresh: uint16(next()), Members: []wire.Member{memberOf(next())}})
			case 6:
				o.Handle(now, ix, []wire.Message{wire.Attach{}, wire.Bye{}, wire.Detach{}}[next()%3])
			case 7:
				o.Handle(now, ix, joinOf(next()%16))
			case 8:
				o.Handle(now, ix, wire.Members{Live: []wire.Member{memberOf(next()), memberOf(next())}})
			case 9:
				now = now.Add(time.Duration(next()) * 100 * time.Millisecond)
				o.Advance(now)
				if due := o.Next(); !due.IsZero() && !due.After(now) {
					t.Fatal("after Advance Next is due")
				}
			case 10:
				o.Handle(now, ix, wire.Refused{After: uint16(next())})
			case 11:
				o.Handle(now, ix, wire.Gossip{News: append(testimony(next()%16, next()%16, uint32(next())), announced(next(), uint32(next()))...)})
			case 18:
				o.Handle(now, ix, wire.Gossip{News: obituary(next()%16, uint32(next()%2), next()%17, next()%17)})
			case 12:
				o.Handle(now, ix, wire.Gossip{Have: binary.BigEndian.AppendUint64(nil, uint64(next())), Want: binary.BigEndian.AppendUint64(nil, uint64(next()))})
				o.Offered(now, ix, binary.BigEndian.AppendUint64(nil, uint64(next())))
			case 14:
				n := next()
				o.Propose(now, announced(n, uint32(next())))
			case 15:
				c, raw := wire.Contact{Place: placeOfNode(next()), Member: memberOf(next())}, announced(next(), uint32(next()))
				if _, ok := o.Proves(now, c, raw); ok {
					o.Heard(now, c, raw)
				}
				o.Heard(now, c, nil)
			case 16:
				if len(asked) > 0 {
					e := asked[next()%len(asked)]
					o.Pong(now, e.Member.Addr, e.Nonce+uint64(next()%2), uint8(next()))
				}
			case 17:
				o.Closed(now, keyAt(placeOfNode(next())), []wire.Place{placeOfNode(next()), placeOfNode(next())})
				o.SetLimits(Limits{Membership: identity.Membership(next() % 3)})
				o.SetSelf(now, selfOf(0))
			case 13:
				o.Handle(now, ix, []wire.Message{
					wire.Digest{Live: uint32(next())}, wire.Digest{Sums: make([]byte, 4*wire.Buckets), Done: true},
					wire.Roll{Bucket: uint8(next())}, wire.Roll{Bucket: uint8(next()), Done: true},
				}[next()%4])
			}
			for _, e := range o.Take() {
				switch e := e.(type) {
				case Ping:
					asked = append(asked[max(0, len(asked)-50):], e)
				case Dial:
					pending = append(pending, e.Member)
				case Send:
					if _, err := wire.Parse(wire.Append(nil, e.Message)); err != nil {
						t.Fatalf("%+v: %v", e.Message, err)
					}
				}
			}
			if len(pending) > 64 {
				pending = pending[32:]
			}
			if len(o.cache.entries) > maxCache || o.Guests() > 8 || len(o.Homes()) > 3 ||
				len(o.table.rows) > 257 || len(o.routes.trials) > maxTrials || len(o.suspicions) > maxSuspicions || len(o.dials) > maxMemberDials+3+maxExtra {
				t.Fatalf("grown: %d entries, %d guests, %d homes, %d members, %d suspicions, %d dials",
					len(o.cache.entries), o.Guests(), len(o.Homes()), len(o.table.rows), len(o.suspicions), len(o.dials))
			}
		}
	})
}
