package identity

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"testing"
	"time"
)

// Our certificates are those that crypto/x509 makes of the same words.
func TestDERAsX509(t *testing.T) {
	by, subject := KeyFromSeed([32]byte{1}), KeyFromSeed([32]byte{2}).ID()
	day := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	for _, c := range []struct {
		name     pkix.Name
		now, end time.Time
	}{
		{nameSubject("alice", "1001"), day, day.Add(NameValidity)},
		{nameSubject("o'hara-2.home", "9999999999"), day, day.Add(time.Second)},
		{nameSubject("under_score", "1234"), day, day.Add(NameValidity)}, // no PrintableString
		{nameSubject("m\u00fcller", "1234"), day, day.Add(NameValidity)},
		{nodeSubject(688), day, nodeEnd(688)},
		{pkix.Name{}, day, day.Add(DeviceValidity)},
		{nodeSubject(0), time.Date(2049, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC)},
		{nodeSubject(4294967295), time.Date(1940, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)},
	} {
		ours, err := issue(by, subject, roleNode, c.name, c.now, c.end)
		if err != nil {
			t.Fatalf("%v: %v", c.name, err)
		}
		d := drafted(subject, roleNode, c.name, c.now, c.end)
		theirs, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
			Subject: d.name, NotBefore: d.notBefore, NotAfter: d.notAfter, SerialNumber: serialOf(d),
		}, &x509.Certificate{Subject: pkix.Name{CommonName: issuerName}}, ed25519.PublicKey(subject[:]), by.Signer())
		if err != nil {
			t.Fatalf("%v: %v", c.name, err)
		}
		if !bytes.Equal(ours, theirs) {
			t.Errorf("%v:\n got %x\nwant %x", c.name, ours, theirs)
		}
	}
}

// A year that no certificate can say is refused.
func TestDERYear(t *testing.T) {
	end := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, err := issue(KeyFromSeed([32]byte{1}), ID{}, roleNode, nodeSubject(1), end.Add(-time.Hour), end); err == nil {
		t.Error("a certificate until the year 10000 was issued")
	}
}
