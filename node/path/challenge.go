package path

import "peerphone/node/wire"

// Bytes of a path payload: challenge and response, each of which may carry the
// other's, to and from one way.
const (
	challengeOp = 0x01
	responseOp  = 0x02
	moveOp      = 0x03
	returnOp    = 0x04

	tokenLen = 8
	firstLen = 1 + 1 + tokenLen
	probeLen = firstLen + tokenLen
)

type token [tokenLen]byte

func appendProbe(dst []byte, op byte, tok token) []byte {
	dst = append(dst, byte(wire.PayloadPath), op)
	dst = append(dst, tok[:]...)
	return append(dst, make([]byte, tokenLen)...)
}

// appendReturn appends the response to a challenge together with our own.
func appendReturn(dst []byte, answer, own token) []byte {
	dst = append(dst, byte(wire.PayloadPath), returnOp)
	return append(append(dst, answer[:]...), own[:]...)
}

func parseProbe(b []byte) (op byte, tok token, ok bool) {
	if len(b) != probeLen || wire.PayloadOf(b) != wire.PayloadPath || b[1] < challengeOp || b[1] > returnOp {
		return 0, token{}, false
	}
	if b[1] != returnOp && token(b[firstLen:]) != (token{}) {
		return 0, token{}, false
	}
	return b[1], token(b[2:]), true
}
