package login

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// RevocationStore keeps the network's revocation list, as identity.Revocations.Sign
// writes it. Its methods are called one at a time.
type RevocationStore interface {
	// Read returns what was written last, nothing before.
	Read() ([]byte, error)
	// Write replaces it; when it returns the list is on disk.
	Write(list []byte) error
}

// revocations are the list that the server hands out.
type revocations struct {
	mu     sync.Mutex
	store  RevocationStore      // nil: in memory only
	list   identity.Revocations // guarded by mu
	signed []byte               // guarded by mu; nothing when nothing is revoked
}

// open reads the list. One that a key before ours has signed is signed anew: phones
// that have not heard of our key yet have it by the other's signature.
func (r *revocations) open(issuing identity.Key, now time.Time, former []identity.ID) error {
	if r.store == nil {
		return nil
	}
	b, err := r.store.Read()
	if err != nil || len(b) == 0 {
		return err
	}
	if r.list, err = identity.ParseRevocations(b, issuing.ID()); err == nil {
		r.signed = b
		return nil
	}
	if r.list, err = identity.ParseRevocations(b, former...); err != nil {
		return fmt.Errorf("login: %w", err)
	}
	return r.add(issuing, now, nil)
}

func (r *revocations) get() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.signed
}

// add puts more keys on the list, signs it and keeps it.
func (r *revocations) add(issuing identity.Key, now time.Time, more []identity.Revocation) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := r.list.With(now, more...)
	signed := next.Sign(issuing)
	if r.store != nil {
		if err := r.store.Write(signed); err != nil {
			return err
		}
	}
	r.list, r.signed = next, signed
	return nil
}

// maxRevokedDevices bounds the devices that an account has revoked and the server
// remembers; beyond it the account has to be closed.
const maxRevokedDevices = 64

// revoke takes the request of one phone of an account that another be believed no
// more.
func (s *Server) revoke(ctx context.Context, a asker, m wire.Revoke) (Account, error) {
	account, err := s.renew(ctx, a, wire.Renew{Name: m.Name, Wish: m.Wish})
	if err != nil {
		return Account{}, err
	}
	if m.Device == a.device {
		return Account{}, malformed("a phone does not revoke itself")
	}
	var gone DeviceSeen
	err = s.cfg.Store.Update(ctx, m.Name, func(at *Account) error {
		gone, err = at.expel(m.Device)
		account = *at
		return err
	})
	if err != nil {
		return Account{}, err
	}
	s.cfg.Log.Info("login: revoked", "account", string(m.Name), "device", m.Device.String())
	return account, s.revoked.add(s.cfg.Issuing, a.now, gone.revocations(a.now))
}

// RevokeAccount closes an account: neither it nor any of its phones is believed any
// more, and its name and number stay taken.
func (s *Server) RevokeAccount(ctx context.Context, name identity.Name) error {
	now := s.cfg.Clock()
	var account Account
	err := s.cfg.Store.Update(ctx, name, func(at *Account) error {
		at.Closed = true
		account = *at
		return nil
	})
	if err != nil {
		return err
	}
	more := []identity.Revocation{identity.Revoke(account.Key, now.Add(identity.NameValidity))}
	for _, d := range account.Devices {
		more = append(more, d.revocations(now)...)
	}
	return s.revoked.add(s.cfg.Issuing, now, more)
}

// revocations are those of all that was certified for a device.
func (d DeviceSeen) revocations(now time.Time) []identity.Revocation {
	list := []identity.Revocation{identity.Revoke(d.Device, now.Add(identity.DeviceValidity))}
	for _, node := range d.Nodes {
		list = append(list, identity.Revoke(node, now.Add(2*identity.Epoch+identity.NodeOverlap)))
	}
	return list
}

// expel takes a device from the account, for good.
func (a *Account) expel(device identity.ID) (DeviceSeen, error) {
	gone := DeviceSeen{Device: device}
	if i := slices.IndexFunc(a.Devices, func(d DeviceSeen) bool { return d.Device == device }); i >= 0 {
		gone = a.Devices[i]
		a.Devices = slices.Delete(slices.Clone(a.Devices), i, i+1)
	}
	if slices.Contains(a.Revoked, device) {
		return gone, nil
	}
	if len(a.Revoked) >= maxRevokedDevices {
		return gone, malformed("the account has revoked %d phones; ask the operator to close it", maxRevokedDevices)
	}
	a.Revoked = append(slices.Clone(a.Revoked), device)
	return gone, nil
}

// believed refuses a device, or an account, that has been revoked.
func (a Account) believed(device identity.ID) error {
	if a.Closed || slices.Contains(a.Revoked, device) {
		return ErrRevoked
	}
	return nil
}
