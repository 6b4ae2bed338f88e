package node

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"peerphone/node/identity"
	"peerphone/node/overlay"
	"peerphone/node/path"
	"peerphone/node/session"
)

// State is the folder in which a node keeps itself: keys, certificates, port,
// host cache, contacts. Every file is replaced atomically, so that a power cut
// leaves the old or the new one.
type State struct{ dir string }

// OpenState opens the folder, and makes it when there is none.
func OpenState(dir string) (State, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return State{}, fmt.Errorf("node: state folder: %w", err)
	}
	return State{dir}, nil
}

// read returns a file's bytes, nil when there is none.
func (s State) read(name string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(s.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("node: state: %w", err)
	}
	return b, nil
}

// write replaces a file: temporary file, fsync, rename, fsync of the folder.
func (s State) write(name string, b []byte) error {
	if err := renameio.WriteFile(filepath.Join(s.dir, name), b, 0o600); err != nil {
		return fmt.Errorf("node: state: %w", err)
	}
	d, err := os.Open(s.dir)
	if err != nil {
		return fmt.Errorf("node: state: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("node: state: %w", err)
	}
	return nil
}

// key returns the key kept under name, and makes one when there is none.
func (s State) key(name string) (identity.Key, error) {
	text, err := s.read(name)
	if err != nil {
		return identity.Key{}, err
	}
	if text != nil {
		k, err := identity.ParseKey(text)
		if err != nil {
			return identity.Key{}, fmt.Errorf("%s: %w", filepath.Join(s.dir, name), err)
		}
		return k, nil
	}
	k, err := identity.NewKey(rand.Reader)
	if err != nil {
		return identity.Key{}, err
	}
	return k, s.write(name, k.PEM())
}

const (
	portFile    = "port"
	natFile     = "nat.json"
	cacheFile   = "hostcache.json"
	contactFile = "contacts.json"
	logFile     = "calls.json"
	loginFile   = "login"
	relayFile   = "relay.json"
	rosterFile  = "roster"
	ticketFile  = "tickets.json"
)

// port returns the port that was kept, 0 when there is none yet.
func (s State) port() (uint16, error) {
	b, err := s.read(portFile)
	if err != nil || len(b) != 2 {
		return 0, err
	}
	return binary.BigEndian.Uint16(b), nil
}

func (s State) keepPort(port uint16) error {
	return s.write(portFile, binary.BigEndian.AppendUint16(nil, port))
}

// nat returns what was found out about the way to the outside; a damaged word
// counts as none, for a survey takes a second.
func (s State) nat() (path.NAT, error) {
	b, err := s.read(natFile)
	if err != nil || b == nil {
		return path.NAT{}, err
	}
	var n path.NAT
	if json.Unmarshal(b, &n) != nil {
		return path.NAT{}, nil
	}
	return n, nil
}

func (s State) keepNAT(n path.NAT) error {
	b, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("node: state: %w", err)
	}
	return s.write(natFile, b)
}

// cache returns the host cache; a damaged one counts as empty, for the
// bootstrap supernodes fill it again.
func (s State) cache() ([]overlay.Kept, error) {
	b, err := s.read(cacheFile)
	if err != nil || b == nil {
		return nil, err
	}
	var members []overlay.Kept
	if json.Unmarshal(b, &members) != nil {
		return nil, nil
	}
	return members, nil
}

func (s State) keepCache(members []overlay.Kept) error {
	b, err := json.Marshal(members)
	if err != nil {
		return fmt.Errorf("node: state: %w", err)
	}
	return s.write(cacheFile, b)
}

// tickets returns what is known of sessions that may be resumed.
func (s State) tickets() (*session.Tickets, error) {
	b, err := s.read(ticketFile)
	return session.LoadTickets(b), err
}

// roster returns the membership that was kept, unless it is too old to be of use.
// The file is the time of writing in Unix seconds, eight bytes, and the roster.
func (s State) roster(now time.Time) (overlay.Roster, error) {
	b, err := s.read(rosterFile)
	if err != nil || len(b) < 8 {
		return overlay.Roster{}, err
	}
	age := now.Sub(time.Unix(int64(binary.BigEndian.Uint64(b)), 0))
	if age < -time.Minute || age > overlay.RosterLife {
		return overlay.Roster{}, nil
	}
	return overlay.ParseRoster(b[8:]), nil
}

func (s State) keepRoster(now time.Time, r overlay.Roster) error {
	return s.write(rosterFile, r.Append(binary.BigEndian.AppendUint64(nil, uint64(now.Unix()))))
}

// relayed returns what the relay carried this month; a damaged file counts as
// nothing.
func (s State) relayed() (m path.RelayMonth, err error) {
	b, err := s.read(relayFile)
	if err != nil || b == nil {
		return m, err
	}
	if json.Unmarshal(b, &m) != nil {
		return path.RelayMonth{}, nil
	}
	return m, nil
}

func (s State) keepRelay(m path.RelayMonth) error {
	b, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("node: state: %w", err)
	}
	return s.write(relayFile, b)
}
