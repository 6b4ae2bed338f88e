package identity_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"peerphone/node/identity"
)

// key returns the n-th key; tests are the same each time.
func key(n byte) identity.Key { return identity.KeyFromSeed([32]byte{n, 0xa5}) }

// town is a network with one account that has one device, which is one node.
type town struct {
	testing.TB
	root, issuing, account, device, node identity.Key
	now                                  time.Time
	trust                                identity.Trust
}

func newTown(t testing.TB) *town {
	w := &town{TB: t, root: key(1), issuing: key(2), account: key(3), device: key(4), node: key(5)}
	w.now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	w.trust = identity.Trust{Network: identity.NetworkOf(w.root.ID()), Issuing: w.issuing.ID()}
	return w
}

// certificates, each by its rightful issuer unless by says otherwise.
func (w *town) nameBy(by identity.Key, name identity.Name) []byte {
	w.Helper()
	c, err := identity.IssueName(by, w.account.ID(), name, "1001", w.now)
	return w.must(c.DER, err)
}

func (w *town) deviceBy(by identity.Key) []byte {
	w.Helper()
	c, err := identity.IssueDevice(by, w.device.ID(), w.now)
	return w.must(c.DER, err)
}

func (w *town) nodeBy(by identity.Key) []byte {
	w.Helper()
	c, err := identity.IssueNode(by, w.node.ID(), w.now)
	return w.must(c.DER, err)
}

func (w *town) must(der []byte, err error) []byte {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
	return der
}

func TestPhoneProvesWhoItIs(t *testing.T) {
	w := newTown(t)
	p, err := w.trust.CheckPhone([][]byte{w.deviceBy(w.account), w.nameBy(w.issuing, "kitchen")}, w.now)
	want := identity.Phone{Device: w.device.ID(), Account: w.account.ID(), Name: "kitchen", Number: "1001"}
	if err != nil || p != want {
		t.Errorf("got %+v, %v\nwant %+v", p, err, want)
	}
}

func TestChainsThatAreRefused(t *testing.T) {
	w := newTown(t)
	name, device, node := w.nameBy(w.issuing, "kitchen"), w.deviceBy(w.account), w.nodeBy(w.issuing)
	day := 24 * time.Hour
	for _, test := range []struct {
		what  string
		chain [][]byte
		now   time.Time
		want  error
	}{
		{"nothing", nil, w.now, identity.ErrMalformed},
		{"a device without a name", [][]byte{device}, w.now, identity.ErrMalformed},
		{"three certificates", [][]byte{device, name, name}, w.now, identity.ErrMalformed},
		{"the wrong order", [][]byte{name, device}, w.now, identity.ErrMalformed},
		{"two names", [][]byte{name, name}, w.now, identity.ErrMalformed},
		{"two devices", [][]byte{device, device}, w.now, identity.ErrMalformed},
		{"a node for a device", [][]byte{node, name}, w.now, identity.ErrMalformed},
		{"a node for a name", [][]byte{device, node}, w.now, identity.ErrMalformed},
		{"a name of another network", [][]byte{device, w.nameBy(key(9), "kitchen")}, w.now, identity.ErrForeign},
		{"a name that the account signed itself", [][]byte{device, w.nameBy(w.account, "kitchen")}, w.now, identity.ErrForeign},
		{"a device of another account", [][]byte{w.deviceBy(key(9)), name}, w.now, identity.ErrForeign},
		{"a device that the login server signed", [][]byte{w.deviceBy(w.issuing), name}, w.now, identity.ErrForeign},
		{"an expired name", [][]byte{device, name}, w.now.Add(28*day + time.Second), identity.ErrExpired},
		{"a name of tomorrow", [][]byte{device, name}, w.now.Add(-day), identity.ErrNotYet},
	} {
		if _, err := w.trust.CheckPhone(test.chain, test.now); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.what, err, test.want)
		}
	}
}

func TestNodesThatAreRefused(t *testing.T) {
	w := newTown(t)
	node := w.nodeBy(w.issuing)
	end := time.Unix(int64(identity.EpochAt(w.now)+1)*int64(identity.Epoch/time.Second), 0).Add(identity.NodeOverlap)
	for _, test := range []struct {
		what  string
		chain [][]byte
		now   time.Time
		want  error
	}{
		{"in its last second", [][]byte{node}, end, nil},
		{"after it", [][]byte{node}, end.Add(time.Second), identity.ErrExpired},
		{"before its time", [][]byte{node}, w.now.Add(-time.Hour), identity.ErrNotYet},
		{"nothing", nil, w.now, identity.ErrMalformed},
		{"two nodes", [][]byte{node, node}, w.now, identity.ErrMalformed},
		{"of another network", [][]byte{w.nodeBy(key(9))}, w.now, identity.ErrForeign},
		{"a name", [][]byte{w.nameBy(w.issuing, "kitchen")}, w.now, identity.ErrMalformed},
		{"a device", [][]byte{w.deviceBy(w.issuing)}, w.now, identity.ErrMalformed},
	} {
		if _, err := w.trust.CheckNode(test.chain, test.now); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.what, err, test.want)
		}
	}
}

