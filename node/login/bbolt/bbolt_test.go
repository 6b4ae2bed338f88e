package bbolt_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"peerphone/node/identity"
	"peerphone/node/login"
	"peerphone/node/login/bbolt"
	"peerphone/node/login/storetest"
)

func open(t *testing.T, path string) *bbolt.Store {
	t.Helper()
	s, err := bbolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) login.Store { return open(t, filepath.Join(t.TempDir(), "accounts.db")) })
}

func TestAccountsOutliveTheProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "accounts.db")
	s := open(t, path)
	a := login.Account{Name: "kitchen", Number: "1001", Key: identity.ID{1}}
	if err := s.Create(context.Background(), a); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := open(t, path).Account(context.Background(), "kitchen")
	if err != nil || got.Number != "1001" {
		t.Errorf("after reopening: got %+v, %v", got, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the file: got %v, %v, want 0600", info.Mode(), err)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "accounts.db")
	open(t, path)
	if _, err := bbolt.Open(path); !errors.Is(err, bbolt.ErrInUse) {
		t.Errorf("second open: got %v, want %v", err, bbolt.ErrInUse)
	}
}

func TestFileOfAnotherKindIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "accounts.db")
	if err := os.WriteFile(path, []byte("something else altogether"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bbolt.Open(path); err == nil {
		t.Error("a file that is no database was opened")
	}
}
