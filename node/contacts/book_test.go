package contacts

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"peerphone/node/identity"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func account(b byte) identity.ID { return identity.ID{b, 31: b} }

var (
	kitchen  = Contact{Name: "kitchen", Number: "1001", Display: "Küche", Account: account(1)}
	workshop = Contact{Name: "workshop", Number: "1002"}
)

func newBook(t *testing.T, list ...Contact) *Book {
	t.Helper()
	b, err := New(list)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func wantError(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("error is %v, want %v", got, want)
	}
}

func wantEvents(t *testing.T, b interface{ Take() []Event }, want ...Event) {
	t.Helper()
	if got := b.Take(); !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
}

// TestPin trusts on first use and never silently again.
func TestPin(t *testing.T) {
	b := newBook(t, kitchen, workshop)
	first, other := account(2), account(3)
	changed, err := b.Pin(noon, "1002", first)
	if !changed || err != nil {
		t.Fatalf("first use: %v, %v", changed, err)
	}
	wantEvents(t, b, Changed{}, Pinned{"1002", first})
	if c, ok := b.ByAccount(first); !ok || c.Number != "1002" {
		t.Errorf("ByAccount: %v, %v", c, ok)
	}
	if changed, err := b.Pin(noon, "1002", first); changed || err != nil {
		t.Errorf("second use: %v, %v", changed, err)
	}
	changed, err = b.Pin(noon, "1002", other)
	wantError(t, err, ErrKeyChanged)
	if c, _ := b.ByNumber("1002"); changed || c.Account != first {
		t.Errorf("another key was taken silently: %v, %v", changed, c.Account)
	}
	wantEvents(t, b)

	wantError(t, b.Repin(noon, "1002", other), nil)
	wantEvents(t, b, Changed{}, Pinned{"1002", other})
	if c, _ := b.ByNumber("1002"); c.Account != other {
		t.Errorf("Repin left %v", c.Account)
	}
}

func TestPinErrors(t *testing.T) {
	b := newBook(t, kitchen, workshop)
	for _, c := range []struct {
		number  identity.Number
		account identity.ID
		want    error
	}{
		{"1002", identity.ID{}, ErrNoKey},
		{"1001", identity.ID{}, ErrNoKey},
		{"9999", account(9), ErrNoContact},
		{"1002", kitchen.Account, ErrTwice}, // one account does not hold two numbers
	} {
		changed, err := b.Pin(noon, c.number, c.account)
		wantError(t, err, c.want)
		if changed {
			t.Errorf("%s: changed with %v", c.number, err)
		}
		wantError(t, b.Repin(noon, c.number, c.account), c.want)
	}
	wantEvents(t, b)
	if got := b.List(); !slices.Equal(got, []Contact{kitchen, workshop}) {
		t.Errorf("the list is %v", got)
	}
}

func TestAddRemove(t *testing.T) {
	b := newBook(t, kitchen)
	wantError(t, b.Add(noon, workshop), nil)
	wantEvents(t, b, Changed{})
	renamed := Contact{Name: "kitchen", Number: "1001", Display: "Kitchen"}
	wantError(t, b.Add(noon, renamed), nil)
	if c, _ := b.ByNumber("1001"); c.Display != "Kitchen" || c.Account != kitchen.Account {
		t.Errorf("after Add: %+v; the key must stay", c)
	}
	foreign := kitchen
	foreign.Account = account(7)
	wantError(t, b.Add(noon, foreign), ErrKeyChanged)
	wantError(t, b.Add(noon, Contact{Number: "12"}), identity.ErrBadNumber)
	wantError(t, b.Add(noon, Contact{Number: "1005", Name: "9x"}), identity.ErrBadName)
	wantError(t, b.Add(noon, Contact{Number: "1005", Display: "a\nb"}), ErrBadDisplay)
	wantError(t, b.Add(noon, Contact{Number: "1005", Display: "\u202egnirts"}), ErrBadDisplay)
	wantError(t, b.Add(noon, Contact{Number: "1005", Display: strings.Repeat("x", MaxDisplay+1)}), ErrBadDisplay)
	b.Take()
	wantError(t, b.Remove(noon, "1002"), nil)
	wantError(t, b.Remove(noon, "1002"), ErrNoContact)
	wantEvents(t, b, Changed{})
	if got := len(b.List()); got != 1 {
		t.Errorf("%d contacts left", got)
	}
}

func TestBounds(t *testing.T) {
	var list []Contact
	for i := range MaxContacts {
		list = append(list, Contact{
			Name: identity.Name("a" + strings.Repeat("b", 31)), Number: identity.Number(fmt.Sprint(1000000000 + i)),
			Display: strings.Repeat("\"", MaxDisplay), Account: identity.ID{1, byte(i >> 8), byte(i)},
		})
	}
	b := newBook(t, list...)
	wantError(t, b.Add(noon, workshop), ErrFull)
	_, err := New(append(list, workshop))
	wantError(t, err, ErrFull)
	_, err = New([]Contact{workshop, workshop})
	wantError(t, err, ErrTwice)
	file := Append(nil, list)
	t.Logf("a full list takes %d bytes", len(file))
	if again, err := Load(file); err != nil || !slices.Equal(again, list) {
		t.Errorf("the largest list does not come back: %v", err)
	}
}

// TestListIsACopy keeps the book's memory to itself.
func TestListIsACopy(t *testing.T) {
	mine := []Contact{kitchen}
	b := newBook(t, mine...)
	mine[0].Account = account(9)
	b.List()[0].Account = account(9)
	if c, ok := b.ByNumber("1001"); !ok || c != kitchen {
		t.Errorf("the book holds %+v", c)
	}
	if _, ok := b.ByAccount(identity.ID{}); ok {
		t.Error("the zero key is somebody's")
	}
	if !reflect.ValueOf(b.Next()).IsZero() {
		t.Error("a book waits")
	}
}
