package login

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/fxamacker/cbor/v2"

	"peerphone/node/identity"
)

// Store keeps the accounts of one network. Its methods are atomic and may be
// called from many goroutines; when one returns, what it wrote is on disk.
// Package storetest holds what every Store must pass.
type Store interface {
	// Account returns the account of name, or ErrUnknown.
	Account(ctx context.Context, name identity.Name) (Account, error)
	// Create adds a. It returns ErrNameTaken, ErrNumberTaken or ErrKey (in this
	// order) when another account has its name, number or key, and ErrFull.
	Create(ctx context.Context, a Account) error
	// Update changes the account of name as change does, which may be called
	// more than once and changes neither Name, Number nor Key. It returns
	// ErrUnknown, and the error of change, which then has changed nothing.
	Update(ctx context.Context, name identity.Name, change func(*Account) error) error
}

// ErrFull says that a Store takes no more accounts.
var ErrFull = fmt.Errorf("%w: the store is full", ErrClosed)

// MaxDevices is how many phones an account may have.
const MaxDevices = 8

// Account is one account as the login server keeps it.
type Account struct {
	Name     identity.Name   `cbor:"1,keyasint"`
	Number   identity.Number `cbor:"2,keyasint"`
	Display  string          `cbor:"3,keyasint"`
	Key      identity.ID     `cbor:"4,keyasint"`           // the account key
	Password string          `cbor:"5,keyasint"`           // as Hash writes it
	Created  int64           `cbor:"6,keyasint"`           // Unix seconds
	Devices  []DeviceSeen    `cbor:"7,keyasint"`           // at most MaxDevices
	Renamed  []int64         `cbor:"8,keyasint,omitempty"` // when the display name changed lately, Unix seconds
	Revoked  []identity.ID   `cbor:"9,keyasint,omitempty"` // devices, at most maxRevokedDevices
	Closed   bool            `cbor:"10,keyasint,omitempty"`
}

// DeviceSeen is a phone of an account.
type DeviceSeen struct {
	Device identity.ID `cbor:"1,keyasint"`
	Seen   int64       `cbor:"2,keyasint"` // Unix seconds, exact to seenExact
	// Nodes are its node keys of this epoch and the next, and those before.
	Nodes []identity.ID `cbor:"3,keyasint,omitempty"` // at most maxNodes
}

// maxNodes is how many node keys of a device are remembered: those whose
// certificates may be valid.
const maxNodes = 4

// seenExact saves a write to disk for every renewal of the same day.
const seenExact = 24 * time.Hour

// deviceForgotten is how long a phone keeps its place among the devices of its
// account without renewing. Its certificates expired long before.
const deviceForgotten = 90 * 24 * time.Hour

// knows reports whether the account need not be changed for device and its node
// keys.
func (a Account) knows(device identity.ID, nodes []identity.ID, now time.Time) bool {
	for _, d := range a.Devices {
		if d.Device == device {
			return now.Sub(time.Unix(d.Seen, 0)) < seenExact && d.has(nodes)
		}
	}
	return false
}

func (d DeviceSeen) has(nodes []identity.ID) bool {
	return !slices.ContainsFunc(nodes, func(n identity.ID) bool { return !slices.Contains(d.Nodes, n) })
}

// see notes that device was here at now with node keys, in the place of one that
// has long been away when there is no other: ErrDevices when there is none at all.
func (a *Account) see(device identity.ID, nodes []identity.ID, now time.Time) error {
	oldest := 0
	for i, d := range a.Devices {
		if d.Device == device {
			a.Devices = slices.Clone(a.Devices)
			a.Devices[i] = d.seen(nodes, now)
			return nil
		}
		if d.Seen < a.Devices[oldest].Seen {
			oldest = i
		}
	}
	seen := DeviceSeen{Device: device}.seen(nodes, now)
	switch {
	case len(a.Devices) < MaxDevices:
		a.Devices = append(a.Devices, seen)
	case now.Sub(time.Unix(a.Devices[oldest].Seen, 0)) > deviceForgotten:
		a.Devices[oldest] = seen
	default:
		return ErrDevices
	}
	return nil
}

// deviceIDs returns the phones of the account.
func (a Account) deviceIDs() []identity.ID {
	var list []identity.ID
	for _, d := range a.Devices {
		list = append(list, d.Device)
	}
	return list
}

// seen returns d with what is known of it at now.
func (d DeviceSeen) seen(nodes []identity.ID, now time.Time) DeviceSeen {
	d.Seen = now.Unix()
	for _, n := range nodes {
		if !slices.Contains(d.Nodes, n) {
			d.Nodes = append(slices.Clone(d.Nodes), n)
		}
	}
	d.Nodes = d.Nodes[max(0, len(d.Nodes)-maxNodes):]
	return d
}

var accountEncoding, _ = cbor.CoreDetEncOptions().EncMode()

// Append appends a in deterministic CBOR, for stores that keep bytes.
func (a Account) Append(dst []byte) ([]byte, error) {
	b, err := accountEncoding.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("login: account: %w", err)
	}
	return append(dst, b...), nil
}

// ParseAccount reads what Append wrote.
func ParseAccount(b []byte) (Account, error) {
	var a Account
	if err := cbor.Unmarshal(b, &a); err != nil {
		return Account{}, fmt.Errorf("login: account: %w", err)
	}
	return a, nil
}
