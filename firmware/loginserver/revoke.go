package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"peerphone/node/identity"
	"peerphone/node/login"
)

// revokedFile is the network's revocation list.
const revokedFile = "revoked"

// revocations keep the list in a folder.
type revocations struct{ folder }

// Read implements login.RevocationStore.
func (r revocations) Read() ([]byte, error) {
	b, err := os.ReadFile(r.path(revokedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// Write implements login.RevocationStore.
func (r revocations) Write(list []byte) error { return r.write(revokedFile, list) }

type revokeCommand struct {
	Dir  folder `arg:"" help:"Folder of the network; no login server may run on it just now."`
	Name string `arg:"" help:"Name of the account to close: its certificates are revoked, and its name and number stay taken."`
}

// Run closes an account. The phones hear of it when the login server runs again,
// from the next one that renews its certificates.
func (c revokeCommand) Run(ctx context.Context, s streams) error {
	name, err := identity.ParseName(c.Name)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	cfg, err := c.Dir.server(time.Now(), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	store, err := c.Dir.openAccounts()
	if err != nil {
		return err
	}
	defer store.Close()
	cfg.Store = store
	server, err := login.NewServer(cfg)
	if err != nil {
		return err
	}
	if err := server.RevokeAccount(ctx, name); err != nil {
		return fmt.Errorf("account %q: %w", name, err)
	}
	fmt.Fprintf(s.out, "Closed the account %q.\n", name)
	return nil
}
