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

// paperHold is a call on hold.
type paperHold struct {
	KeepAlives float64 `json:"keep_alives_per_second"` // that the caller sent: packets of sound without sound
	Back       bool    `json:"back"`                   // sound came in at both ends afterwards
	UpBytes    float64 `json:"up_bytes_per_second"`    // all that the caller sent
	DownBytes  float64 `json:"down_bytes_per_second"`  // all that it received
}

func (h paperHold) String() string {
	return fmt.Sprintf("on hold %.1f keep-alive packets a second, %.0f B/s up and %.0f down in all", h.KeepAlives, h.UpBytes, h.DownBytes)
}

// Times of a call on hold: for how long both talk before and afterwards, what
// its beginning is given, and for how long it is watched.
const (
	holdTalk  = 2 * time.Second
	holdRest  = time.Second
	holdWatch = 6 * time.Second
	holdKeys  = "**"
)

// aRest is a session frame with a packet of sound without sound, and its report;
// inTLS what a frame takes more in a stream, below TCP: its length, and a record
// of TLS 1.3 with its type and tag.
const (
	aRest = wire.SessionHeader + wire.Tag + wire.MediaHeader + wire.ReportSize
	inTLS = 2 + 5 + 1 + 16
)

// measureHold lets the first phone call the second and hold the call, by its
// keys.
func measureHold(ctx context.Context, phones [2]*resident) (r paperHold, err error) {
	c, err := phones[0].call(ctx, phones[1])
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, c.end(ctx)) }()
	if err := errors.Join(c.answer(ctx), c.talk(ctx, holdTalk)); err != nil {
		return r, err
	}
	if err := c.hold(ctx, func(s node.Snapshot) bool { return s.Call.Hold != "" }); err != nil {
		return r, err
	}
	if err := pause(ctx, holdRest); err != nil {
		return r, err
	}
	from := time.Now()
	if err := c.talk(ctx, holdWatch); err != nil {
		return r, err
	}
	to := time.Now()
	r.read(c.from.capture.Packets(), from, to)
	if err := c.hold(ctx, func(s node.Snapshot) bool { return s.Call.Hold == "" }); err != nil {
		return r, err
	}
	back := time.Now()
	err = c.talk(ctx, holdTalk)
	r.Back = true
	for _, p := range c.parties() {
		r.Back = r.Back && len(between(trains(p.sounds()), back, time.Now())) > 0
	}
	if err == nil && !r.Back {
		err = errors.New("no sound came in after the call was taken back")
	}
	return r, err
}

// hold presses the keys and waits until both phones say so.
func (c *townCall) hold(ctx context.Context, good func(node.Snapshot) bool) error {
	if err := c.from.press(ctx, holdKeys); err != nil {
		return err
	}
	for _, p := range c.parties() {
		if err := p.await(ctx, "follow the hold", good); err != nil {
			return err
		}
	}
	return nil
}

// read takes the figures from the caller's capture.
func (r *paperHold) read(packets []natlab.Packet, from, to time.Time) {
	rests := 0
	for _, p := range packets {
		if p.Out && !p.At.Before(from) && !p.At.After(to) && isRest(p) {
			rests++
		}
	}
	up, down := rates(packets, from, to)
	r.KeepAlives = round(float64(rests)/to.Sub(from).Seconds(), 1)
	r.UpBytes, r.DownBytes = 1000*up, 1000*down
}

// isRest tells a packet of sound without sound by its length, directly and by a
// relay.
func isRest(p natlab.Packet) bool {
	size := p.Length - len(p.Data) + len(p.Payload())
	if p.Protocol == protocolTCP {
		size -= inTLS
	}
	return size == aRest || size == aRest+relayHeader
}
