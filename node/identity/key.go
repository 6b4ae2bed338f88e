package identity

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
)

// Key is an Ed25519 private key. It hides its bytes when printed and cannot be
// compared. The zero value holds no key: IsZero tells, Sign panics.
type Key struct {
	_     [0]func() // refuses ==
	k     ed25519.PrivateKey
	stand *StandIn // signs in the place of k; nil: nobody does
}

// NewKey draws a key from rand.
func NewKey(rand io.Reader) (Key, error) {
	var seed [ed25519.SeedSize]byte
	if _, err := io.ReadFull(rand, seed[:]); err != nil {
		return Key{}, fmt.Errorf("identity: no randomness for a key: %w", err)
	}
	return KeyFromSeed(seed), nil
}

// KeyFromSeed returns the key that seed determines (RFC 8032 section 5.1.5).
func KeyFromSeed(seed [ed25519.SeedSize]byte) Key {
	return Key{k: ed25519.NewKeyFromSeed(seed[:])}
}

// IsZero reports whether k holds no key.
func (k Key) IsZero() bool { return k.k == nil }

// ID returns the public half.
func (k Key) ID() ID {
	var id ID
	copy(id[:], k.k.Public().(ed25519.PublicKey))
	return id
}

// Sign signs msg (RFC 8032, pure Ed25519).
func (k Key) Sign(msg []byte) []byte {
	if k.stand != nil {
		return k.stand.sign(k.ID(), msg)
	}
	return ed25519.Sign(k.k, msg)
}

// Signer returns the key for crypto/tls and crypto/x509.
func (k Key) Signer() crypto.Signer { return k.k }

// Derive returns the key that belongs to k and label (HKDF-SHA-256, RFC 5869).
// Without k nobody can tell that the two are related.
func (k Key) Derive(label string) Key {
	seed, err := hkdf.Key(sha256.New, k.k.Seed(), nil, "peerphone key "+label, ed25519.SeedSize)
	if err != nil {
		panic("identity: hkdf refuses 32 bytes: " + err.Error())
	}
	return Key{k: ed25519.NewKeyFromSeed(seed), stand: k.stand}
}

// Format prints a place-holder, whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, "identity.Key(hidden)") }

const keyBlock = "PRIVATE KEY"

// PEM returns k as PKCS #8 in PEM (RFC 5958, RFC 8410), for a file of mode 0600.
func (k Key) PEM() []byte {
	der, err := x509.MarshalPKCS8PrivateKey(k.k)
	if err != nil {
		panic("identity: an Ed25519 key does not marshal: " + err.Error())
	}
	return pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: der})
}

// ParseKey reads what PEM wrote.
func ParseKey(text []byte) (Key, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != keyBlock || len(rest) > 0 {
		return Key{}, errors.New("identity: a key file holds one PEM block \"" + keyBlock + "\"")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Key{}, fmt.Errorf("identity: key file: %w", err)
	}
	k, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return Key{}, fmt.Errorf("identity: key file holds a %T, want Ed25519", parsed)
	}
	return Key{k: k}, nil
}
