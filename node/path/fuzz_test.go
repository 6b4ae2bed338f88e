package path

import (
	"net/netip"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// FuzzTable feeds a Table with whatever a hostile peer and a hostile home could
// say. Nothing may panic, grow without bound, or fire in the past.
func FuzzTable(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})
	f.Add([]byte{0, 9, 1, 1, 9, 6, 3, 6, 4, 10, 200, 7, 2, 7})
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 2000 {
			return
		}
		now := time.Unix(1_700_000_000, 0)
		table := New(Config{Rand: seeded(3)})
		next := func() byte {
			if len(in) == 0 {
				return 0
			}
			b := in[0]
			in = in[1:]
			return b
		}
		addr := func() netip.AddrPort {
			return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, next()}), 1000+uint16(next()))
		}
		way := func() Way {
			if next()%2 == 0 {
				return Way{Addr: addr()}
			}
			w := Way{Home: wire.Index(next()%4 + 1), Attempt: uint32(next()) | homeBit}
			if len(table.laned) > 0 && next()%2 == 0 {
				l := table.laned[0].lanes[0]
				w = Way{Home: l.home, Attempt: l.attempt}
			}
			return w
		}
		for len(in) > 0 {
			ix := wire.Index(next()%3 + 10)
			switch next() % 12 {
			case 0:
				table.OpenLanes(now, ix, callee, []wire.Index{1, 2, 3})
			case 1:
				table.Open(now, ix, way())
			case 2:
				table.AddHome(now, ix, wire.Index(next()%4))
			case 3:
				table.Heard(now, ix, way(), 20+int(next()))
			case 4:
				table.Send(now, ix, make([]byte, int(next())*5))
			case 5:
				from, n := wire.Index(next()%4), int(next())
				n = min(n, len(in))
				if l, ok := wire.ParseLane(append([]byte{byte(wire.PayloadLane)}, in[:n]...)); ok {
					table.Lane(now, from, l)
				}
				in = in[n:]
			case 6:
				w, n := way(), int(next()%12)
				n = min(n, len(in))
				table.Payload(now, ix, w, append([]byte{byte(wire.PayloadPath)}, in[:n]...))
				in = in[n:]
			case 7:
				for _, r := range table.timed {
					if r.prober != nil && len(r.prober.probes) > 0 {
						q := r.prober.probes[0]
						table.Payload(now, r.ix, q.way, appendProbe(nil, responseOp, q.token))
					}
					break
				}
			case 8:
				table.Lost(now, wire.Index(next()%4))
			case 9:
				table.Candidates(now, ix, []netip.AddrPort{addr(), addr(), {}})
			case 10:
				now = now.Add(time.Duration(next()) * 10 * time.Millisecond)
				table.Advance(now)
				if due := table.Next(); !due.IsZero() && !due.After(now) {
					t.Fatalf("after Advance Next is due")
				}
			case 11:
				table.Shut(now, ix)
			}
			for _, r := range table.routes {
				if len(r.lanes) > maxLanes || len(r.flight) > maxFlight || r.prober != nil && len(r.prober.probes) > maxProbes {
					t.Fatalf("a route has grown: %+v", r)
				}
				if r.state == Direct && (!r.at.Direct() || r.best != r.at) {
					t.Fatalf("direct by %v, told %v", r.at, r.best)
				}
			}
			for _, r := range table.laned {
				if table.routes[r.ix] != r || len(r.lanes) == 0 {
					t.Fatalf("a route without lanes, or that has ended: %+v", r)
				}
			}
			for _, r := range table.timed {
				if table.routes[r.ix] != r {
					t.Fatalf("a timer of a route that has ended: %+v", r)
				}
			}
			table.Take()
		}
	})
}

// FuzzIntroducer feeds a home with whatever hostile callers and callees could
// say: it sends no more than it got, but for ends, and only into sessions.
func FuzzIntroducer(f *testing.F) {
	f.Add([]byte{1, 1, 0, 0, 0, 7, 2, 2, 2, 0, 0, 0, 7, 9})
	f.Fuzz(func(t *testing.T, in []byte) {
		now := time.Unix(1_700_000_000, 0)
		if len(in) > 4000 {
			return
		}
		h := NewIntroducer(Config{Rand: seeded(4)})
		attached := func(id identity.ID) (wire.Index, bool) { return wire.Index(id[0]), id[0] < 8 && id[0] > 0 }
		for len(in) > 3 {
			from, op, n := wire.Index(in[0]%8+1), in[1], min(int(in[2]), len(in)-3)
			body := in[3 : 3+n]
			in = in[3+n:]
			switch {
			case op%8 == 7:
				h.Lost(now, from)
			case op%8 == 6:
				now = now.Add(time.Duration(n) * time.Second)
				h.Advance(now)
				if due := h.Next(); !due.IsZero() && !due.After(now) {
					t.Fatal("after Advance Next is due")
				}
			default:
				l, ok := wire.ParseLane(append([]byte{byte(wire.PayloadLane)}, body...))
				if !ok && op%2 == 0 && n > 0 {
					l, ok = wire.Lane{Op: wire.LaneOpen, Attempt: uint32(n % 4), Target: identity.ID{byte(n)}, Frame: body}, true
				}
				if ok {
					h.Lane(now, from, identity.ID{byte(from)}, l, attached)
				}
			}
			if len(h.legs) != 2*len(h.byAge) || len(h.byAge) > maxAttemptsAtHome {
				t.Fatalf("%d legs, %d attempts", len(h.legs), len(h.byAge))
			}
			for _, e := range h.Take() {
				if p, ok := e.(LanePayload); !ok || p.Home == 0 || p.Home > 8 {
					t.Fatalf("sent %+v", e)
				} else if _, ok := wire.ParseLane(p.Payload); !ok {
					t.Fatalf("sent % x", p.Payload)
				}
			}
		}
	})
}

// FuzzSTUN: an answer is one, and never long.
func FuzzSTUN(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	f.Fuzz(func(t *testing.T, in []byte) {
		got := AnswerSTUN(nil, in, other)
		if got != nil && (len(got) > 64 || string(got[4:20]) != string(in[4:20]) || got[0]&0xfe != 0 && got[0] != 0x01) {
			t.Fatalf("% x is answered with % x", in, got)
		}
	})
}

// FuzzPathPayload: what is accepted is exactly what is written.
func FuzzPathPayload(f *testing.F) {
	f.Add(appendProbe(nil, challengeOp, token{1}))
	f.Add(appendProbe(nil, responseOp, token{1}))
	f.Add(appendReturn(nil, token{1}, token{2}))
	f.Fuzz(func(t *testing.T, in []byte) {
		op, tok, ok := parseProbe(in)
		again := appendProbe(nil, op, tok)
		if ok && op == returnOp {
			again = appendReturn(nil, tok, token(in[firstLen:]))
		}
		if ok && string(again) != string(in) {
			t.Fatalf("% x is accepted", in)
		}
	})
}
