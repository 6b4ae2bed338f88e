package identity

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"time"
)

// A record of the global index has no room for X.509's frame, and all of a
// certificate of ours but its signature follows from a few values. Its compact
// form is
//
//	 1  compactVersion; no X.509 certificate begins with it
//	32  account
//	 8  not before, Unix seconds, big endian
//	 4  not after: seconds later
//	64  signature
//	 1  length of the name
//	 n  name
//	 m  number
//
// about 120 bytes in place of 260.
const compactVersion = 1

const compactFixed = 1 + 32 + 8 + 4 + ed25519.SignatureSize + 1

// ErrCompact says that bytes are no compact name certificate.
var ErrCompact = errors.New("identity: malformed compact certificate")

// CompactName returns the compact form of the name certificate der; ok is false
// when der is not as IssueName makes it, so that it would not come back.
func CompactName(der []byte) (b []byte, ok bool) {
	c, err := ParseNameCertificate(der)
	if err != nil || len(c.signature) != ed25519.SignatureSize {
		return nil, false
	}
	valid := c.NotAfter.Sub(c.NotBefore) / time.Second
	if valid < 0 || valid > 1<<32-1 {
		return nil, false
	}
	b = append(make([]byte, 0, compactFixed+len(c.Name)+len(c.Number)), compactVersion)
	b = append(b, c.Subject[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.NotBefore.Unix()))
	b = binary.BigEndian.AppendUint32(b, uint32(valid))
	b = append(b, c.signature...)
	b = append(append(append(b, byte(len(c.Name))), c.Name...), c.Number...)
	again, err := ExpandName(b)
	return b, err == nil && string(again) == string(der)
}

// ExpandName returns the X.509 certificate whose compact form is b. It checks
// no signature.
func ExpandName(b []byte) ([]byte, error) {
	if len(b) < compactFixed || b[0] != compactVersion {
		return nil, ErrCompact
	}
	account, b := ID(b[1:33]), b[33:]
	notBefore, valid, b := binary.BigEndian.Uint64(b), binary.BigEndian.Uint32(b[8:]), b[12:]
	signature, n, b := b[:ed25519.SignatureSize], int(b[ed25519.SignatureSize]), b[ed25519.SignatureSize+1:]
	if notBefore > maxUnix || len(b) < n {
		return nil, ErrCompact
	}
	name, err := ParseName(string(b[:n]))
	if err != nil || string(name) != string(b[:n]) {
		return nil, ErrCompact
	}
	number, err := ParseNumber(string(b[n:]))
	if err != nil {
		return nil, ErrCompact
	}
	start := time.Unix(int64(notBefore), 0)
	signed, err := drafted(account, roleName, nameSubject(name, number), start.Add(clockAllowance), start.Add(time.Duration(valid)*time.Second)).signed()
	if err != nil {
		return nil, ErrCompact
	}
	return seal(signed, signature), nil
}

// maxUnix is the first second of the year 9000: X.509 ends with 9999.
const maxUnix = 221845392000

// The compact form of a node certificate, always CompactNodeSize bytes:
//
//	32  node
//	 4  epoch
//	 8  not before, Unix seconds
//	64  signature
//
// It ends when every certificate of its epoch does.

// CompactNodeSize is the size of a compact node certificate in bytes.
const CompactNodeSize = 32 + 4 + 8 + ed25519.SignatureSize

// CompactNode returns the compact form of the node certificate der; ok is false
// when der is not as IssueNode makes it.
func CompactNode(der []byte) (b []byte, ok bool) {
	c, err := ParseNodeCertificate(der)
	if err != nil || len(c.signature) != ed25519.SignatureSize {
		return nil, false
	}
	b = append(make([]byte, 0, CompactNodeSize), c.Subject[:]...)
	b = binary.BigEndian.AppendUint32(b, c.Epoch)
	b = binary.BigEndian.AppendUint64(b, uint64(c.NotBefore.Unix()))
	b = append(b, c.signature...)
	again, err := ExpandNode(b)
	return b, err == nil && string(again) == string(der)
}

// NodeOfCompact returns whom a compact node certificate is for; it must have its
// size, and nothing is checked.
func NodeOfCompact(b []byte) ID { return ID(b[:32]) }

// ExpandNode returns the X.509 certificate whose compact form is b. It checks no
// signature.
func ExpandNode(b []byte) ([]byte, error) {
	if len(b) != CompactNodeSize {
		return nil, ErrCompact
	}
	node, epoch, notBefore, signature := ID(b[:32]), binary.BigEndian.Uint32(b[32:]), binary.BigEndian.Uint64(b[36:]), b[44:]
	if notBefore > maxUnix {
		return nil, ErrCompact
	}
	signed, err := drafted(node, roleNode, nodeSubject(epoch), time.Unix(int64(notBefore), 0).Add(clockAllowance), nodeEnd(epoch)).signed()
	if err != nil {
		return nil, ErrCompact
	}
	return seal(signed, signature), nil
}

// EpochOfCompact returns the epoch of a compact node certificate; it must have
// its size, and nothing is checked.
func EpochOfCompact(b []byte) uint32 { return binary.BigEndian.Uint32(b[32:]) }
