package session

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"runtime"

	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/sys/cpu"

	"peerphone/node/wire"
)

//go:generate go tool stringer -type=Suite

// Suite is the cipher of a session's datagrams.
type Suite uint8

// The suites. Their numbers are sent in handshakes.
const (
	SuitePlain  Suite = 0 // hides nothing; simulations only, no handshake of TLS chooses it
	SuiteChaCha Suite = 1 // ChaCha20-Poly1305 (RFC 8439)
	SuiteAES    Suite = 2 // AES-256-GCM (NIST SP 800-38D)
)

// secretSize is the size of a traffic secret in bytes.
const secretSize = 32

// Keys are the traffic secrets of a session.
type Keys struct {
	Suite      Suite
	Send, Recv [secretSize]byte
}

// suites is a set of Suite, one bit each, as it is offered.
type suites uint8

func (s suites) has(one Suite) bool { return s&(1<<one) != 0 }

// ownSuites returns what this machine offers: AES only where the processor has
// instructions for it, since table-driven AES is slow and leaks by its timing.
func ownSuites() suites {
	if hardwareAES() {
		return 1<<SuiteChaCha | 1<<SuiteAES
	}
	return 1 << SuiteChaCha
}

func hardwareAES() bool {
	switch runtime.GOARCH {
	case "amd64":
		return cpu.X86.HasAES && cpu.X86.HasPCLMULQDQ
	case "arm64":
		return cpu.ARM64.HasAES && cpu.ARM64.HasPMULL
	}
	return false
}

// chooseSuite returns the best suite in both sets. ChaCha20 is in every set.
func chooseSuite(offered, own suites) Suite {
	if offered.has(SuiteAES) && own.has(SuiteAES) {
		return SuiteAES
	}
	return SuiteChaCha
}

// direction is one way's key for one epoch.
type direction struct {
	epoch  uint64
	secret [secretSize]byte
	aead   cipher.AEAD
	iv     [nonceSize]byte
}

const nonceSize = 12

// newDirection derives the key and nonce mask of an epoch from its secret.
func newDirection(s Suite, epoch uint64, secret [secretSize]byte) *direction {
	d := &direction{epoch: epoch, secret: secret}
	if s == SuitePlain {
		d.aead = plain{[16]byte(secret[:])}
		return d
	}
	key := expand(secret[:], "peerphone key", 32)
	d.aead = newAEAD(s, key)
	copy(d.iv[:], expand(secret[:], "peerphone iv", nonceSize))
	clear(key)
	return d
}

// next returns the direction of the following epoch: a ratchet, so that the
// keys of the past do not follow from those of today.
func (d *direction) next(s Suite) *direction {
	b := expand(d.secret[:], "peerphone ratchet", secretSize)
	defer clear(b)
	return newDirection(s, d.epoch+1, [secretSize]byte(b))
}

// wipe clears the secret. The key schedule is left to the garbage collector:
// crypto/cipher offers no way to clear it, and a Seal may still be using it.
func (d *direction) wipe() {
	if d != nil {
		clear(d.secret[:])
	}
}

func newAEAD(s Suite, key []byte) cipher.AEAD {
	switch s {
	case SuiteAES:
		block, err := aes.NewCipher(key)
		if err != nil {
			panic("session: AES refuses 32 bytes of key: " + err.Error())
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			panic("session: GCM refuses AES: " + err.Error())
		}
		return aead
	case SuitePlain:
		return plain{[16]byte(key)}
	}
	aead, err := chacha20poly1305.New(key)
	if err != nil {
		panic("session: ChaCha20-Poly1305 refuses 32 bytes of key: " + err.Error())
	}
	return aead
}

func expand(secret []byte, info string, n int) []byte {
	b, err := hkdf.Expand(sha256.New, secret, info, n)
	if err != nil {
		panic("session: hkdf expand: " + err.Error())
	}
	return b
}

// plain is the AEAD of SuitePlain: it keeps sizes and notices damage, and
// protects nothing.
type plain struct{ key [16]byte }

func (plain) NonceSize() int { return nonceSize }
func (plain) Overhead() int  { return wire.Tag }

func (p plain) Seal(dst, nonce, text, data []byte) []byte {
	tag := p.tag(nonce, text, data)
	return append(append(dst, text...), tag[:]...)
}

func (p plain) Open(dst, nonce, sealed, data []byte) ([]byte, error) {
	if len(sealed) < wire.Tag {
		return nil, ErrShort
	}
	text := sealed[:len(sealed)-wire.Tag]
	if tag := p.tag(nonce, text, data); string(tag[:]) != string(sealed[len(text):]) {
		return nil, ErrForged
	}
	return append(dst, text...), nil
}

// tag is four checksums, each begun with a part of the key: the processor has
// instructions for them.
func (p plain) tag(nonce, text, data []byte) (tag [wire.Tag]byte) {
	sum := crc32.Update(0, castagnoli, p.key[:])
	for _, b := range [][]byte{nonce, data, text} {
		sum = crc32.Update(sum, castagnoli, b)
	}
	for i := 0; i < len(tag); i += 4 {
		binary.BigEndian.PutUint32(tag[i:], sum^binary.BigEndian.Uint32(p.key[i:]))
	}
	return tag
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)
