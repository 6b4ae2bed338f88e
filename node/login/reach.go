package login

import (
	"context"

	"peerphone/node/identity"
)

// Reach reports whether the login server of inv answers and proves its key; it
// asks for nothing.
func Reach(ctx context.Context, inv identity.Invitation) error {
	conn, err := connect(ctx, inv)
	if err != nil {
		return err
	}
	return conn.Close()
}
