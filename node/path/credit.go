package path

import "peerphone/node/wire"

// credit is how many bytes may be sent to an address that has not answered a
// challenge: as many as came from there, so that nobody who writes another's
// address on his frames has more sent there than he sends (RFC 9000 section 8
// has three times as many). It is counted in bytes on the wire.
//
// An address that the peer has told in its session needs no credit: how many it
// may tell, and how often each is tried, is limited elsewhere. The zero value
// has none left.
type credit struct {
	free bool
	left int
}

// CheckFrame is the size of a session frame with a challenge of a way, or its
// answer, in bytes.
const CheckFrame = wire.SessionHeader + probeLen + wire.Tag

// earn notes a frame of so many bytes from there.
func (c *credit) earn(size int) { c.left += size + headers }

// spend reports whether a frame of size bytes may be sent, and takes its price.
func (c *credit) spend(size int) bool {
	if c.free {
		return true
	}
	if c.left < size+headers {
		return false
	}
	c.left -= size + headers
	return true
}

// owed is a response that a challenge waits for, until it is sent alone or with
// a challenge of ours in one frame.
type owed struct {
	way   Way // the zero Way: none is owed
	token token
}

// take returns the token to answer w with, if there is one.
func (o *owed) take(w Way) (tok token, ok bool) {
	if o.way != w || w.IsZero() {
		return token{}, false
	}
	tok = o.token
	*o = owed{}
	return tok, true
}
