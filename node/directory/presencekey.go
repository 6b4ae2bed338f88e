package directory

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// PresenceKey is what an account gives one contact, end to end: with it the
// contact finds and opens what the account's phones leave at their homes. All
// phones of the account make the same key for the same contact.
type PresenceKey [32]byte

// PresenceKeyFor returns the key that account gives to a contact.
func PresenceKeyFor(account identity.Key, contact identity.ID) PresenceKey {
	// A signature is the only secret of a Key that it lets out, and Ed25519's
	// are the same each time (RFC 8032 section 5.1.6).
	secret := account.Derive("presence").Sign(append([]byte("peerphone presence\x00"), contact[:]...))
	return sha256.Sum256(secret)
}

// IsZero reports whether k is no key.
func (k PresenceKey) IsZero() bool { return k == PresenceKey{} }

// Format prints a place-holder, whatever the verb.
func (k PresenceKey) Format(f fmt.State, _ rune) { io.WriteString(f, "directory.PresenceKey(hidden)") }

// Token returns the place at home where device leaves its word.
func (k PresenceKey) Token(home, device identity.ID) (t wire.Token) {
	copy(t[:], k.mac("peerphone presence token\x00", home[:], device[:]))
	return t
}

func (k PresenceKey) mac(label string, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, k[:])
	io.WriteString(h, label)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// A statement is what a phone says to one watcher: I was attached to this home
// at Issued, and shall say so again before Until. On the wire:
//
//	12  nonce
//	 8  Issued, Unix seconds, sealed (ChaCha20-Poly1305, RFC 8439) with the Token as
//	 4  Until, seconds after Issued, sealed    additional data
//	16  token
type statement struct{ issued, until time.Time }

const (
	statementSize = 12
	blobSize      = chacha20poly1305.NonceSize + statementSize + chacha20poly1305.Overhead
	// statementMost bounds Until: an old word shall not serve a lying home for
	// long.
	statementMost = 12 * time.Hour
	// statementAhead is how far the clocks of two phones may differ.
	statementAhead = 10 * time.Minute
)

// seal returns s for who watches at token.
func (k PresenceKey) seal(rand io.Reader, token wire.Token, s statement) []byte {
	nonce := make([]byte, chacha20poly1305.NonceSize, blobSize)
	if _, err := io.ReadFull(rand, nonce); err != nil {
		panic(fmt.Sprintf("directory: no randomness: %v", err))
	}
	plain := binary.BigEndian.AppendUint64(nil, uint64(s.issued.Unix()))
	plain = binary.BigEndian.AppendUint32(plain, uint32(s.until.Sub(s.issued)/time.Second))
	return k.aead().Seal(nonce, nonce, plain, token[:])
}

func (k PresenceKey) aead() cipher.AEAD {
	a, err := chacha20poly1305.New(k.mac("peerphone presence seal\x00"))
	if err != nil {
		panic("directory: " + err.Error()) // the key has its 32 bytes
	}
	return a
}

// errStatement refuses a blob.
var errStatement = errors.New("directory: not the phone's own word")

// open returns what a blob at token says.
func (k PresenceKey) open(now time.Time, token wire.Token, blob []byte) (statement, error) {
	if len(blob) != blobSize {
		return statement{}, errStatement
	}
	plain, err := k.aead().Open(nil, blob[:chacha20poly1305.NonceSize], blob[chacha20poly1305.NonceSize:], token[:])
	if err != nil {
		return statement{}, errStatement
	}
	issued := time.Unix(int64(binary.BigEndian.Uint64(plain)), 0)
	length := time.Duration(binary.BigEndian.Uint32(plain[8:])) * time.Second
	if length > statementMost || issued.After(now.Add(statementAhead)) {
		return statement{}, errStatement
	}
	return statement{issued, issued.Add(length)}, nil
}
