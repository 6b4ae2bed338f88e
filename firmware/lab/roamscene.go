package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"peerphone/firmware/lab/natlab"
)

// scene is one kind of change of the network in mid-call, between a phone that
// roams and one that stays.
type scene struct {
	name, what string
	fixed      time.Duration // of the limit
	trips      int           // round trips, of the limit
	kind       natlab.Kind   // of both phones' sites
	second     bool          // the roaming phone has a second uplink
	hold       time.Duration // from the change until it is undone
	settle     time.Duration // from then until the next

	// change returns how long there was no network at all.
	change func(*roamer) (absent time.Duration, err error)
	undo   func(context.Context, *roamer) error
}

// silenceLimit is after how long of silence a phone sends by all ways.
const silenceLimit = 60 * time.Millisecond

// Pauses of a scene: a phone takes back an uplink that was given back, and
// finds a second supernode for the case that the first one dies.
const (
	holdTime    = 2 * time.Second
	settleTime  = 2 * time.Second
	supernodeUp = 4 * time.Second
	rebootTime  = 2 * time.Second
)

var scenes = []scene{
	{
		name: "uplink-down", what: "of two uplinks the one in use loses its carrier",
		fixed: silenceLimit, trips: 1, kind: natlab.PortRestricted, second: true, hold: holdTime, settle: settleTime,
		change: func(r *roamer) (time.Duration, error) { return 0, r.use().Pull() },
		undo:   func(_ context.Context, r *roamer) error { return r.used.Plug() },
	},
	{
		name: "uplink-hole", what: "of two uplinks the one in use swallows everything",
		fixed: silenceLimit, trips: 1, kind: natlab.PortRestricted, second: true, hold: holdTime, settle: settleTime,
		change: func(r *roamer) (time.Duration, error) { return 0, r.use().Site().SetLoss(1) },
		undo:   func(_ context.Context, r *roamer) error { return r.used.Site().SetLoss(0) },
	},
	{
		name: "address", what: "the only uplink gets another address",
		fixed: silenceLimit, trips: 2, kind: natlab.PortRestricted, hold: holdTime, settle: settleTime,
		change: func(r *roamer) (time.Duration, error) { return 0, r.use().Readdress() },
		undo:   nothing,
	},
	{
		name: "renumber", what: "the router of the only uplink gets another address",
		fixed: silenceLimit, trips: 2, kind: natlab.PortRestricted, hold: holdTime, settle: settleTime,
		change: func(r *roamer) (time.Duration, error) { return 0, r.home.Renumber() },
		undo:   nothing,
	},
	{
		name: "nat-flush", what: "the router of the only uplink forgets its mappings",
		fixed: silenceLimit, trips: 2, kind: natlab.PortRestricted, hold: holdTime, settle: settleTime,
		change: func(r *roamer) (time.Duration, error) { return 0, r.home.Flush() },
		undo:   nothing,
	},
	{
		name: "nat-flush-sym", what: "the same with a symmetric NAT at both ends, through a relay",
		fixed: silenceLimit, trips: 2, kind: natlab.Symmetric, hold: holdTime, settle: settleTime,
		change: func(r *roamer) (time.Duration, error) { return 0, r.home.Flush() },
		undo:   nothing,
	},
	{
		name: "router-reboot", what: "the only router is off for two seconds, and forgets its mappings",
		fixed: silenceLimit, trips: 2, kind: natlab.PortRestricted, hold: holdTime, settle: settleTime,
		change: (*roamer).reboot,
		undo:   nothing,
	},
	{
		name: "wifi-to-mobile", what: "the phone leaves one network and then enters another",
		fixed: silenceLimit, trips: 2, kind: natlab.PortRestricted, hold: holdTime, settle: settleTime,
		change: (*roamer).leave,
		undo:   nothing,
	},
	{
		name: "relay-killed", what: "the supernode that relays is killed; its host answers that nobody is there",
		fixed: 500 * time.Millisecond, kind: natlab.Symmetric, hold: holdTime, settle: supernodeUp,
		change: func(r *roamer) (time.Duration, error) { return 0, r.relay.kill() },
		undo:   func(ctx context.Context, r *roamer) error { return errors.Join(r.relay.start(), r.relay.ready(ctx)) },
	},
	{
		name: "relay-gone", what: "the supernode that relays is cut off",
		fixed: 500 * time.Millisecond, kind: natlab.Symmetric, hold: 3 * holdTime, settle: supernodeUp,
		change: func(r *roamer) (time.Duration, error) { return 0, r.relay.SetLoss(1) },
		undo:   func(_ context.Context, r *roamer) error { return r.relay.SetLoss(0) },
	},
}

// shortScenes need between them what all need.
var shortScenes = []string{"uplink-hole", "address", "nat-flush", "relay-killed"}

func nothing(context.Context, *roamer) error { return nil }

// limit is the longest pause that is allowed.
func (s scene) limit(rtt time.Duration) time.Duration {
	return s.fixed + time.Duration(s.trips)*rtt
}

func (s scene) limitText() string {
	if s.trips == 0 {
		return fmt.Sprint(s.fixed)
	}
	return fmt.Sprintf("%v + %d RTT", s.fixed, s.trips)
}

// through is the way by which sound must come before anything is changed.
func (s scene) through() soundWay {
	if s.kind == natlab.Symmetric {
		return relayWay
	}
	return directWay
}

// roamer is the phone that roams, and its networks.
type roamer struct {
	*resident
	home   *natlab.Site
	mobile *natlab.Site
	call   *townCall
	traces folder // of each change; "": none

	used  *natlab.Uplink // that the last change took
	relay *supernode     // that carried the sound before the change
}

// use takes the uplink by which sound came in last.
func (r *roamer) use() *natlab.Uplink {
	uplinks := r.host.Uplinks()
	r.used = uplinks[0]
	link := r.call.lastLink(r.resident)
	for _, u := range uplinks {
		if u.Name() == link {
			r.used = u
		}
	}
	return r.used
}

func (r *roamer) reboot() (absent time.Duration, err error) {
	begun := time.Now()
	if err := r.home.Pull(); err != nil {
		return 0, err
	}
	time.Sleep(rebootTime)
	err = errors.Join(r.home.Flush(), r.home.Plug())
	return time.Since(begun), err
}

// leave goes to the other network than the phone is in.
func (r *roamer) leave() (absent time.Duration, err error) {
	begun := time.Now()
	to := r.mobile
	if r.host.Uplinks()[0].Site() == r.mobile {
		to = r.home
	}
	_, err = r.host.Move(to)
	return time.Since(begun), err
}
