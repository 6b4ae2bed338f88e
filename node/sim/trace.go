package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"net/netip"
	"time"
)

// trace is the hash of a run: when each datagram was sent, by whom, to where,
// and how long it was. What it said is left out, as TLS draws its own
// randomness: so a run with TLS and one with the stand-in can be compared. A
// byte that matters shows in what is sent next. Of handshakes the length is left
// out too: TLS packs one certificate in a hundred into a byte more than the
// stand-in takes for it.
type trace struct {
	hash hash.Hash
	room []byte // not hashed yet
}

func newTrace() trace { return trace{hash: sha256.New(), room: make([]byte, 0, 1<<12)} }

// record adds a datagram.
func (t *trace) record(at time.Duration, from int, to netip.AddrPort, size int) {
	b := binary.BigEndian.AppendUint64(t.room, uint64(at))
	b = binary.BigEndian.AppendUint32(b, uint32(from))
	ip := to.Addr().As16()
	b = append(b, ip[:]...)
	b = binary.BigEndian.AppendUint16(b, to.Port())
	b = binary.BigEndian.AppendUint16(b, uint16(size))
	if t.room = b; len(b) > cap(b)-64 {
		t.hash.Write(b)
		t.room = b[:0]
	}
}

// sum returns the hash so far.
func (t *trace) sum() string {
	t.hash.Write(t.room)
	t.room = t.room[:0]
	return hex.EncodeToString(t.hash.Sum(nil)[:16])
}
