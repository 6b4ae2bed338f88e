package identity

import (
	"crypto/ed25519"
	"crypto/sha256"
)

// Verifier is a port for verifying signatures; ID.Verify is what it does in
// earnest.
type Verifier interface {
	Verify(id ID, msg, sig []byte) bool
}

// StandIn takes the place of Ed25519's arithmetic in large simulations: a
// signature is a keyed hash as long as one of Ed25519, and whoever knows the
// secret can sign for everybody. Keys have the IDs that they have in earnest. It
// must never run on a network.
type StandIn struct{ secret [32]byte }

// NewStandIn returns the stand-in of all who share secret.
func NewStandIn(secret [32]byte) *StandIn { return &StandIn{secret} }

// KeyFromSeed returns the key that seed determines, as KeyFromSeed does; it and
// those derived from it sign by the stand-in.
func (s *StandIn) KeyFromSeed(seed [ed25519.SeedSize]byte) Key {
	return Key{k: ed25519.NewKeyFromSeed(seed[:]), stand: s}
}

// Verify reports whether sig is what a key with this ID signs for msg.
func (s *StandIn) Verify(id ID, msg, sig []byte) bool {
	if len(sig) != ed25519.SignatureSize {
		return false
	}
	first, second := s.hash(id, msg)
	return [sha256.Size]byte(sig) == first && [sha256.Size]byte(sig[sha256.Size:]) == second
}

func (s *StandIn) sign(id ID, msg []byte) []byte {
	first, second := s.hash(id, msg)
	return append(append(make([]byte, 0, ed25519.SignatureSize), first[:]...), second[:]...)
}

// hash returns the halves of a signature.
func (s *StandIn) hash(id ID, msg []byte) (first, second [sha256.Size]byte) {
	var room [1024]byte
	b := append(append(append(room[:0], s.secret[:]...), id[:]...), msg...)
	first = sha256.Sum256(b)
	return first, sha256.Sum256(first[:])
}
