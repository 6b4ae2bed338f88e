package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"

	"peerphone/node/identity"
	"peerphone/node/login"
)

// Memory is a login.Store that forgets everything. Its zero value is empty.
type Memory struct {
	mu       sync.Mutex
	accounts []login.Account // guarded by mu
}

// Account returns the account of name, or login.ErrUnknown.
func (m *Memory) Account(_ context.Context, name identity.Name) (login.Account, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.findLocked(name)
	if i < 0 {
		return login.Account{}, login.ErrUnknown
	}
	return clone(m.accounts[i]), nil
}

func (m *Memory) findLocked(name identity.Name) int {
	return slices.IndexFunc(m.accounts, func(a login.Account) bool { return a.Name == name })
}

func clone(a login.Account) login.Account {
	a.Devices = slices.Clone(a.Devices)
	return a
}

// Create adds a unless its name, number or key is taken.
func (m *Memory) Create(_ context.Context, a login.Account) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, rule := range []struct {
		same func(login.Account) bool
		err  error
	}{
		{func(b login.Account) bool { return b.Name == a.Name }, login.ErrNameTaken},
		{func(b login.Account) bool { return b.Number == a.Number }, login.ErrNumberTaken},
		{func(b login.Account) bool { return b.Key == a.Key }, login.ErrKey},
	} {
		if slices.ContainsFunc(m.accounts, rule.same) {
			return rule.err
		}
	}
	m.accounts = append(m.accounts, clone(a))
	return nil
}

// Update changes the account of name.
func (m *Memory) Update(_ context.Context, name identity.Name, change func(*login.Account) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.findLocked(name)
	if i < 0 {
		return login.ErrUnknown
	}
	before, a := m.accounts[i], clone(m.accounts[i])
	if err := change(&a); err != nil {
		return err
	}
	if a.Name != before.Name || a.Number != before.Number || a.Key != before.Key {
		return errors.New("storetest: an update may not change name, number or key")
	}
	m.accounts[i] = a
	return nil
}
