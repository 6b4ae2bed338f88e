// Package identity says who: keys, names, numbers and the certificates that
// bind them to a network.
//
// A network is its root key. The root signs the network parameters (Params),
// which name the issuing key of the login server; the issuing key signs name
// certificates (an account's key, name and number) and node certificates (a
// node's key, no name). The account key signs the certificate of each of its
// devices. Two phones show each other [device, name]; a phone and a supernode
// show each other [node], so supernodes never learn names.
package identity

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
)

// ID is an Ed25519 public key: of an account, a device, a node or an issuer.
// The zero ID names nobody.
type ID [ed25519.PublicKeySize]byte

// Network is the SHA-256 hash of a network's root key.
type Network [sha256.Size]byte

var shortEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// String returns the first 16 of the 52 characters, enough for logs.
func (id ID) String() string { return shortEncoding.EncodeToString(id[:10]) }

// IsZero reports whether id names nobody.
func (id ID) IsZero() bool { return id == ID{} }

// Less orders IDs by their bytes.
func (id ID) Less(other ID) bool { return string(id[:]) < string(other[:]) }

// MarshalText writes all 64 hexadecimal digits.
func (id ID) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, id[:]), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *ID) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) != len(id) {
		return errors.New("identity: an ID has 64 hexadecimal digits")
	}
	copy(id[:], b)
	return nil
}

// Verify reports whether sig is id's Ed25519 signature of msg (RFC 8032).
func (id ID) Verify(msg, sig []byte) bool {
	return len(sig) == ed25519.SignatureSize && ed25519.Verify(id[:], msg, sig)
}

// NetworkOf returns the network whose root key is root.
func NetworkOf(root ID) Network { return sha256.Sum256(root[:]) }

func (n Network) String() string { return shortEncoding.EncodeToString(n[:10]) }
