// Package storetest holds what every login.Store must pass, and Memory, the
// fake that passes it.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"

	"peerphone/node/identity"
	"peerphone/node/login"
)

// Run tests the stores that open returns; each must be empty.
func Run(t *testing.T, open func(t *testing.T) login.Store) {
	for _, test := range []struct {
		name string
		run  func(*storeTest)
	}{
		{"what was created is found", (*storeTest).created},
		{"name, number and key are unique", (*storeTest).unique},
		{"a refused account leaves nothing behind", (*storeTest).refusedLeavesNothing},
		{"an update changes", (*storeTest).update},
		{"a refused update changes nothing", (*storeTest).refusedUpdate},
		{"an account that is handed out is the caller's", (*storeTest).owned},
		{"of 32 writers one gets the name", (*storeTest).oneName},
		{"of 32 writers one gets the number", (*storeTest).oneNumber},
		{"of 32 writers one gets the key", (*storeTest).oneKey},
		{"no update of 32 is lost", (*storeTest).noLostUpdate},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(&storeTest{t, open(t)}) })
	}
}

const writers = 32

type storeTest struct {
	*testing.T
	store login.Store
}

// account returns the n-th account; no two have anything in common.
func account(n int) login.Account {
	return login.Account{
		Name: identity.Name(fmt.Sprintf("phone%d", n)), Number: identity.Number(fmt.Sprintf("%d", 1000+n)),
		Display: "Käthe", Key: identity.KeyFromSeed([32]byte{byte(n), byte(n >> 8), 1}).ID(),
		Password: "$argon2id$...", Created: 1_700_000_000,
		Devices: []login.DeviceSeen{{Device: identity.ID{byte(n), 2}, Seen: 1_700_000_000}},
	}
}

func (t *storeTest) create(a login.Account) {
	t.Helper()
	if err := t.store.Create(context.Background(), a); err != nil {
		t.Fatalf("create %s: %v", a.Name, err)
	}
}

func (t *storeTest) wantRefused(a login.Account, want error) {
	t.Helper()
	if err := t.store.Create(context.Background(), a); !errors.Is(err, want) {
		t.Errorf("create %s, number %s: got %v, want %v", a.Name, a.Number, err, want)
	}
}

func (t *storeTest) want(want login.Account) {
	t.Helper()
	got, err := t.store.Account(context.Background(), want.Name)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("account %s: got %+v, %v\nwant %+v", want.Name, got, err, want)
	}
}

func (t *storeTest) wantUnknown(name identity.Name) {
	t.Helper()
	if _, err := t.store.Account(context.Background(), name); !errors.Is(err, login.ErrUnknown) {
		t.Errorf("account %s: got error %v, want %v", name, err, login.ErrUnknown)
	}
}

func (t *storeTest) created() {
	t.wantUnknown("phone1")
	t.create(account(1))
	t.create(account(2))
	t.want(account(1))
	t.want(account(2))
	t.wantUnknown("phone3")
}

func (t *storeTest) unique() {
	t.create(account(1))
	name, number, key := account(2), account(2), account(2)
	name.Name, number.Number, key.Key = account(1).Name, account(1).Number, account(1).Key
	t.wantRefused(name, login.ErrNameTaken)
	t.wantRefused(number, login.ErrNumberTaken)
	t.wantRefused(key, login.ErrKey)
	t.wantRefused(account(1), login.ErrNameTaken) // the first rule that is broken
	t.want(account(1))
}

func (t *storeTest) refusedLeavesNothing() {
	t.create(account(1))
	a := account(2)
	a.Number = account(1).Number
	t.wantRefused(a, login.ErrNumberTaken)
	t.wantUnknown(a.Name)
	t.create(account(2)) // name and key are still free
}

func (t *storeTest) update() {
	t.create(account(1))
	want := account(1)
	want.Devices = append(want.Devices, login.DeviceSeen{Device: identity.ID{9}, Seen: 5})
	err := t.store.Update(context.Background(), "phone1", func(a *login.Account) error {
		a.Devices = append(a.Devices, want.Devices[1])
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	t.want(want)
	err = t.store.Update(context.Background(), "phone2", func(*login.Account) error { return nil })
	if !errors.Is(err, login.ErrUnknown) {
		t.Errorf("update of an unknown account: got %v, want %v", err, login.ErrUnknown)
	}
}

func (t *storeTest) refusedUpdate() {
	t.create(account(1))
	refusal := errors.New("no")
	err := t.store.Update(context.Background(), "phone1", func(a *login.Account) error {
		a.Display, a.Devices[0].Seen = "changed", 1
		return refusal
	})
	if !errors.Is(err, refusal) {
		t.Errorf("got %v, want the error of change", err)
	}
	t.want(account(1))
	for _, change := range []func(*login.Account){
		func(a *login.Account) { a.Name = "other" },
		func(a *login.Account) { a.Number = "9999" },
		func(a *login.Account) { a.Key[0]++ },
	} {
		err := t.store.Update(context.Background(), "phone1", func(a *login.Account) error { change(a); return nil })
		if err == nil {
			t.Error("an update changed name, number or key")
		}
		t.want(account(1))
	}
}

func (t *storeTest) owned() {
	a := account(1)
	t.create(a)
	a.Devices[0].Seen = 1
	got, err := t.store.Account(context.Background(), "phone1")
	if err != nil {
		t.Fatal(err)
	}
	got.Devices[0].Seen = 2
	t.want(account(1))
}

// contend creates one account per writer at once and wants one to succeed and
// the rest to get the error that is wanted.
func (t *storeTest) contend(of func(n int) login.Account, want error) {
	t.Helper()
	errs := make([]error, writers)
	var all sync.WaitGroup
	for n := range writers {
		all.Go(func() { errs[n] = t.store.Create(context.Background(), of(n)) })
	}
	all.Wait()
	won := -1
	for n, err := range errs {
		switch {
		case err == nil && won < 0:
			won = n
		case err == nil:
			t.Errorf("writers %d and %d both succeeded", won, n)
		case !errors.Is(err, want):
			t.Errorf("writer %d: got %v, want %v", n, err, want)
		}
	}
	if won < 0 {
		t.Fatal("no writer succeeded")
	}
	t.want(of(won))
}

func (t *storeTest) oneName() {
	t.contend(func(n int) login.Account { a := account(n); a.Name = "wanted"; return a }, login.ErrNameTaken)
}

func (t *storeTest) oneNumber() {
	t.contend(func(n int) login.Account { a := account(n); a.Number = "5555"; return a }, login.ErrNumberTaken)
	found := 0
	for n := range writers {
		if _, err := t.store.Account(context.Background(), account(n).Name); err == nil {
			found++
		}
	}
	if found != 1 {
		t.Errorf("%d accounts have the number, want 1", found)
	}
}

func (t *storeTest) oneKey() {
	t.contend(func(n int) login.Account { a := account(n); a.Key = identity.ID{7}; return a }, login.ErrKey)
}

func (t *storeTest) noLostUpdate() {
	t.create(account(1))
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			err := t.store.Update(context.Background(), "phone1", func(a *login.Account) error { a.Created++; return nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	want := account(1)
	want.Created += writers
	t.want(want)
}
