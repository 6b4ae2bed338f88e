package main

import (
	"context"
	"fmt"
	"time"

	"peerphone/hal"
	"peerphone/node"
)

// talk is the call of the demo: the script that both phones follow, and what
// was seen of it.
type talk struct {
	steps             *steps
	kitchen, workshop *phone
	number            string // of the workshop
	length            time.Duration

	from, to hal.Instant      // both talked
	seen     [2]node.Snapshot // of kitchen and workshop, just before the end
	verified bool
}

// States of a phone, as its page tells them.

func lifted(s node.Snapshot) bool  { return s.Face.Lifted && s.Face.Tone == "dial" }
func dialled(s node.Snapshot) bool { return s.Face.Tone == "ringback" }
func rings(s node.Snapshot) bool   { return s.Face.Ringing }
func talks(s node.Snapshot) bool   { return s.Call.State == "talking" }
func direct(s node.Snapshot) bool  { return s.Call.Path == "direct" }
func hungUp(s node.Snapshot) bool  { return s.Face.Tone == "busy" }
func idle(s node.Snapshot) bool {
	return !s.Face.Lifted && !s.Face.Ringing && s.Face.Tone == "silent" && (s.Call.State == "ended" || s.Call.State == "idle")
}

// run makes the call.
func (t *talk) run(ctx context.Context) error {
	for _, part := range []func(context.Context) error{t.dial, t.answer, t.speak, t.hangUp} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (t *talk) dial(ctx context.Context) error {
	if err := t.kitchen.lift(ctx); err != nil {
		return err
	}
	if err := t.kitchen.await(ctx, "give a dial tone", lifted); err != nil {
		return err
	}
	t.steps.say(kitchen, "lifts the receiver, hears the dial tone")
	if err := t.kitchen.press(ctx, t.number+"#"); err != nil {
		return err
	}
	t.steps.say(kitchen, "dials %s#", t.number)
	if err := t.workshop.await(ctx, "ring", rings); err != nil {
		return fmt.Errorf("%w; and the kitchen: %s", err, t.kitchenShows())
	}
	s, err := t.workshop.now(ctx)
	if err != nil {
		return err
	}
	t.steps.say(workshop, "rings; its display says %q", s.Face.Lines)
	if err := t.kitchen.await(ctx, "hear the ringback tone", dialled); err != nil {
		return err
	}
	t.steps.say(kitchen, "hears the ringback tone")
	return nil
}

func (t *talk) kitchenShows() string {
	s, _, _ := t.kitchen.look()
	return shows(s)
}

func (t *talk) answer(ctx context.Context) error {
	if err := t.workshop.lift(ctx); err != nil {
		return err
	}
	t.steps.say(workshop, "lifts the receiver")
	for _, p := range []*phone{t.kitchen, t.workshop} {
		if err := p.await(ctx, "talk", talks); err != nil {
			return err
		}
	}
	t.from = hal.Now()
	t.steps.say("both", "talk")
	return nil
}

// speak lets both talk for a while, and looks at them before the end.
func (t *talk) speak(ctx context.Context) error {
	soon, cancel := context.WithTimeout(ctx, t.length/2)
	defer cancel()
	if err := t.kitchen.await(soon, "find a direct path", direct); err != nil {
		t.steps.say("both", "still talk through a supernode")
	} else {
		t.steps.say("both", "talk directly, no longer through a supernode")
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(t.length - hal.Now().Sub(t.from)):
	}
	t.to = hal.Now()
	for i, p := range []*phone{t.kitchen, t.workshop} {
		s, err := p.now(ctx)
		if err != nil {
			return err
		}
		if !talks(s) {
			return fmt.Errorf("the %s no longer talks: %s", p.name, shows(s))
		}
		t.seen[i] = s
	}
	a, b := t.seen[0].Call.Safety, t.seen[1].Call.Safety
	t.verified = a != "" && a == b
	if t.verified {
		t.steps.say("both", "show the safety number %s", a)
	} else {
		t.steps.say("both", "show different safety numbers: the kitchen %q, the workshop %q", a, b)
	}
	return nil
}

func (t *talk) hangUp(ctx context.Context) error {
	if err := t.kitchen.putBack(ctx); err != nil {
		return err
	}
	t.steps.say(kitchen, "puts the receiver back")
	if err := t.workshop.await(ctx, "notice that the kitchen hung up", hungUp); err != nil {
		return err
	}
	t.steps.say(workshop, "hears the busy tone")
	if err := t.workshop.putBack(ctx); err != nil {
		return err
	}
	for _, p := range []*phone{t.kitchen, t.workshop} {
		if err := p.await(ctx, "become idle", idle); err != nil {
			return err
		}
	}
	t.steps.say("both", "are idle again")
	return nil
}
