package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"peerphone/node"
)

// townDay is a town that lives: its start, a rest, its calls, its end.
type townDay struct {
	townCommand
	network *network
	steps   *steps
	plan    plan
	rand    *rand.Rand // of the goroutine that hands out the calls
	result  *townResult

	idle map[string]node.Counts // before the rest
	wait sync.WaitGroup

	mu     sync.Mutex
	free   chan struct{}  // has an element when a call has ended
	busy   []bool         // phones, guarded by mu
	killed time.Time      // when supernodes were; zero before; guarded by mu
	dead   []string       // short IDs of those that were, guarded by mu
	calls  []*townAttempt // guarded by mu
}

// townAttempt is a call that was tried.
type townAttempt struct {
	begun, ended time.Time
	setup        time.Duration
	direct       bool
	problem      error
}

// wave is how many processes start at the same time: each shakes hands with
// others, and a small machine has two cores.
const wave = 10

// start starts the login server, the supernodes and the phones.
func (d *townDay) start(ctx context.Context) error {
	n := d.network
	if err := n.giveAddresses(d.plan); err != nil {
		return err
	}
	if err := n.startLogin(ctx, d.plan); err != nil {
		return err
	}
	for _, group := range [][]station{d.plan.supernodes, d.plan.phones} {
		started := 0
		for some := range slices.Chunk(group, wave) {
			if err := n.startStations(ctx, d.plan, some); err != nil {
				return err
			}
			started += len(some)
			d.steps.say("lab", "%d of %d %ss are ready", started, len(group), strings.TrimRight(group[0].name, "0123456789"))
		}
	}
	return nil
}

// rest leaves the town alone and counts what it sends.
func (d *townDay) rest(ctx context.Context) (err error) {
	if d.Idle == 0 {
		return nil
	}
	d.steps.say("lab", "leaves the town alone for %v", d.Idle)
	if d.idle, err = d.counts(ctx); err != nil {
		return err
	}
	if err := pause(ctx, d.Idle); err != nil {
		return err
	}
	after, err := d.counts(ctx)
	if err != nil {
		return err
	}
	for name, c := range after {
		c.BytesIn -= d.idle[name].BytesIn
		c.BytesOut -= d.idle[name].BytesOut
		d.idle[name] = c
	}
	return nil
}

// talk tries the calls, and kills supernodes when half of them have begun.
func (d *townDay) talk(ctx context.Context) error {
	attached := -1.0
	slots := make(chan struct{}, d.Together)
	for i := range d.Calls {
		if i == d.Calls/2 && d.Kill > 0 {
			if err := d.kill(ctx, &attached); err != nil {
				return err
			}
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		from, to, err := d.pair(ctx, i%2 == 0)
		if err != nil {
			return err
		}
		d.wait.Go(func() { // owner: talk
			d.call(ctx, from, to)
			<-slots
		})
	}
	d.wait.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	d.result.AttachedS = round(attached, 1)
	d.sum()
	return nil
}

// pair takes two phones that are in no call. A contact calls the phone before
// it in the ring, which holds it as such.
func (d *townDay) pair(ctx context.Context, contact bool) (from, to int, err error) {
	for {
		d.mu.Lock()
		for range d.Phones {
			from, to = d.rand.IntN(d.Phones), d.rand.IntN(d.Phones)
			if contact {
				to = (from + d.Phones - 1) % d.Phones
			}
			if from != to && !d.busy[from] && !d.busy[to] {
				d.busy[from], d.busy[to] = true, true
				d.mu.Unlock()
				return from, to, nil
			}
		}
		d.mu.Unlock()
		select {
		case <-d.free:
		case <-time.After(lookEvery): // another pair may do
		case <-ctx.Done():
			return 0, 0, context.Cause(ctx)
		}
	}
}

// call tries one call and takes note of it.
func (d *townDay) call(ctx context.Context, from, to int) {
	a, b := d.open(ctx, from), d.open(ctx, to)
	defer a.close()
	defer b.close()
	attempt := &townAttempt{begun: time.Now()}
	attempt.problem = errors.Join(d.try(ctx, a, b, attempt), hangUp(ctx, a, b))
	attempt.ended = time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, attempt)
	d.busy[from], d.busy[to] = false, false
	select {
	case d.free <- struct{}{}:
	default:
	}
	outcome := "talked to"
	if attempt.problem != nil {
		outcome = "did not reach"
	}
	d.steps.say(a.name, "%s %s (%d of %d)", outcome, b.name, len(d.calls), d.Calls)
}

func (d *townDay) open(ctx context.Context, i int) *phone {
	l := d.network.live[phoneName(i)]
	return openPhone(ctx, l.name, l.page, http.DefaultClient)
}

// try makes a call as people do, up to its last word.
func (d *townDay) try(ctx context.Context, a, b *phone, t *townAttempt) error {
	if err := a.lift(ctx); err != nil {
		return err
	}
	if err := a.await(ctx, "give a dial tone", lifted); err != nil {
		return err
	}
	if err := a.press(ctx, d.network.live[b.name].number+"#"); err != nil {
		return err
	}
	dialled := time.Now()
	refused := func(s node.Snapshot) bool { return s.Call.State == "ended" && !s.Call.Since.Before(t.begun) }
	gaveUp := func() bool { s, _, _ := a.look(); return refused(s) }
	if err := b.await(ctx, "ring", func(s node.Snapshot) bool { return rings(s) || gaveUp() }); err != nil {
		return err
	}
	t.setup = time.Since(dialled)
	if s, _, _ := a.look(); refused(s) {
		return fmt.Errorf("the call ended before it rang: %s", s.Call.Reason)
	}
	if err := b.lift(ctx); err != nil {
		return err
	}
	for _, p := range []*phone{a, b} {
		if err := p.await(ctx, "talk", talks); err != nil {
			return err
		}
	}
	return d.converse(ctx, a, b, t)
}

