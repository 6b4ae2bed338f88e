package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// folder is where a network keeps its files: one folder per process, with its
// configuration, its state and its log.
type folder string

func (f folder) path(parts ...string) string {
	return filepath.Join(append([]string{string(f)}, parts...)...)
}

// lock makes the folder and takes it for this process, so that two labs do not
// work on the same accounts.
func (f folder) lock() (unlock func(), err error) {
	if err := os.MkdirAll(string(f), 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(f.path("lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		file.Close()
		return nil, fmt.Errorf("another lab works in %s; end it first, or give another folder with --dir", f)
	}
	return func() { file.Close() }, nil
}

// write writes a file that only its owner may read, making its folder.
func (f folder) write(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(f.path(name)), 0o700); err != nil {
		return err
	}
	return os.WriteFile(f.path(name), text, 0o600)
}

// exists reports whether there is a file or folder of that name.
func (f folder) exists(name string) bool {
	_, err := os.Stat(f.path(name))
	return !errors.Is(err, fs.ErrNotExist)
}

// password writes a random password, unless there is one: an account keeps its
// own.
func (f folder) password(name string) error {
	if f.exists(name) {
		return nil
	}
	return f.write(name, []byte(strings.ToLower(rand.Text())+"\n"))
}

// writeResult writes a file that is made to be shown around.
func (f folder) writeResult(name string, content []byte) error {
	return os.WriteFile(f.path(name), content, 0o644)
}
