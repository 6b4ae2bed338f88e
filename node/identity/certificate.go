package identity

import (
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"time"
)

// Validity of the certificates (DESIGN section 4).
const (
	NameValidity    = 28 * 24 * time.Hour
	NameRenewal     = 7 * 24 * time.Hour // age from which a phone renews
	Epoch           = 30 * 24 * time.Hour
	NodeOverlap     = 7 * 24 * time.Hour // a node certificate outlives its epoch by this
	DeviceValidity  = 10 * 365 * 24 * time.Hour
	clockAllowance  = 10 * time.Minute // notBefore lies this far back
	maxCertificate  = 1024             // bytes; ours have about 300
	organizationFor = "peerphone "     // Subject.Organization is this and the role
)

// Errors of certificates, each a different thing to do for the owner.
var (
	ErrExpired   = errors.New("identity: the certificate has expired")
	ErrNotYet    = errors.New("identity: the certificate is not valid yet; is the clock right?")
	ErrForeign   = errors.New("identity: the certificate is of another network")
	ErrMalformed = errors.New("identity: malformed certificate")
)

// A role is what a certificate speaks for; no certificate passes for another
// role.
type role string

const (
	roleName   role = "name"
	roleDevice role = "device"
	roleNode   role = "node"
)

// Certificate is what all three kinds have in common.
type Certificate struct {
	Subject   ID // whose key it is
	NotBefore time.Time
	NotAfter  time.Time
	DER       []byte // X.509 (RFC 5280), signed with Ed25519 (RFC 8410)

	signed, signature []byte
}

// NameCertificate binds an account key to a name and number.
type NameCertificate struct {
	Certificate
	Name   Name
	Number Number
}

// NodeCertificate lets a node take part for one epoch; it tells no name.
type NodeCertificate struct {
	Certificate
	Epoch uint32
}

// DeviceCertificate says that a device belongs to an account.
type DeviceCertificate struct{ Certificate }

// EpochAt returns the number of the epoch that holds now.
func EpochAt(now time.Time) uint32 { return uint32(now.Unix() / int64(Epoch/time.Second)) }

// EpochStart returns the first instant of an epoch.
func EpochStart(epoch uint32) time.Time { return time.Unix(int64(epoch)*int64(Epoch/time.Second), 0) }

// IssueName signs a name certificate for account with the issuing key.
func IssueName(issuing Key, account ID, name Name, number Number, now time.Time) (NameCertificate, error) {
	der, err := issue(issuing, account, roleName, nameSubject(name, number), now, now.Add(NameValidity))
	if err != nil {
		return NameCertificate{}, err
	}
	return ParseNameCertificate(der)
}

func nameSubject(name Name, number Number) pkix.Name {
	return pkix.Name{CommonName: string(name), SerialNumber: string(number)}
}

// IssueNode signs a certificate for node with the issuing key, valid for the
// epoch that holds now and the overlap after it.
func IssueNode(issuing Key, node ID, now time.Time) (NodeCertificate, error) {
	return IssueNodeFor(issuing, node, EpochAt(now), now)
}

// IssueNodeFor signs a certificate for node in the given epoch, valid from now,
// or from the beginning of the epoch when that is later.
func IssueNodeFor(issuing Key, node ID, epoch uint32, now time.Time) (NodeCertificate, error) {
	if start := EpochStart(epoch); now.Before(start) {
		now = start
	}
	der, err := issue(issuing, node, roleNode, nodeSubject(epoch), now, nodeEnd(epoch))
	if err != nil {
		return NodeCertificate{}, err
	}
	return ParseNodeCertificate(der)
}

func nodeSubject(epoch uint32) pkix.Name {
	return pkix.Name{SerialNumber: strconv.FormatUint(uint64(epoch), 10)}
}

// nodeEnd returns when the node certificates of an epoch end.
func nodeEnd(epoch uint32) time.Time { return EpochStart(epoch + 1).Add(NodeOverlap) }

// IssueDevice signs device's certificate with the account key.
func IssueDevice(account Key, device ID, now time.Time) (DeviceCertificate, error) {
	der, err := issue(account, device, roleDevice, pkix.Name{}, now, now.Add(DeviceValidity))
	if err != nil {
		return DeviceCertificate{}, err
	}
	return ParseDeviceCertificate(der)
}

func issue(by Key, subject ID, r role, name pkix.Name, now, end time.Time) ([]byte, error) {
	signed, err := drafted(subject, r, name, now, end).signed()
	if err != nil {
		return nil, fmt.Errorf("identity: issue a %s certificate: %w", r, err)
	}
	return seal(signed, by.Sign(signed)), nil
}

