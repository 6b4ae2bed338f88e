package identity

import (
	"fmt"
	"time"
)

// Trust is what a node believes in: its network and the issuing key that the
// network's root names. It is a value; a node replaces it when new parameters
// come.
type Trust struct {
	Network Network
	Issuing ID
	Revoked *Revocations // nil: nothing is revoked
	// Signatures verifies them; nil: in earnest.
	Signatures Verifier
}

// Verify reports whether sig is id's signature of msg.
func (t Trust) Verify(id ID, msg, sig []byte) bool {
	if t.Signatures != nil {
		return t.Signatures.Verify(id, msg, sig)
	}
	return id.Verify(msg, sig)
}

// Check verifies that by signed c and that now lies in its validity: ErrForeign,
// ErrExpired or ErrNotYet.
func (t Trust) Check(c Certificate, by ID, now time.Time) error {
	if !t.Verify(by, c.signed, c.signature) {
		return ErrForeign
	}
	return c.valid(now)
}

// unrevoked returns ErrRevoked for a key on the list.
func (t Trust) unrevoked(id ID) error {
	if t.Revoked.Has(id) {
		return ErrRevoked
	}
	return nil
}

// Phone is a phone as its certificates prove it: a device of an account.
type Phone struct {
	Device  ID
	Account ID
	Name    Name
	Number  Number
}

// CheckNode verifies the chain [node] that a node shows.
func (t Trust) CheckNode(chain [][]byte, now time.Time) (NodeCertificate, error) {
	if len(chain) != 1 {
		return NodeCertificate{}, fmt.Errorf("%w: a node shows one certificate, got %d", ErrMalformed, len(chain))
	}
	c, err := ParseNodeCertificate(chain[0])
	if err != nil {
		return NodeCertificate{}, err
	}
	if err := t.unrevoked(c.Subject); err != nil {
		return NodeCertificate{}, err
	}
	return c, t.Check(c.Certificate, t.Issuing, now)
}

// CheckPhone verifies the chain [device, name] that a phone shows.
func (t Trust) CheckPhone(chain [][]byte, now time.Time) (Phone, error) {
	if len(chain) != 2 {
		return Phone{}, fmt.Errorf("%w: a phone shows two certificates, got %d", ErrMalformed, len(chain))
	}
	device, err := ParseDeviceCertificate(chain[0])
	if err != nil {
		return Phone{}, err
	}
	if err := t.unrevoked(device.Subject); err != nil {
		return Phone{}, err
	}
	name, err := t.CheckName(chain[1], now)
	if err != nil {
		return Phone{}, err
	}
	if err := t.Check(device.Certificate, name.Subject, now); err != nil {
		return Phone{}, err
	}
	return Phone{Device: device.Subject, Account: name.Subject, Name: name.Name, Number: name.Number}, nil
}

// CheckName verifies a name certificate.
func (t Trust) CheckName(der []byte, now time.Time) (NameCertificate, error) {
	c, err := ParseNameCertificate(der)
	if err != nil {
		return NameCertificate{}, err
	}
	if err := t.unrevoked(c.Subject); err != nil {
		return NameCertificate{}, err
	}
	return c, t.Check(c.Certificate, t.Issuing, now)
}
