package node_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"peerphone/hal/sim"
	"peerphone/node"
)

// talker starts a phone with a sound card.
func (l *lan) talker(name, number string, cfg node.Config) *machine {
	l.t.Helper()
	board, err := sim.New(sim.Config{}) // its clock is that of the sockets, so that sound has an age
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { board.Close() })
	cfg.Devices.Card = board
	m := l.open(name, number, cfg)
	m.wait("published, with its homes", 5*time.Second, func(s node.Snapshot) bool {
		return s.Timing.Login > 0 && len(s.Network.Homes) == min(3, len(l.supers))
	})
	return m
}

// relayedCall lets a call b until both talk through relays, one of them standing
// by.
func relayedCall(a, b *machine) {
	a.t.Helper()
	a.lift()
	a.wait("lifted", time.Second, func(s node.Snapshot) bool { return s.Face.Lifted })
	a.dial(b.Snapshot().Self.Number)
	b.wantCall("ringing here")
	for _, m := range []*machine{a, b} {
		m.wait("on two relays", 5*time.Second, func(s node.Snapshot) bool { return s.Call.Path == "relay" && len(s.Call.Relays) == 2 })
	}
	b.lift()
	for _, m := range []*machine{a, b} {
		m.wantCall("talking")
		m.wantSound()
	}
}

// wantSound waits for half a second of sound that was sent after now.
func (m *machine) wantSound() {
	m.t.Helper()
	before := m.Snapshot().Call.Media.Received
	m.wait("hearing the far end", 5*time.Second, func(s node.Snapshot) bool { return s.Call.Media.Received >= before+25 })
}

// A stranger's call rings and is heard, through a relay to its end: neither
// side learns the other's address. Whoever is a contact of the callee gets
// through directly, also to one who is none of its own.
func TestStranger(t *testing.T) {
	l := newLAN(t, 3)
	stranger, workshop := l.talker("stranger", "1003", node.Config{}), l.talker("workshop", "1002", node.Config{
		Contacts: []node.Contact{{Name: "kitchen", Number: "1001"}},
	})
	relayedCall(stranger, workshop)
	relayed := false
	for _, s := range l.supers {
		relayed = relayed || s.Snapshot().Network.Relay.Month.Bytes > 0
	}
	for _, m := range []*machine{stranger, workshop} {
		if s := m.Snapshot(); s.Call.Path != "relay" || !relayed {
			t.Errorf("%s talks by path %q, relayed %v, want relay", s.Self.Name, s.Call.Path, relayed)
		}
	}
	stranger.end(workshop)
	kitchen := l.phone("kitchen", "1001")
	kitchen.call(workshop)
	kitchen.end(workshop)
}

// Who always relays tells nobody its address, contact or not.
func TestAlwaysRelay(t *testing.T) {
	l := newLAN(t, 3)
	friend := []node.Contact{{Name: "friend", Number: "1001"}, {Name: "friend", Number: "1002"}}
	kitchen := l.talker("kitchen", "1001", node.Config{Contacts: friend[1:]})
	workshop := l.talker("workshop", "1002", node.Config{Contacts: friend[:1], Settings: node.Settings{AlwaysRelay: true}})
	relayedCall(kitchen, workshop)
	kitchen.end(workshop)
	relayedCall(workshop, kitchen)
	workshop.end(kitchen)
}

// The relay of a call dies without a word: the standby carries on, and another
// supernode takes its place. So it goes on as long as there are any. Where the machine
// is too busy phones take their lines for narrow ones, which have no room for new
// relays: then it is done once more.
func TestRelayDies(t *testing.T) {
	for attempt := range 4 {
		busy := false
		t.Run(fmt.Sprint(attempt+1), func(t *testing.T) { busy = !relaysDie(t) })
		if !busy {
			return
		}
	}
	t.Skip("this machine is too busy: phones take their lines for narrow ones")
}

// relaysDie reports whether the machine was quick enough to see that.
func relaysDie(t *testing.T) bool {
	l := newLAN(t, 5)
	kitchen, workshop := l.talker("kitchen", "1001", node.Config{}), l.talker("workshop", "1002", node.Config{})
	relayedCall(kitchen, workshop)
	pressed := func() bool { return kitchen.pressed() || workshop.pressed() }
	for range 2 {
		dead := workshop.Snapshot().Call.Relays[0]
		l.kill(dead)
		for _, m := range []*machine{kitchen, workshop} {
			m.wantSound()
			s := m.wait("on two relays that live", 20*time.Second, func(s node.Snapshot) bool {
				return pressed() || len(s.Call.Relays) == 2 && !slices.Contains(s.Call.Relays, dead)
			})
			if pressed() {
				return false
			}
			if s.Call.State != "talking" || s.Call.Path != "relay" {
				t.Errorf("%s is %s by path %q, want talking by relay", s.Self.Name, s.Call.State, s.Call.Path)
			}
		}
	}
	kitchen.end(workshop)
	return true
}

// pressed reports whether the phone takes its line for a narrow one.
func (m *machine) pressed() bool {
	allowed := m.Snapshot().Call.Media.AllowedUp
	return allowed > 0 && allowed < 3500
}
