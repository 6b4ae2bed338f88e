package identity

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"
)

func TestRevokedCertificatesDoNotHold(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	key := func(n byte) Key { return KeyFromSeed([32]byte{n}) }
	issuing, account, device, node := key(1), key(2), key(3), key(4)
	name, err1 := IssueName(issuing, account.ID(), "kitchen", "1001", now)
	dev, err2 := IssueDevice(account, device.ID(), now)
	nod, err3 := IssueNode(issuing, node.ID(), now)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what              string
		revoked           ID
		name, phone, node error
	}{
		{"another's", key(9).ID(), nil, nil, nil},
		{"the node's", node.ID(), nil, nil, ErrRevoked},
		{"the device's", device.ID(), nil, ErrRevoked, nil},
		{"the account's", account.ID(), ErrRevoked, ErrRevoked, nil},
	} {
		r := Revocations{}.With(now, Revoke(c.revoked, now.Add(time.Hour)))
		trust := Trust{Issuing: issuing.ID(), Revoked: &r}
		_, nameErr := trust.CheckName(name.DER, now)
		_, phoneErr := trust.CheckPhone([][]byte{dev.DER, name.DER}, now)
		_, nodeErr := trust.CheckNode([][]byte{nod.DER}, now)
		if !errors.Is(nameErr, c.name) || !errors.Is(phoneErr, c.phone) || !errors.Is(nodeErr, c.node) {
			t.Errorf("%s key is revoked: name %v, phone %v, node %v", c.what, nameErr, phoneErr, nodeErr)
		}
	}
}

func TestExpiredRevocationsAreForgotten(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	var r Revocations
	for i := range 5 {
		r = r.With(now, Revoke(ID{byte(i)}, now.Add(time.Duration(i)*24*time.Hour)))
	}
	if r = r.With(now, Revoke(ID{4}, now)); r.Len() != 5 || r.Sequence != 6 {
		t.Fatalf("%d revoked, sequence %d", r.Len(), r.Sequence)
	}
	r = r.With(now.Add(50 * time.Hour))
	if r.Has(ID{1}) || !r.Has(ID{3}) || !r.Has(ID{4}) || r.Len() != 2 {
		t.Errorf("after two days %d are left", r.Len())
	}
	var many []Revocation
	for i := range MaxRevocations + 10 {
		var id ID
		binary.BigEndian.PutUint16(id[:], uint16(i))
		many = append(many, Revoke(id, now.Add(time.Duration(i+1)*time.Hour)))
	}
	r = Revocations{}.With(now, many...)
	if r.Len() != MaxRevocations || r.Has(ID{0, 9}) || !r.Has(ID{0, 10}) {
		t.Errorf("%d revoked", r.Len())
	}
	if b := r.Sign(KeyFromSeed([32]byte{1})); len(b) != MaxRevocationBytes {
		t.Errorf("the longest list has %d bytes, not %d", len(b), MaxRevocationBytes)
	}
	if (*Revocations)(nil).Has(ID{1}) || (*Revocations)(nil).Len() != 0 {
		t.Error("nil revokes")
	}
}

func FuzzRevocations(f *testing.F) {
	issuing := KeyFromSeed([32]byte{1})
	now := time.Unix(1_800_000_000, 0)
	f.Add(Revocations{}.With(now).Sign(issuing))
	f.Add(Revocations{}.With(now, Revoke(ID{1}, now.Add(time.Hour)), Revoke(ID{2}, now.Add(time.Hour))).Sign(issuing))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRevocations(b, issuing.ID())
		if err != nil {
			if !errors.Is(err, ErrRevocations) {
				t.Fatal(err)
			}
			return
		}
		if again := r.Sign(issuing); string(again) != string(b) {
			t.Errorf("%x\nparsed  %+v\nwritten %x", b, r, again)
		}
	})
}

// What a key has revoked holds as long as the network's root names it among those
// before the issuing key.
func TestAListOfAFormerKeyHolds(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	key := func(n byte) Key { return KeyFromSeed([32]byte{n}) }
	lost := key(9).ID()
	list := Revocations{}.With(now, Revoke(lost, now.Add(time.Hour)))
	b := list.Sign(key(1))
	p := Params{Sequence: 7, Issuing: key(1).ID()}
	for n := byte(2); n <= 8; n++ {
		p = p.Succeed(key(n).ID())
		r, err := ParseRevocations(b, p.Signers()...)
		if held := n-1 <= maxFormer; (err == nil) != held || held && !r.Has(lost) {
			t.Errorf("after %d successors: %v", n-1, err)
		}
	}
	if p.Sequence != 14 || p.Issuing != key(8).ID() || len(p.Former) != maxFormer || !p.ok() {
		t.Errorf("parameters %+v", p)
	}
	if p = p.Succeed(key(7).ID()); p.Former[0] != key(8).ID() || slices.Contains(p.Former, key(7).ID()) {
		t.Errorf("a key that comes back is among those before it: %v", p.Former)
	}
}
