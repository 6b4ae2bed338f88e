package identity_test

import (
	"crypto/rand"
	"fmt"
	"testing"

	"peerphone/node/identity"
)

func sprint(format string, v any) string { return fmt.Sprintf(format, v) }

func TestCompactNameComesBack(t *testing.T) {
	w := newTown(t)
	for _, name := range []identity.Name{"ab", "kitchen", "a-name-of-thirty-two-characters."} {
		der := w.nameBy(w.issuing, name)
		b, ok := identity.CompactName(der)
		if !ok {
			t.Fatalf("name %q: no compact form", name)
		}
		again, err := identity.ExpandName(b)
		if err != nil || string(again) != string(der) {
			t.Errorf("name %q: came back as %x, %v", name, again, err)
		}
		if _, err := w.trust.CheckName(again, w.now); err != nil {
			t.Errorf("name %q: its signature does not hold any more: %v", name, err)
		}
		t.Logf("name %q: %d bytes, compact %d", name, len(der), len(b))
	}
}

func TestCompactFormOfOthers(t *testing.T) {
	w := newTown(t)
	for what, der := range map[string][]byte{
		"nothing": nil, "a device": w.deviceBy(w.account), "a node": w.nodeBy(w.issuing),
		"noise": []byte("\x01noise"), "ECDSA": ecdsaCertificate(t),
	} {
		if b, ok := identity.CompactName(der); ok {
			t.Errorf("%s has the compact form %x", what, b)
		}
	}
}

func TestCompactNameDamaged(t *testing.T) {
	w := newTown(t)
	b, _ := identity.CompactName(w.nameBy(w.issuing, "kitchen"))
	for n := range b {
		bad := append([]byte(nil), b...)
		bad[n] ^= 0x40
		der, err := identity.ExpandName(bad)
		if err != nil {
			continue
		}
		if _, err := w.trust.CheckName(der, w.now); err == nil {
			t.Errorf("with byte %d changed it passes", n)
		}
	}
}

func BenchmarkExpandName(b *testing.B) {
	w := newTown(b)
	compact, _ := identity.CompactName(w.nameBy(w.issuing, "kitchen"))
	for b.Loop() {
		if _, err := identity.ExpandName(compact); err != nil {
			b.Fatal(err)
		}
	}
}

func TestNewKeyWithoutRandomness(t *testing.T) {
	if _, err := identity.NewKey(empty{}); err == nil {
		t.Error("a key was made of nothing")
	}
	a, _ := identity.NewKey(rand.Reader)
	b, _ := identity.NewKey(rand.Reader)
	if a.ID() == b.ID() {
		t.Error("two keys are the same")
	}
}

type empty struct{}

func (empty) Read([]byte) (int, error) { return 0, fmt.Errorf("empty") }
