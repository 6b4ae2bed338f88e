package path

import (
	"net/netip"

	"github.com/pion/stun/v3"
)

// maxSTUN is the largest request that we read, in bytes: RFC 8489 section 6.1
// has requests stay below the path's MTU, ours and a browser's have 20 to 100.
const maxSTUN = 548

// AnswerSTUN appends to dst the answer to a STUN request that came from from:
// for a Binding request (RFC 8489 section 12) a success with XOR-MAPPED-ADDRESS,
// with FINGERPRINT if the request had one, or error 420 when the request
// demands what we do not know (section 6.3.1). It returns nil for anything
// else, which deserves no answer. The answer is larger than the request: ask
// a PrefixLimiter first.
func AnswerSTUN(dst, request []byte, from netip.AddrPort) []byte {
	if len(request) > maxSTUN || !stun.IsMessage(request) || !from.IsValid() {
		return nil
	}
	m := &stun.Message{Raw: request}
	if m.Decode() != nil || m.Type != stun.BindingRequest {
		return nil
	}
	_, err := m.Get(stun.AttrFingerprint)
	fingerprinted := err == nil
	if fingerprinted && stun.Fingerprint.Check(m) != nil {
		return nil
	}
	answer := stun.New()
	if writeSTUN(answer, m, from) != nil {
		return nil
	}
	if fingerprinted && stun.Fingerprint.AddTo(answer) != nil {
		return nil
	}
	return append(dst, answer.Raw...)
}

func writeSTUN(answer, request *stun.Message, from netip.AddrPort) error {
	if unknown := unknownSTUN(request); len(unknown) > 0 {
		return answer.Build(request, stun.BindingError, stun.CodeUnknownAttribute, unknown)
	}
	mapped := &stun.XORMappedAddress{IP: from.Addr().Unmap().AsSlice(), Port: int(from.Port())}
	return answer.Build(request, stun.BindingSuccess, mapped)
}

// unknownSTUN returns the attributes that the request demands us to understand
// and that we do not: those below 0x8000 other than the ones of RFC 8489 that
// an open server may ignore.
func unknownSTUN(m *stun.Message) stun.UnknownAttributes {
	var unknown stun.UnknownAttributes
	for _, a := range m.Attributes {
		switch a.Type {
		case stun.AttrUsername, stun.AttrMessageIntegrity, stun.AttrRealm, stun.AttrNonce:
		default:
			if a.Type.Required() && len(unknown) < 4 {
				unknown = append(unknown, a.Type)
			}
		}
	}
	return unknown
}
