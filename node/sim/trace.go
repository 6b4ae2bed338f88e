package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"time"
)

// trace is the hash of what a node has sent: when, to where, and how long it was.
// What it said is left out, as TLS draws its own randomness: so a run with TLS and
// one with the stand-in can be compared. A byte that matters shows in what is sent
// next. Of handshakes the length is left out too: TLS packs one certificate in a
// hundred into a byte more than the stand-in takes for it.
//
// It guards against accidents, not against who looks for two runs with one hash.
type trace struct{ high, low uint64 }

// record adds a datagram.
func (t *trace) record(at time.Duration, from int, to netip.AddrPort, size int) {
	ip := to.Addr().As16()
	where := mix(uint64(to.Port()), binary.BigEndian.Uint64(ip[:]), binary.BigEndian.Uint64(ip[8:]))
	t.low = mix(t.low, uint64(at), where)
	t.high = mix(t.high, t.low, uint64(from)<<16|uint64(uint16(size)))
}

// hashOf returns the hash of a run, which has a trace for each node.
func hashOf(traces []trace) string {
	var b []byte
	for _, t := range traces {
		b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, t.high), t.low)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}
