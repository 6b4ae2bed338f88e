package identity_test

import (
	"reflect"
	"testing"
	"time"

	"peerphone/node/identity"
)

func FuzzInvitation(f *testing.F) {
	f.Add(townInvitation(newTown(f)).String())
	f.Add("peerphone1")
	f.Fuzz(func(t *testing.T, text string) {
		inv, err := identity.ParseInvitation(text)
		if err != nil {
			return
		}
		again, err := identity.ParseInvitation(inv.String())
		if err != nil || !reflect.DeepEqual(again, inv) {
			t.Errorf("%q\nis    %+v\nagain %+v, %v", text, inv, again, err)
		}
	})
}

func FuzzCertificate(f *testing.F) {
	w := newTown(f)
	f.Add(w.nameBy(w.issuing, "kitchen"))
	f.Add(w.deviceBy(w.account))
	f.Add(w.nodeBy(w.issuing))
	f.Fuzz(func(t *testing.T, der []byte) {
		var roles int
		if c, err := identity.ParseNameCertificate(der); err == nil {
			roles++
			if again, err := identity.ParseNameCertificate(c.DER); err != nil || again.Name != c.Name || again.Number != c.Number {
				t.Errorf("%x: %q %q, again %q %q, %v", der, c.Name, c.Number, again.Name, again.Number, err)
			}
		}
		if _, err := identity.ParseDeviceCertificate(der); err == nil {
			roles++
		}
		if _, err := identity.ParseNodeCertificate(der); err == nil {
			roles++
		}
		if roles > 1 {
			t.Errorf("%x passes in %d roles", der, roles)
		}
	})
}

func FuzzCompactName(f *testing.F) {
	w := newTown(f)
	b, _ := identity.CompactName(w.nameBy(w.issuing, "kitchen"))
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		der, err := identity.ExpandName(b)
		if err != nil {
			return
		}
		again, ok := identity.CompactName(der)
		if !ok || string(again) != string(b) {
			t.Errorf("%x\nexpands to %x\nwhose compact form is %x, %v", b, der, again, ok)
		}
	})
}

func FuzzParams(f *testing.F) {
	w := newTown(f)
	f.Add(townParams(w))
	f.Fuzz(func(t *testing.T, b []byte) {
		if n, err := identity.NetworkOfParams(b); err == nil {
			identity.ParseParams(n, b, time.Time{})
		}
	})
}

func FuzzKey(f *testing.F) {
	f.Add(key(1).PEM())
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := identity.ParseKey(b)
		if err != nil {
			return
		}
		if again, err := identity.ParseKey(k.PEM()); err != nil || again.ID() != k.ID() {
			t.Errorf("%q: %v, again %v, %v", b, k.ID(), again.ID(), err)
		}
	})
}
