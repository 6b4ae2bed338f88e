package wire

import "net/netip"

const kindAfresh Kind = 0x39 // between two phones

// Afresh begins the search for a direct way anew, from further sockets at both
// ends: Addr is where the outside sees the sender's, which has sent nothing to
// the receiver yet. The caller says it, and the callee answers with its own. It
// goes to whom Candidates may go.
type Afresh struct {
	Addr netip.AddrPort `cbor:"1,keyasint"`
}

func (Afresh) Kind() Kind { return kindAfresh }

func (a Afresh) check() error { return Candidates{Addrs: []netip.AddrPort{a.Addr}}.check() }
