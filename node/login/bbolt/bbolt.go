// Package bbolt keeps the accounts of a login server in one file, in bbolt's
// B+ tree (go.etcd.io/bbolt): every change is a transaction that is on disk
// when it returns, and survives a power cut at any instant.
//
// The file has three buckets:
//
//	accounts  name   -> login.Account in CBOR
//	numbers   number -> name
//	keys      account key -> name
package bbolt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"peerphone/node/identity"
	"peerphone/node/login"
)

var (
	accounts = []byte("accounts")
	numbers  = []byte("numbers")
	keys     = []byte("keys")
)

// ErrInUse says that another process has the file open.
var ErrInUse = errors.New("bbolt: another login server has the accounts open")

// MaxAccounts is how many accounts a Store takes: 600 MB of file. A network
// that grows beyond it wants another store.
const MaxAccounts = 1_000_000

// lockWait is how long Open waits for another process, which may be ending.
const lockWait = time.Second

// Store is a login.Store. Only one process can have it open.
type Store struct{ db *bbolt.DB }

// Open opens the file at path, or makes it with mode 0600.
func Open(path string) (*Store, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait, FreelistType: bbolt.FreelistMapType})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("%w: %s", ErrInUse, path)
	}
	if err != nil {
		return nil, fmt.Errorf("bbolt: %s: %w", path, err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{accounts, numbers, keys} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bbolt: %s: %w", path, err), db.Close())
	}
	return &Store{db}, nil
}

// Close waits for what is under way and closes the file.
func (s *Store) Close() error { return s.db.Close() }

// Account returns the account of name, or login.ErrUnknown.
func (s *Store) Account(_ context.Context, name identity.Name) (login.Account, error) {
	var a login.Account
	err := s.db.View(func(tx *bbolt.Tx) (err error) {
		a, err = read(tx, name)
		return err
	})
	return a, err
}

func read(tx *bbolt.Tx, name identity.Name) (login.Account, error) {
	b := tx.Bucket(accounts).Get([]byte(name))
	if b == nil {
		return login.Account{}, login.ErrUnknown
	}
	return login.ParseAccount(b)
}

func write(tx *bbolt.Tx, a login.Account) error {
	b, err := a.Append(nil)
	if err != nil {
		return err
	}
	return tx.Bucket(accounts).Put([]byte(a.Name), b)
}

// Create adds a with its name, number and key in one transaction.
func (s *Store) Create(_ context.Context, a login.Account) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		switch {
		case tx.Bucket(accounts).Get([]byte(a.Name)) != nil:
			return login.ErrNameTaken
		case tx.Bucket(numbers).Get([]byte(a.Number)) != nil:
			return login.ErrNumberTaken
		case tx.Bucket(keys).Get(a.Key[:]) != nil:
			return login.ErrKey
		case tx.Bucket(accounts).Sequence() >= MaxAccounts:
			return login.ErrFull
		}
		return errors.Join(
			write(tx, a),
			tx.Bucket(numbers).Put([]byte(a.Number), []byte(a.Name)),
			tx.Bucket(keys).Put(a.Key[:], []byte(a.Name)),
			count(tx),
		)
	})
}

// count counts one more account in the bucket's sequence: bbolt would walk the
// whole tree to count its keys.
func count(tx *bbolt.Tx) error {
	_, err := tx.Bucket(accounts).NextSequence()
	return err
}

// Update changes the account of name in one transaction.
func (s *Store) Update(_ context.Context, name identity.Name, change func(*login.Account) error) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		a, err := read(tx, name)
		if err != nil {
			return err
		}
		before := a
		if err := change(&a); err != nil {
			return err
		}
		if a.Name != before.Name || a.Number != before.Number || a.Key != before.Key {
			return errors.New("bbolt: an update may not change name, number or key")
		}
		return write(tx, a)
	})
}
