package identity

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"time"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// Our certificates are X.509 of one fixed form, so they are written here, byte
// for byte as crypto/x509 writes them (der_test.go). A record of the global index
// holds a certificate's compact form, and who reads it puts the certificate
// together again: for that no signature is made, and none is verified.

var (
	oidEd25519      = asn1.ObjectIdentifier{1, 3, 101, 112} // RFC 8410 section 3
	oidCommonName   = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidSerialNumber = asn1.ObjectIdentifier{2, 5, 4, 5}
	oidOrganization = asn1.ObjectIdentifier{2, 5, 4, 10}
)

// issuerName is the issuer in all certificates; who issued one its signature
// shows.
const issuerName = "peerphone"

// draft is a certificate without its signature.
type draft struct {
	subject             ID
	name                pkix.Name // one Organization, CommonName, SerialNumber
	notBefore, notAfter time.Time // whole seconds, UTC
}

// signed returns the part of the certificate that is signed: TBSCertificate of
// RFC 5280 section 4.1.
func (d *draft) signed() ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, 256))
	b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(tags.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) { b.AddASN1Int64(2) }) // version 3
		b.AddASN1BigInt(serialOf(d))
		addAlgorithm(b)
		b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) { addAttribute(b, oidCommonName, issuerName) })
		b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
			addTime(b, d.notBefore)
			addTime(b, d.notAfter)
		})
		b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
			addAttribute(b, oidOrganization, d.name.Organization[0])
			addAttribute(b, oidCommonName, d.name.CommonName)
			addAttribute(b, oidSerialNumber, d.name.SerialNumber)
		})
		b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
			addAlgorithm(b)
			b.AddASN1BitString(d.subject[:])
		})
	})
	return b.Bytes()
}

// seal returns the certificate of the signed part and its signature.
func seal(signed, signature []byte) []byte {
	b := cryptobyte.NewBuilder(make([]byte, 0, len(signed)+len(signature)+20))
	b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(signed)
		addAlgorithm(b)
		b.AddASN1BitString(signature)
	})
	return b.BytesOrPanic() // fails for lengths beyond 32 bits only
}

func addAlgorithm(b *cryptobyte.Builder) {
	b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidEd25519) })
}

// addAttribute adds one attribute of a name, if it is not empty.
func addAttribute(b *cryptobyte.Builder, oid asn1.ObjectIdentifier, value string) {
	if value == "" {
		return
	}
	tag := tags.UTF8String
	if printable(value) {
		tag = tags.PrintableString
	}
	b.AddASN1(tags.SET, func(b *cryptobyte.Builder) {
		b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oid)
			b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(value)) })
		})
	})
}

// printable reports whether s is a PrintableString (X.680 section 41.4).
func printable(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == ' ', '\'' <= c && c <= ')', '+' <= c && c <= '/', c == ':', c == '=', c == '?':
		default:
			return false
		}
	}
	return true
}

// addTime adds a time as RFC 5280 section 4.1.2.5 wants it: with two digits for
// the years until 2049.
func addTime(b *cryptobyte.Builder, t time.Time) {
	if y := t.Year(); 1950 <= y && y < 2050 {
		b.AddASN1UTCTime(t)
	} else {
		b.AddASN1GeneralizedTime(t)
	}
}
