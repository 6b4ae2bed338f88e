package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"peerphone/firmware/lab/natlab"
)

// perCall is how many changes one call is to survive before another is made.
const perCall = 10

// play makes calls and changes in a world until there were enough.
func (r roamCommand) play(ctx context.Context, world string, sc scene, result *roamResult, s *steps) (err error) {
	t, err := openTown(ctx, townPlan{Dir: folder(r.Dir).path(sc.name, world), Supernodes: 4}, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	roams, stays, err := sc.people(t, r.RTT/4)
	if err != nil {
		return err
	}
	if r.Trace {
		roams.traces = folder(folder(r.Dir).path(sc.name, "changes"))
	}
	if err := t.start(ctx); err != nil {
		return err
	}
	for ctx.Err() == nil && result.open() {
		begun := time.Now()
		if err := sc.call(ctx, roams, stays, result, s); err != nil {
			c, n := result.fail(err)
			s.say("lab", "%s %d: %v", sc.name, n, c)
		}
		time.Sleep(dialRest - time.Since(begun))
	}
	return nil
}

// people puts the two phones into the town.
func (s scene) people(t *town, delay time.Duration) (*roamer, *resident, error) {
	r := &roamer{}
	var err error
	if r.home, err = siteWithDelay(t, "home", s.kind, delay); err != nil {
		return nil, nil, err
	}
	if r.mobile, err = siteWithDelay(t, "mobile", natlab.Carrier, delay); err != nil {
		return nil, nil, err
	}
	away, err := siteWithDelay(t, "away", s.kind, delay)
	if err != nil {
		return nil, nil, err
	}
	host, err := r.home.Host("roams")
	if err != nil {
		return nil, nil, err
	}
	if s.second {
		if _, err := host.Attach(r.mobile); err != nil {
			return nil, nil, err
		}
	}
	r.resident = t.settle("roams", host)
	far, err := away.Host("stays")
	if err != nil {
		return nil, nil, err
	}
	return r, t.settle("stays", far), nil
}

func siteWithDelay(t *town, name string, k natlab.Kind, delay time.Duration) (*natlab.Site, error) {
	site, err := t.lab.Site(name, k)
	if err != nil {
		return nil, err
	}
	return site, site.SetDelay(delay, 0)
}

// call makes one call and some changes in it.
func (s scene) call(ctx context.Context, r *roamer, far *resident, result *roamResult, out *steps) (err error) {
	c, err := r.resident.call(ctx, far)
	if err != nil {
		return err
	}
	r.call = c
	defer func() { err = errors.Join(err, c.end(ctx)) }()
	if err := c.answer(ctx); err != nil {
		return err
	}
	for n := 0; n < perCall && result.open(); n++ {
		if err := s.ready(ctx, r); err != nil {
			if n > 0 && errors.Is(err, errOtherWay) {
				result.detour() // the call goes on; a new one is as it must be
				return nil
			}
			return err
		}
		number, wanted := result.begin()
		if !wanted {
			return nil
		}
		change, err := s.once(ctx, r)
		if err == nil {
			err = r.trace(change, number)
		}
		if err != nil {
			change = &roamChange{Problem: err.Error()}
		}
		if change.disturbed(result.LimitMS) && result.again() {
			out.say("lab", "%s once more: %v, but the machine stood still for %.0f ms", s.name, change, change.StalledMS)
			continue
		}
		out.say("lab", "%s %d of %d: %v", s.name, result.add(change), result.wanted, change)
		if change.Problem != "" {
			return nil
		}
	}
	return nil
}

// ready waits until sound comes as it must before a change, and notes which
// supernode relays.
func (s scene) ready(ctx context.Context, r *roamer) error {
	if err := r.call.talk(ctx, s.settle); err != nil {
		return err
	}
	if err := r.call.awaitWay(ctx, s.through(), sprayTime); err != nil {
		return err
	}
	if s.through() != relayWay {
		return nil
	}
	list := r.call.partyOf(r.resident).sounds()
	if r.relay = r.town.supernodeAt(list[len(list)-1].source.Addr()); r.relay == nil {
		return fmt.Errorf("sound is relayed by %v, which is no supernode", list[len(list)-1].source)
	}
	return nil
}

// once makes one change, and undoes it.
func (s scene) once(ctx context.Context, r *roamer) (*roamChange, error) {
	begun := time.Now()
	c := &roamChange{begun: begun}
	absent, err := s.change(r)
	if err != nil {
		return nil, err
	}
	if err := pause(ctx, s.hold); err != nil {
		return nil, err
	}
	back := time.Now()
	c.AbsentS = round(absent.Seconds(), 3)
	if err := s.undo(ctx, r); err != nil {
		return nil, err
	}
	if err := pause(ctx, s.settle); err != nil {
		return nil, err
	}
	for _, p := range r.call.parties() {
		list := p.sounds()
		c.BackMS = max(c.BackMS, ms(pauseWithin(list, back, time.Now())))
		d := ms(max(0, pauseWithin(list, begun, back)-absent)) // what was under way still came
		if p.resident == r.resident {
			c.HereMS = round(d, 1)
		} else {
			c.ThereMS = round(d, 1)
		}
	}
	c.StalledMS = round(ms(r.town.stalls.within(begun, back)), 1)
	c.BackMS, c.Path = round(c.BackMS, 1), r.call.lastWay().String()
	if silent := ms(s.hold - frame); c.HereMS >= silent || c.ThereMS >= silent {
		c.Problem = fmt.Sprintf("no sound for %v after the change (%.0f ms here, %.0f ms there); %s", s.hold, c.HereMS, c.ThereMS, r.shown())
	}
	return c, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// pauseWithin is the longest pause between new sounds that touches a time,
// less the usual. One that has not ended counts as if it ended then.
func pauseWithin(list []sound, from, to time.Time) time.Duration {
	inside := []sound{{at: from}}
	for _, s := range list {
		switch {
		case !s.at.After(from):
			inside[0] = s
		case s.at.Before(to):
			inside = append(inside, s)
		}
	}
	longest, _ := gap(append(inside, sound{at: to}))
	return longest
}

// traceBefore is how much of a trace precedes its change.
const traceBefore = 200 * time.Millisecond

// trace writes what happened around the n-th change.
func (r *roamer) trace(c *roamChange, n int) error {
	if r.traces == "" {
		return nil
	}
	return r.call.traceBetween(r.traces, fmt.Sprint(n), c.begun, c.begun.Add(-traceBefore), time.Now())
}

// partyOf is the end of the call that a phone is.
func (c *townCall) partyOf(r *resident) party {
	if c.from.resident == r {
		return c.from
	}
	return c.to
}

// lastLink is the interface at which sound came in last.
func (c *townCall) lastLink(r *resident) string {
	list := c.partyOf(r).sounds()
	if len(list) == 0 {
		return ""
	}
	return list[len(list)-1].link
}

// errOtherWay says that sound does not come as it must for a scene.
var errOtherWay = errors.New("sound comes")

// awaitWay waits until sound comes in by a way at both ends.
func (c *townCall) awaitWay(ctx context.Context, w soundWay, limit time.Duration) error {
	for start := time.Now(); c.lastWay() != w; {
		if time.Since(start) > limit {
			return fmt.Errorf("%w: by %v, not by %v, after %v", errOtherWay, c.lastWay(), w, limit)
		}
		if err := pause(ctx, lookEvery); err != nil {
			return err
		}
	}
	return nil
}
