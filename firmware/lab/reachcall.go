package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"peerphone/firmware/lab/natlab"
	"peerphone/node"
)

// townCall is one call of a town, with what both hosts' interfaces saw of it.
type townCall struct {
	from, to party

	// Times by the lab's clock, which is that of the captures.
	dialled  time.Time // the last key was pressed
	rang     time.Time // the far phone was seen ringing; looked at every pollEvery
	answered time.Time // its receiver was lifted
	ended    time.Time // the caller put its receiver back; before that, both talked
}

// party is one end.
type party struct {
	*resident
	capture *natlab.Capture
}

func (c *townCall) parties() []party { return []party{c.from, c.to} }

// How long the steps of a call may take.
const (
	pollEvery = 4 * time.Millisecond
	ringTime  = 15 * time.Second
	talkTime  = 15 * time.Second
)

// call lifts the receiver, dials, and waits until the other phone rings. When
// it fails both receivers are on their hooks again; what was seen is returned
// besides the error, unless there was nothing to see.
func (r *resident) call(ctx context.Context, to *resident) (*townCall, error) {
	if err := errors.Join(r.problem, to.problem); err != nil {
		return nil, err
	}
	c := &townCall{from: party{resident: r}, to: party{resident: to}}
	if err := c.ring(ctx); err != nil {
		return c, errors.Join(fmt.Errorf("%s calls %s: %w", r.residence, to.residence, err), c.end(ctx))
	}
	return c, nil
}

func (c *townCall) ring(ctx context.Context) (err error) {
	for _, p := range []*party{&c.from, &c.to} {
		if p.capture, err = p.town.lab.Capture(p.host); err != nil {
			return err
		}
	}
	if err := c.from.lift(ctx); err != nil {
		return err
	}
	if err := c.from.await(ctx, "give a dial tone", lifted); err != nil {
		return err
	}
	if err := c.from.press(ctx, c.to.number); err != nil {
		return err
	}
	c.dialled = time.Now()
	if err := c.from.press(ctx, "#"); err != nil {
		return err
	}
	if err := c.to.poll(ctx, "ring", ringTime, func(s node.Snapshot) bool { return rings(s) || c.refused() }); err != nil {
		return fmt.Errorf("%w; %s", err, c.from.shown())
	}
	c.rang = time.Now()
	if c.refused() {
		return errors.New(c.from.shown())
	}
	return nil
}

// refused reports whether the caller's phone has given up.
func (c *townCall) refused() bool {
	s, _, _ := c.from.look()
	return s.Call.State == "ended" && !s.Call.Since.Before(c.dialled)
}

// answer lifts the far receiver and waits until both talk.
func (c *townCall) answer(ctx context.Context) error {
	c.answered = time.Now()
	if err := c.to.lift(ctx); err != nil {
		return err
	}
	for _, p := range c.parties() {
		if err := p.await(ctx, "talk", talks); err != nil {
			return err
		}
	}
	return nil
}

// talk lets them talk. It fails when one no longer does.
func (c *townCall) talk(ctx context.Context, length time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(length):
	}
	for _, p := range c.parties() {
		s, err := p.now(ctx)
		if err != nil {
			return err
		}
		if !talks(s) {
			return fmt.Errorf("the %s no longer talks: %s", p.residence, shows(s))
		}
	}
	return nil
}

// end puts both receivers back, waits until both phones are idle, and ends the
// captures.
func (c *townCall) end(ctx context.Context) error {
	c.ended = time.Now()
	var err error
	for _, p := range c.parties() {
		err = errors.Join(err, p.putBack(ctx))
	}
	for _, p := range c.parties() {
		err = errors.Join(err, p.await(ctx, "become idle", idle))
		if p.capture != nil {
			err = errors.Join(err, p.capture.Close())
		}
	}
	return err
}

// poll looks at the phone every few milliseconds until it is as it should be:
// its events are told late when there are many.
func (r *resident) poll(ctx context.Context, what string, limit time.Duration, good func(node.Snapshot) bool) error {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		s, err := r.now(limited)
		switch {
		case err == nil && good(s):
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case limited.Err() != nil:
			return fmt.Errorf("the %s does not %s within %v: %s", r.residence, what, limit, shows(s))
		case err != nil:
			return err
		}
		<-tick.C
	}
}
