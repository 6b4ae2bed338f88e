package sim

import (
	"crypto/sha256"
	"sync"
	"time"

	"peerphone/node/identity"
)

// verified remembers the verdict on each signature: in a world of thousands the
// same record is verified by dozens, and the arithmetic (Ed25519, the real one)
// gives the same each time.
type verified struct {
	mu         sync.Mutex // the workers share it
	young, old map[[32]byte]bool
	nodes      map[string]identity.NodeCertificate // compact certificates that hold
}

// maxVerified bounds the verdicts that are remembered, in each half.
const maxVerified = 1 << 19

// Verify implements identity.Verifier.
func (v *verified) Verify(id identity.ID, msg, sig []byte) bool {
	h := sha256.New()
	h.Write(id[:])
	h.Write(sig)
	h.Write(msg)
	var key [32]byte
	h.Sum(key[:0])
	good, known := v.verdict(key)
	if !known {
		good = id.Verify(msg, sig)
	}
	v.remember(key, good)
	return good
}

func (v *verified) verdict(key [32]byte) (good, known bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if good, known = v.young[key]; !known {
		good, known = v.old[key]
	}
	return good, known
}

func (v *verified) remember(key [32]byte, good bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.young == nil || len(v.young) >= maxVerified {
		v.old, v.young = v.young, make(map[[32]byte]bool, 1024)
	}
	v.young[key] = good
}

// node takes the place of node.CheckNode.
func (v *verified) node(compact []byte, trust identity.Trust, now time.Time) error {
	v.mu.Lock()
	c, ok := v.nodes[string(compact)]
	v.mu.Unlock()
	if !ok {
		der, err := identity.ExpandNode(compact)
		if err == nil {
			c, err = trust.CheckNode([][]byte{der}, now)
		}
		if err != nil {
			return err
		}
		v.mu.Lock()
		if v.nodes == nil {
			v.nodes = map[string]identity.NodeCertificate{}
		}
		v.nodes[string(compact)] = c
		v.mu.Unlock()
	}
	if trust.Revoked.Has(c.Subject) {
		return identity.ErrRevoked
	}
	if now.After(c.NotAfter) {
		return identity.ErrExpired
	}
	return nil
}
