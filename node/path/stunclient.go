package path

import (
	"encoding/binary"
	"net/netip"

	"github.com/pion/stun/v3"
)

// callType is a Binding indication (RFC 8489 section 3), which deserves no
// answer: a supernode's call, or our own packet to our mapped address.
var callType = stun.MessageType{Method: stun.MethodBinding, Class: stun.ClassIndication}

// appendSTUNRequest appends a Binding request.
func appendSTUNRequest(dst []byte, id [stunID]byte) []byte {
	return appendSTUN(dst, stun.BindingRequest, id)
}

// appendSTUNCall appends a call.
func appendSTUNCall(dst []byte, id [stunID]byte) []byte { return appendSTUN(dst, callType, id) }

func appendSTUN(dst []byte, t stun.MessageType, id [stunID]byte) []byte {
	m := stun.New()
	m.TransactionID = id
	m.SetType(t)
	m.WriteHeader()
	return append(dst, m.Raw...)
}

// IsSTUNRequest reports whether a STUN message is a request, by its class (RFC
// 8489 section 5).
func IsSTUNRequest(b []byte) bool { return len(b) > 1 && b[0]&0x01 == 0 && b[1]&0x10 == 0 }

// callID joins what a call's transaction ID holds.
func callID(token uint32, nonce uint64) (id [stunID]byte) {
	binary.BigEndian.PutUint32(id[:], token)
	binary.BigEndian.PutUint64(id[4:], nonce)
	return id
}

func splitCall(id [stunID]byte) (token uint32, nonce uint64) {
	return binary.BigEndian.Uint32(id[:]), binary.BigEndian.Uint64(id[4:])
}

// stunMessage is a STUN message that concerns a client.
type stunMessage struct {
	id     [stunID]byte
	call   bool
	mapped netip.AddrPort // of a success
}

// parseSTUN reads a Binding success with an address, or a call; ok is false for
// everything else.
func parseSTUN(b []byte) (s stunMessage, ok bool) {
	if len(b) > maxSTUN || !stun.IsMessage(b) {
		return s, false
	}
	m := &stun.Message{Raw: b}
	if m.Decode() != nil {
		return s, false
	}
	s.id = m.TransactionID
	switch m.Type {
	case callType:
		s.call = true
		return s, true
	case stun.BindingSuccess:
		var x stun.XORMappedAddress
		if x.GetFrom(m) != nil || x.Port == 0 {
			return s, false
		}
		ip, ok := netip.AddrFromSlice(x.IP)
		s.mapped = netip.AddrPortFrom(ip.Unmap(), uint16(x.Port))
		return s, ok
	}
	return s, false
}
