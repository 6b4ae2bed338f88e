package path

import (
	"testing"
	"time"

	"peerphone/node/wire"
)

// bytesTo returns how many bytes of frames were sent to the way's address since
// the last Take.
func (s *script) bytesTo(w Way) int {
	n := 0
	for _, e := range s.table.Take() {
		switch e := e.(type) {
		case Probe:
			if e.Addr == w.Addr {
				n += wire.SessionHeader + len(e.Payload) + wire.Tag + headers
			}
		case UDP:
			if e.Addr == w.Addr {
				n += len(e.Frame) + headers
			}
		}
	}
	return n
}

// A frame with another's address as its source makes us send no more there than
// it was long, whatever it was, and whatever we say meanwhile.
func TestAForgedSourceGetsNoMoreThanItSends(t *testing.T) {
	forged := Way{Addr: other}
	const notPath = 0
	for _, test := range []struct {
		op   byte
		size int
	}{
		{challengeOp, CheckFrame}, {responseOp, CheckFrame}, {moveOp, CheckFrame}, {returnOp, CheckFrame},
		{notPath, 26}, {notPath, 31}, {notPath, 90},
	} {
		op, size := test.op, test.size
		s := newScript(t)
		s.table.Open(s.now, ours, Way{Addr: mapped})
		in, out := 0, 0
		for range 40 {
			switch op {
			default:
				payload := appendProbe(nil, op, token{1})
				if op == returnOp {
					payload = appendReturn(nil, token{1}, token{2})
				}
				s.table.Payload(s.now, ours, forged, payload)
			case notPath:
				s.table.Heard(s.now, ours, forged, size)
			}
			s.send("what we have to say")
			in += size + headers
			out += s.bytesTo(forged)
			if out > in {
				t.Fatalf("op %d, %d bytes: %d bytes came and %d went", op, size, in, out)
			}
			s.advance(100 * time.Millisecond)
		}
		s.advance(time.Minute)
		if out += s.bytesTo(forged); out > in || out == 0 {
			t.Errorf("op %d, %d bytes: %d bytes came and %d went", op, size, in, out)
		}
	}
}

// Small frames from a new source lead there as well: the second pays for the
// challenge.
func TestSmallFramesLeadToANewAddress(t *testing.T) {
	s := newScript(t)
	s.table.Open(s.now, ours, Way{Addr: mapped})
	s.advance(time.Minute)
	s.table.Heard(s.now, ours, Way{Addr: other}, 31)
	s.want()
	s.advance(5 * time.Millisecond)
	s.table.Heard(s.now, ours, Way{Addr: other}, 31)
	s.want("challenge " + other.String())
	s.respond(other, other)
	s.want("moved " + other.String())
}
