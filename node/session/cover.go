package session

import (
	"crypto/cipher"
	"encoding/binary"
	"math"
)

// cover protects the Handshake level: crypto/tls hands a QUIC transport the
// secrets and leaves the protection to it (RFC 9001 section 5).
type cover struct {
	read, write cipher.AEAD
	number      uint16 // of the next sealed part; never the same twice
}

// newCover derives the keys and wipes the secrets.
func newCover(s *Secrets) *cover {
	return &cover{read: coverKey(s.Read), write: coverKey(s.Write)}
}

func coverKey(secret []byte) cipher.AEAD {
	key := expand(secret, "peerphone handshake", 32)
	clear(secret)
	defer clear(key)
	return newAEAD(SuiteChaCha, key)
}

// spent reports whether c has no number left. A handshake sends a few dozen
// parts at most; this is the bound that keeps nonces unique.
func (c *cover) spent() bool { return c.number == math.MaxUint16 }

// seal appends p, sealed, to the frame dst.
func (c *cover) seal(dst []byte, p part) []byte {
	before := len(dst)
	number := c.number
	c.number++
	data := dst[:before:before]
	dst = binary.BigEndian.AppendUint16(dst, number)
	return c.write.Seal(dst, coverNonce(number), p.append(nil), data)
}

// open opens the sealed part of f.
func (c *cover) open(f *frame) (part, bool) {
	number := binary.BigEndian.Uint16(f.sealed)
	b, err := c.read.Open(nil, coverNonce(number), f.sealed[sealedNumber:], f.before)
	if err != nil {
		return part{}, false
	}
	return parsePart(b)
}

func coverNonce(number uint16) []byte {
	n := make([]byte, nonceSize)
	binary.BigEndian.PutUint16(n[nonceSize-2:], number)
	return n
}
