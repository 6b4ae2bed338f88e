package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"peerphone/firmware/lab/natlab"
	"peerphone/node"
	"peerphone/node/wire"
)

// paperReturn is what happens when a firewall begins to let UDP through.
type paperReturn struct {
	AfterS float64   `json:"after_s"` // until a home was heard by UDP
	Call   paperCall `json:"call"`    // then
}

func (r paperReturn) String() string {
	return fmt.Sprintf("homes heard by UDP after %.0f s; then %v", r.AfterS, r.Call)
}

// returnLimit is more than the longest pause between two tries.
const returnLimit = 75 * time.Second

// returns opens the firewalls of a set-up and waits until the caller's homes
// are heard by UDP, in the sessions that stand; then it calls.
func (p *paperSetup) returns(ctx context.Context, length time.Duration) (r paperReturn, err error) {
	phone := p.phones[0]
	capture, err := phone.town.lab.Capture(phone.host)
	if err != nil {
		return r, err
	}
	defer capture.Close()
	for _, site := range p.sites {
		if err := site.Rehome(natlab.PortRestricted); err != nil {
			return r, err
		}
	}
	begun := time.Now()
	for !phone.town.heardByUDP(capture.Packets(), begun) {
		if time.Since(begun) > returnLimit {
			return r, errors.New("no home was heard by UDP although the firewall lets it through")
		}
		if err := pause(ctx, lookEvery); err != nil {
			return r, err
		}
	}
	r.AfterS = round(time.Since(begun).Seconds(), 1)
	for _, phone := range p.phones {
		open := func(s node.Snapshot) bool { return s.Network.NAT.Kind != "UDP blocked" }
		if err := phone.poll(ctx, "find that UDP passes", returnLimit, open); err != nil {
			return r, err
		}
	}
	r.Call, err = p.call(ctx, "UDP returns", length)
	return r, err
}

// heardByUDP reports whether a session frame of a supernode came in by UDP.
func (t *town) heardByUDP(packets []natlab.Packet, since time.Time) bool {
	for _, p := range packets {
		if !p.Out && p.Protocol == protocolUDP && p.At.After(since) && t.supernodeAt(p.Src.Addr()) != nil &&
			wire.KindOf(p.Payload()) == wire.SessionFrame {
			return true
		}
	}
	return false
}
