package node_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"peerphone/node"
	"peerphone/node/identity"
)

// taken waits until m has a revocation list.
func (m *machine) taken() {
	m.t.Helper()
	for end := time.Now().Add(patience * 5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var have uint64
		if err := m.Do(context.Background(), func(c *node.Core, _ time.Time) { have = c.RevokerCounters().Taken }); err != nil {
			m.t.Fatal(err)
		}
		if have > 0 {
			return
		}
		if time.Now().After(end) {
			m.t.Fatalf("%s has no revocation list", m.Snapshot().Self.Name)
		}
	}
}

// A phone that another of its account has revoked is believed by nobody any more:
// its sessions end, none comes up, and whoever calls the number reaches the other.
// Who was not there gets the list from its homes.
func TestARevokedPhoneIsBelievedByNobody(t *testing.T) {
	l := newLAN(t, 3)
	here, there := t.TempDir(), t.TempDir()
	open := func(dir string) *machine {
		state, err := node.OpenState(dir)
		if err != nil {
			t.Fatal(err)
		}
		return l.open("kitchen", "1001", node.Config{State: state})
	}
	attached := func(s node.Snapshot) bool { return len(s.Network.Homes) == 3 && s.Timing.Login > 0 }
	kitchen := open(here)
	kitchen.wait("attached", 5*time.Second, attached)
	key, err := os.ReadFile(filepath.Join(here, "account.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(there, "account.key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	lost := open(there)
	lost.wait("attached", 5*time.Second, attached)
	attic := l.phone("attic", "1002")
	text, err := os.ReadFile(filepath.Join(there, "device.key"))
	if err != nil {
		t.Fatal(err)
	}
	device, err := identity.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}

	if err := kitchen.RevokePhone(context.Background(), "nobody"); err == nil {
		t.Error("nobody is revoked")
	}
	err = node.ErrNotNow
	for end := time.Now().Add(time.Minute); errors.Is(err, node.ErrNotNow) && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		err = kitchen.Revoke(context.Background(), device.ID())
	}
	if err != nil {
		t.Fatal(err)
	}
	lost.wait("without a home", 10*time.Second, func(s node.Snapshot) bool { return len(s.Network.Homes) == 0 })
	for _, m := range append(l.supers, attic, kitchen) {
		m.taken()
	}
	lost.off()
	lost = open(there) // what was certified is on its disk yet
	late := l.phone("late", "1003")
	late.taken()
	kitchen.wait("attached", 5*time.Second, attached)
	if s := lost.Snapshot(); len(s.Network.Homes) > 0 {
		t.Errorf("the revoked phone has homes %v", s.Network.Homes)
	}
	// The other publishes anew what the revoked one may have published over it.
	kitchen.off()
	kitchen = open(here)
	kitchen.wait("attached", 5*time.Second, attached)
	kitchen.taken() // it has kept the list
	late.lift()
	late.dial("1001")
	kitchen.wantCall("ringing here")
	if s := lost.Snapshot(); len(s.Network.Homes) > 0 || s.Call.State == "ringing here" {
		t.Errorf("the revoked phone has homes %v, call %s", s.Network.Homes, s.Call.State)
	}
}
