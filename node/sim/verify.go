package sim

import (
	"crypto/sha256"
	"time"

	"peerphone/node/identity"
)

// verified remembers the verdict on each signature: in a world of thousands the
// same record is verified by dozens, and the arithmetic (Ed25519, the real one)
// gives the same each time.
type verified struct {
	young, old map[[32]byte]bool
	nodes      map[string]identity.NodeCertificate // compact certificates that hold
}

// maxVerified bounds the verdicts that are remembered, in each half.
const maxVerified = 1 << 19

// check takes the place of identity.ID.Verify.
func (v *verified) check(id identity.ID, msg, sig []byte) bool {
	h := sha256.New()
	h.Write(id[:])
	h.Write(sig)
	h.Write(msg)
	var key [32]byte
	h.Sum(key[:0])
	if good, ok := v.young[key]; ok {
		return good
	}
	good, ok := v.old[key]
	if !ok {
		good = id.Verify(msg, sig)
	}
	if v.young == nil || len(v.young) >= maxVerified {
		v.old, v.young = v.young, make(map[[32]byte]bool, 1024)
	}
	v.young[key] = good
	return good
}

// node takes the place of node.CheckNode.
func (v *verified) node(compact []byte, trust identity.Trust, now time.Time) error {
	c, ok := v.nodes[string(compact)]
	if !ok {
		der, err := identity.ExpandNode(compact)
		if err == nil {
			c, err = trust.CheckNode([][]byte{der}, now)
		}
		if err != nil {
			return err
		}
		if v.nodes == nil {
			v.nodes = map[string]identity.NodeCertificate{}
		}
		v.nodes[string(compact)] = c
	}
	if trust.Revoked.Has(c.Subject) {
		return identity.ErrRevoked
	}
	if now.After(c.NotAfter) {
		return identity.ErrExpired
	}
	return nil
}