// heardLevel is what speech exceeds in some second, in dBFS; the recordings
// reach -20.
const heardLevel = -40

// converse lets them talk, and looks whether both have heard somebody, and hear
// to the end.
func (d *townDay) converse(ctx context.Context, a, b *phone, t *townAttempt) error {
	if err := pause(ctx, d.Talk); err != nil {
		return err
	}
	for _, p := range []*phone{a, b} {
		before, err := p.now(ctx)
		if err != nil {
			return err
		}
		if err := pause(ctx, 2*lookEvery); err != nil {
			return err
		}
		s, err := p.now(ctx)
		switch {
		case err != nil:
			return err
		case !talks(s):
			return fmt.Errorf("the call ended by itself: %s", s.Call.Reason)
		case !heard(s):
			return errors.New("nothing was heard")
		case s.Call.Media.Received == before.Call.Media.Received && d.settled():
			return errors.New("nothing was heard at the end")
		}
		t.direct = s.Call.Path == "direct"
	}
	return nil
}

// settled reports whether no relay was killed just now: until another is in its
// place there is silence.
func (d *townDay) settled() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.killed.IsZero() || time.Since(d.killed) > time.Second
}

// heard reports whether some second of a call was louder than silence.
func heard(s node.Snapshot) bool {
	for _, x := range s.Call.History {
		if x.LevelOut > heardLevel {
			return true
		}
	}
	return s.Call.Media.LevelOut > heardLevel
}

// hangUp puts both receivers back, the caller's first.
func hangUp(ctx context.Context, a, b *phone) error {
	err := errors.Join(a.putBack(ctx), b.putBack(ctx))
	for _, p := range []*phone{a, b} {
		err = errors.Join(err, p.await(ctx, "become idle", onHook))
	}
	return err
}

func onHook(s node.Snapshot) bool {
	return !s.Face.Lifted && !s.Face.Ringing && s.Face.Tone == "silent"
}

// kill kills supernodes at once, and begins to look when every phone has a home
// that lives.
func (d *townDay) kill(ctx context.Context, attached *float64) error {
	var doomed []*live
	for _, i := range d.rand.Perm(d.Supernodes)[:int(d.Kill*float64(d.Supernodes)+0.5)] {
		doomed = append(doomed, d.network.live[d.plan.supernodes[i].name])
	}
	var dead []string
	for _, l := range doomed {
		s, err := l.now(ctx)
		if err != nil {
			return err
		}
		dead = append(dead, s.Self.Node)
	}
	at := time.Now()
	for _, l := range doomed {
		if err := unix.Kill(l.child.Pid(), unix.SIGKILL); err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	d.mu.Lock()
	d.killed, d.dead = at, dead
	d.mu.Unlock()
	d.result.Killed = len(doomed)
	d.steps.say("lab", "has killed %d of %d supernodes", len(doomed), d.Supernodes)
	for _, l := range doomed {
		<-l.child.Done()
	}
	d.wait.Go(func() { *attached = d.attached(ctx, at) }) // owner: talk
	return nil
}

// attachTime is how long phones may take to find a home that lives.
const attachTime = 2 * time.Minute

// attached returns how long after the kill every phone had a home that lived,
// in seconds; -1: some never had.
func (d *townDay) attached(ctx context.Context, killed time.Time) float64 {
	for _, p := range d.plan.phones {
		for {
			s, err := d.network.live[p.name].now(ctx)
			alive := func(home string) bool { return !slices.Contains(d.dead, home) }
			if err == nil && slices.ContainsFunc(s.Network.Homes, alive) {
				break
			}
			if time.Since(killed) > attachTime || pause(ctx, lookEvery) != nil {
				return -1
			}
		}
	}
	return time.Since(killed).Seconds()
}

// sum sorts the calls by what happened to the supernodes.
func (d *townDay) sum() {
	r := d.result
	r.Before, r.During, r.After = &townCalls{}, &townCalls{}, &townCalls{}
	for _, a := range d.calls {
		switch {
		case d.killed.IsZero() || a.ended.Before(d.killed):
			r.Before.add(a)
		case a.begun.Before(d.killed):
			r.During.add(a)
		default:
			r.After.add(a)
		}
	}
	for _, c := range []*townCalls{r.Before, r.During, r.After} {
		slices.Sort(c.setups)
		c.P50, c.P95 = quantile(c.setups, 0.5), quantile(c.setups, 0.95)
		r.Tried += c.Tried
		r.Completed += c.Completed
	}
}

func (c *townCalls) add(a *townAttempt) {
	c.Tried++
	if a.problem != nil {
		if c.Failed == nil {
			c.Failed = map[string]int{}
		}
		c.Failed[a.problem.Error()]++
		return
	}
	c.Completed++
	if a.direct {
		c.Direct++
	}
	c.setups = append(c.setups, ms(a.setup))
}
