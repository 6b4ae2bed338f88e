package node_test

import (
	"context"
	"testing"
	"time"

	"peerphone/hal"
	"peerphone/node"
)

// A user holds a call by two stars, the other one on the page; sound flows again
// when both have taken it back.
func TestACallOnHold(t *testing.T) {
	l := newLAN(t, 3)
	kitchen := l.talker("kitchen", "1001", node.Config{Contacts: []node.Contact{{Name: "w", Number: "1002"}}})
	workshop := l.talker("workshop", "1002", node.Config{Contacts: []node.Contact{{Name: "k", Number: "1001"}}})
	kitchen.call(workshop)
	both := func(here, there string) {
		t.Helper()
		kitchen.wait(here, 5*time.Second, func(s node.Snapshot) bool { return s.Call.Hold == here })
		workshop.wait(there, 5*time.Second, func(s node.Snapshot) bool { return s.Call.Hold == there })
	}
	stars := func() {
		for range 2 {
			kitchen.keys <- hal.KeyEvent{Key: '*', Down: true}
			kitchen.keys <- hal.KeyEvent{Key: '*'}
		}
	}
	kitchen.wantSound()
	stars()
	both("held here", "held there")
	if err := workshop.Hold(context.Background(), true); err != nil {
		t.Fatal(err)
	}
	both("held at both ends", "held at both ends")
	stars()
	both("held there", "held here")
	if got := kitchen.Snapshot().Face.Lines[0]; len(got) < 10 || got[:10] != "Held there" {
		t.Errorf("the display says %q", got)
	}
	if err := workshop.Hold(context.Background(), false); err != nil {
		t.Fatal(err)
	}
	both("", "")
	kitchen.wantSound()
	workshop.wantSound()
	kitchen.end(workshop)
}
