package identity

import (
	"crypto/ed25519"
	"testing"
	"time"
)

// The stand-in's keys have the IDs of real ones, its signatures their length, and
// nobody believes one of another message, key or secret.
func TestStandIn(t *testing.T) {
	s, other := NewStandIn([32]byte{1}), NewStandIn([32]byte{2})
	seed, msg := [32]byte{7}, []byte("the kitchen")
	k := s.KeyFromSeed(seed)
	if k.ID() != KeyFromSeed(seed).ID() || k.Derive("node").ID() != KeyFromSeed(seed).Derive("node").ID() {
		t.Error("the stand-in's key has another ID")
	}
	sig := k.Sign(msg)
	if len(sig) != ed25519.SignatureSize || !s.Verify(k.ID(), msg, sig) || !s.Verify(k.Derive("x").ID(), msg, k.Derive("x").Sign(msg)) {
		t.Error("a signature does not hold")
	}
	for i := range sig {
		bad := append([]byte(nil), sig...)
		if bad[i] ^= 1; s.Verify(k.ID(), msg, bad) {
			t.Errorf("an altered byte %d passes", i)
		}
	}
	if s.Verify(k.ID(), msg[1:], sig) || s.Verify(k.Derive("x").ID(), msg, sig) || other.Verify(k.ID(), msg, sig) || s.Verify(k.ID(), msg, sig[1:]) {
		t.Error("a signature of something else passes")
	}
	if k.ID().Verify(msg, sig) || s.Verify(k.ID(), msg, KeyFromSeed(seed).Sign(msg)) {
		t.Error("the stand-in's signatures pass in earnest, or real ones with it")
	}
}

// A certificate that the stand-in signed holds with it, and never in earnest.
func TestStandInCertificate(t *testing.T) {
	s, now := NewStandIn([32]byte{1}), time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	issuing, node := s.KeyFromSeed([32]byte{1}), s.KeyFromSeed([32]byte{2})
	c, err := IssueNode(issuing, node.ID(), now)
	if err != nil {
		t.Fatal(err)
	}
	trust := Trust{Issuing: issuing.ID(), Signatures: s}
	if _, err := trust.CheckNode([][]byte{c.DER}, now); err != nil {
		t.Errorf("with the stand-in: %v", err)
	}
	if _, err := (Trust{Issuing: issuing.ID()}).CheckNode([][]byte{c.DER}, now); err != ErrForeign {
		t.Errorf("in earnest: %v, want %v", err, ErrForeign)
	}
}