// An owner may choose any name, but none makes a name certificate pass for
// another role.
func TestNamesThatSpeakOfRoles(t *testing.T) {
	w := newTown(t)
	for _, name := range []identity.Name{"node", "peerphone", "peerphone-node", "device", "name"} {
		der := w.nameBy(w.issuing, name)
		if c, err := w.trust.CheckName(der, w.now); err != nil || c.Name != name {
			t.Errorf("name %q: got %q, %v", name, c.Name, err)
		}
		if _, err := w.trust.CheckNode([][]byte{der}, w.now); !errors.Is(err, identity.ErrMalformed) {
			t.Errorf("name %q as a node: got %v, want %v", name, err, identity.ErrMalformed)
		}
		if _, err := identity.ParseDeviceCertificate(der); !errors.Is(err, identity.ErrMalformed) {
			t.Errorf("name %q as a device: got %v, want %v", name, err, identity.ErrMalformed)
		}
	}
	for _, name := range []identity.Name{"peerphone node", "", "x", "Kitchen", "kitchen\x00", "küche"} {
		if _, err := identity.IssueName(w.issuing, w.account.ID(), name, "1001", w.now); err == nil {
			t.Errorf("a certificate was issued for the name %q", name)
		}
	}
}

func TestDamagedCertificates(t *testing.T) {
	w := newTown(t)
	der := w.nameBy(w.issuing, "kitchen")
	for n := range der {
		if _, err := w.trust.CheckName(der[:n], w.now); err == nil {
			t.Errorf("cut to %d of %d bytes it passes", n, len(der))
		}
		bad := append([]byte(nil), der...)
		bad[n] ^= 1
		if _, err := w.trust.CheckName(bad, w.now); err == nil {
			t.Errorf("with byte %d changed it passes", n)
		}
	}
	for what, bad := range map[string][]byte{
		"a trailing byte":  append(append([]byte(nil), der...), 0),
		"another kilobyte": append(append([]byte(nil), der...), make([]byte, 1024)...),
		"ECDSA":            ecdsaCertificate(t),
	} {
		if _, err := w.trust.CheckName(bad, w.now); !errors.Is(err, identity.ErrMalformed) {
			t.Errorf("%s: got %v, want %v", what, err, identity.ErrMalformed)
		}
	}
}

func ecdsaCertificate(t *testing.T) []byte {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		Subject: pkix.Name{Organization: []string{"peerphone name"}, CommonName: "kitchen", SerialNumber: "1001"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// The same words give the same certificate: a renewal in the same second is no
// second certificate, and the compact form needs no serial number.
func TestCertificatesAreDeterministic(t *testing.T) {
	w := newTown(t)
	a, b := w.nameBy(w.issuing, "kitchen"), w.nameBy(w.issuing, "kitchen")
	if string(a) != string(b) {
		t.Error("two certificates with the same content differ")
	}
	serial := func(der []byte) string {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return c.SerialNumber.String()
	}
	if serial(a) == serial(w.nameBy(w.issuing, "kitchenette")) {
		t.Error("two names have one serial number")
	}
	for _, der := range [][]byte{a, w.deviceBy(w.account), w.nodeBy(w.issuing)} {
		if len(der) > 300 {
			t.Errorf("a certificate takes %d bytes, want at most 300", len(der))
		}
	}
}

func TestKeysHideTheirBytes(t *testing.T) {
	k := key(7)
	for _, text := range []string{sprint("%v", k), sprint("%+v", k), sprint("%#v", k), sprint("%x", k), sprint("%s", &k)} {
		if strings.Contains(text, "07a5") || !strings.Contains(text, "hidden") {
			t.Errorf("a key prints as %q", text)
		}
	}
	again, err := identity.ParseKey(k.PEM())
	if err != nil || again.ID() != k.ID() {
		t.Errorf("PEM and back: got %v, %v", again.ID(), err)
	}
}
