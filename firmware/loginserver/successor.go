package main

import (
	"crypto/rand"

	"peerphone/node/identity"
)

// formerFile is the issuing key before the one that counts.
const formerFile = "issuing.key.former"

// succeed makes a new issuing key, and returns the parameters that name it. The
// login server signs the revocation list anew when it starts. If the power fails
// before they are signed the two files do not fit together, and the login server
// says so: then the old key is in formerFile.
func (f folder) succeed(p identity.Params) (identity.Params, error) {
	old, err := f.key(issuingFile, "Restore it from a backup")
	if err != nil {
		return p, err
	}
	next, err := identity.NewKey(rand.Reader)
	if err != nil {
		return p, err
	}
	if err := f.write(formerFile, old.PEM()); err != nil {
		return p, err
	}
	return p.Succeed(next.ID()), f.write(issuingFile, next.PEM())
}
