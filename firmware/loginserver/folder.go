package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"peerphone/node/identity"
)

// The files of a network, all of mode 0600.
const (
	rootFile     = "root.key"    // PKCS #8 PEM; needed by init and params only
	issuingFile  = "issuing.key" // PKCS #8 PEM
	tlsFile      = "tls.key"     // PKCS #8 PEM
	paramsFile   = "params"      // identity.SignParams
	accountsFile = "accounts.db" // package bbolt
)

// Errors that decide the exit code.
var (
	errState = errors.New("the folder cannot be used")
	errUsage = errors.New("wrong usage")
)

// stateError says what is wrong, where, and what to do.
type stateError struct{ what, do string }

func (e stateError) Error() string        { return e.what + ". " + e.do }
func (e stateError) Is(target error) bool { return target == errState }

// folder is where a network is kept.
type folder string

func (f folder) path(file string) string { return filepath.Join(string(f), file) }

// key reads a key file.
func (f folder) key(file, do string) (identity.Key, error) {
	path := f.path(file)
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return identity.Key{}, stateError{path + " is missing", do}
	case err != nil:
		return identity.Key{}, stateError{fmt.Sprintf("%s cannot be read: %v", path, err), "Run as the user who owns it"}
	}
	k, err := identity.ParseKey(b)
	if err != nil {
		return identity.Key{}, stateError{fmt.Sprintf("%s is damaged: %v", path, err), "Restore it from a backup"}
	}
	return k, nil
}

// network is what the parameters in a folder say.
type network struct {
	id     identity.Network
	params identity.Params
	signed []byte
}

// network reads the parameters; it does not ask whether they have expired.
func (f folder) network() (network, error) {
	path := f.path(paramsFile)
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return network{}, stateError{path + " is missing", fmt.Sprintf("Make a network with \"loginserver init %s\", or restore the file from a backup", f)}
	case err != nil:
		return network{}, stateError{fmt.Sprintf("%s cannot be read: %v", path, err), "Run as the user who owns it"}
	}
	n, err := parseNetwork(b)
	if err != nil {
		return network{}, stateError{fmt.Sprintf("%s is damaged: %v", path, err), "Restore it from a backup"}
	}
	return n, nil
}

func parseNetwork(b []byte) (network, error) {
	id, err := identity.NetworkOfParams(b)
	if err != nil {
		return network{}, err
	}
	p, err := identity.ParseParams(id, b, time.Time{})
	return network{id, p, b}, err
}

// write replaces a file so that a power cut at any instant leaves the old or
// the new one: a temporary file, fsync, rename, fsync of the folder.
func (f folder) write(file string, b []byte) error {
	tmp, err := os.CreateTemp(string(f), "."+file+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", f.path(file), err)
	}
	_, err = tmp.Write(b)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), f.path(file))
	}
	if err != nil {
		os.Remove(tmp.Name())
		return fmt.Errorf("write %s: %w", f.path(file), err)
	}
	return f.sync()
}

// sync makes the names in the folder last.
func (f folder) sync() error {
	d, err := os.Open(string(f))
	if err != nil {
		return fmt.Errorf("sync %s: %w", f, err)
	}
	return errors.Join(d.Sync(), d.Close())
}