// drafted returns the certificate that is issued now.
func drafted(subject ID, r role, name pkix.Name, now, end time.Time) *draft {
	name.Organization = []string{organizationFor + string(r)}
	return &draft{
		subject: subject, name: name,
		notBefore: now.Add(-clockAllowance).UTC().Truncate(time.Second),
		notAfter:  end.UTC().Truncate(time.Second),
	}
}

// serialOf returns the serial number of a certificate: a hash of all that it
// says. So the same words give the same certificate, byte for byte, whoever
// makes it, and no two certificates of an issuer share a number.
func serialOf(d *draft) *big.Int {
	h := sha256.New()
	fmt.Fprintf(h, "peerphone serial\x00%x %q %q %q %d %d", d.subject[:], d.name.Organization,
		d.name.CommonName, d.name.SerialNumber, d.notBefore.Unix(), d.notAfter.Unix())
	b := h.Sum(nil)[:8]
	b[0] = b[0]&0x3f | 0x40 // positive, and always eight bytes
	return new(big.Int).SetBytes(b)
}

// ParseNameCertificate reads a name certificate; it checks no signature.
func ParseNameCertificate(der []byte) (NameCertificate, error) {
	c, x, err := parse(der, roleName)
	if err != nil {
		return NameCertificate{}, err
	}
	name, err := ParseName(x.Subject.CommonName)
	if err != nil || string(name) != x.Subject.CommonName {
		return NameCertificate{}, fmt.Errorf("%w: name %.40q", ErrMalformed, x.Subject.CommonName)
	}
	number, err := ParseNumber(x.Subject.SerialNumber)
	if err != nil {
		return NameCertificate{}, fmt.Errorf("%w: number %.20q", ErrMalformed, x.Subject.SerialNumber)
	}
	return NameCertificate{Certificate: c, Name: name, Number: number}, nil
}

// ParseNodeCertificate reads a node certificate; it checks no signature.
func ParseNodeCertificate(der []byte) (NodeCertificate, error) {
	c, x, err := parse(der, roleNode)
	if err != nil {
		return NodeCertificate{}, err
	}
	epoch, err := strconv.ParseUint(x.Subject.SerialNumber, 10, 32)
	if err != nil {
		return NodeCertificate{}, fmt.Errorf("%w: epoch %.20q", ErrMalformed, x.Subject.SerialNumber)
	}
	return NodeCertificate{Certificate: c, Epoch: uint32(epoch)}, nil
}

// ParseDeviceCertificate reads a device certificate; it checks no signature.
func ParseDeviceCertificate(der []byte) (DeviceCertificate, error) {
	c, _, err := parse(der, roleDevice)
	return DeviceCertificate{c}, err
}

func parse(der []byte, r role) (Certificate, *x509.Certificate, error) {
	if len(der) > maxCertificate {
		return Certificate{}, nil, fmt.Errorf("%w: %d bytes, at most %d", ErrMalformed, len(der), maxCertificate)
	}
	x, err := x509.ParseCertificate(der)
	if err != nil {
		return Certificate{}, nil, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	if len(x.Subject.Organization) != 1 || x.Subject.Organization[0] != organizationFor+string(r) {
		return Certificate{}, nil, fmt.Errorf("%w: it is not a %s certificate", ErrMalformed, r)
	}
	id, ok := idOf(x.PublicKey)
	if !ok || x.SignatureAlgorithm != x509.PureEd25519 {
		return Certificate{}, nil, fmt.Errorf("%w: not Ed25519", ErrMalformed)
	}
	return Certificate{
		Subject: id, NotBefore: x.NotBefore, NotAfter: x.NotAfter, DER: x.Raw,
		signed: x.RawTBSCertificate, signature: x.Signature,
	}, x, nil
}

// Check verifies that by signed c and that now lies in its validity: ErrForeign,
// ErrExpired or ErrNotYet.
func (c Certificate) Check(by ID, now time.Time) error {
	return Trust{}.Check(c, by, now)
}

// valid reports whether now lies in the validity of c: ErrExpired or ErrNotYet.
func (c Certificate) valid(now time.Time) error {
	if now.After(c.NotAfter) {
		return fmt.Errorf("%w on %s", ErrExpired, c.NotAfter.Format(time.DateOnly))
	}
	if now.Before(c.NotBefore) {
		return ErrNotYet
	}
	return nil
}
