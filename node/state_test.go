package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A state file is replaced whole, for its owner only, and nothing else is left
// in the folder.
func TestStateReplaced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s, err := OpenState(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"first", "second, longer than the first", "3"} {
		if err := s.write("x", []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := s.read("x"); err != nil || string(got) != text {
			t.Errorf("read %q, %v after writing %q", got, err, text)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("the folder holds %v, %v, want x alone", files, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "x")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v, %v, want 0600", info.Mode(), err)
	}
}

// A write that fails leaves what was there.
func TestStateKeptOnFailure(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenState(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.write("x", []byte("old")); err != nil {
		t.Fatal(err)
	}
	if err := s.write("no/such/folder", []byte("new")); err == nil || !strings.Contains(err.Error(), "node: state") {
		t.Errorf("a write into no folder gives %v", err)
	}
	if got, _ := s.read("x"); string(got) != "old" {
		t.Errorf("x is %q after another write failed", got)
	}
}

// Damaged files: a key is never replaced silently, a cache is only a cache.
func TestStateDamaged(t *testing.T) {
	s, err := OpenState(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"account.key", cacheFile} {
		if err := s.write(name, []byte("half a fi")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.key("account.key"); err == nil || !strings.Contains(err.Error(), "account.key") {
		t.Errorf("a damaged key gives %v, want an error that names the file", err)
	}
	if members, err := s.cache(); members != nil || err != nil {
		t.Errorf("a damaged host cache gives %v, %v, want an empty one", members, err)
	}
}
