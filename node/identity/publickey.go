package identity

import "crypto/ed25519"

// idOf returns the ID of a public key as crypto/x509 parses it.
func idOf(public any) (ID, bool) {
	k, ok := public.(ed25519.PublicKey)
	if !ok || len(k) != ed25519.PublicKeySize {
		return ID{}, false
	}
	return ID(k), true
}
