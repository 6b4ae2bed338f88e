package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"peerphone/firmware/lab/natlab"
)

// natRun is one call of the matrix.
type natRun struct {
	Caller    string  `json:"caller"`
	Path      string  `json:"path"`       // by which sound came in last, at the end that is worse off
	SetupMS   float64 `json:"setup_ms"`   // from the last key until the far phone rang
	AudioMS   float64 `json:"audio_ms"`   // from the answer until sound had come in at both ends
	DirectMS  float64 `json:"direct_ms"`  // from when both ends had sent to the other's address until both sent sound there; -1: sound did not come in directly
	WithinMS  float64 `json:"within_ms"`  // from ringing until sound came in directly at both ends; -1: it never did
	GapMS     float64 `json:"gap_ms"`     // longest pause between new frames, less the usual
	StalledMS float64 `json:"stalled_ms"` // in the call, in which this machine ran nothing of ours
	HeldMS    heldUp  `json:"held_ms"`    // likewise, in what AudioMS and DirectMS measure
	Problem   string  `json:"problem,omitempty"`
}

// heldUp is for how long this machine stood still in two parts of a call, in
// milliseconds.
type heldUp struct {
	Audio  float64 `json:"audio"`
	Direct float64 `json:"direct"`
}

// tripsLimit is how many round trips sound may take from the answer, and a
// direct path from when both ends know each other's addresses.
const tripsLimit = 2

// late reports whether something took longer than it may.
func (r *natRun) late(o outcome, rtt time.Duration) bool {
	limit := tripsLimit * ms(rtt)
	return rtt > 0 && (r.AudioMS > limit || o == reach && r.DirectMS > limit)
}

// disturbed reports whether what is not as it must be may be so because this
// machine stood still.
func (r *natRun) disturbed(o outcome, rtt time.Duration) bool {
	switch {
	case r.Problem != "":
		return false
	case !o.keptBy(r):
		return r.StalledMS >= stood
	}
	held := *r
	held.AudioMS -= r.HeldMS.Audio
	held.DirectMS -= r.HeldMS.Direct
	return r.late(o, rtt) && !held.late(o, rtt)
}

// How long a call is watched.
const (
	relayTime  = 3 * time.Second  // of a pair that cannot be direct
	directTime = 6 * time.Second  // until the direct path of one that must be
	sprayTime  = 20 * time.Second // likewise, when ports are to be guessed
	afterwards = time.Second      // what is heard of the path that was found, if nothing else is asked for
	lastWords  = 8 * time.Second  // until phones that have hung up send each other nothing any more
	lookEvery  = 100 * time.Millisecond
	latest     = 15 // sounds by which the path is told
)

// patience is how long the direct path is waited for.
func (o outcome) patience() time.Duration {
	switch o {
	case reach:
		return directTime
	case mostlyReach:
		return sprayTime
	}
	return relayTime
}

// strangers has the sites of two phones forget each other.
func strangers(a, b place) error {
	var err error
	for _, way := range [][2]place{{a, b}, {b, a}} {
		err = errors.Join(err, way[0].site.Forget(way[1].outside()...))
	}
	return err
}

// outside are the addresses by which others know the phone.
func (r *resident) outside() (list []netip.Addr) {
	for _, u := range r.host.Uplinks() {
		for _, a := range []netip.Addr{u.Site().Outside(), u.Addr4(), u.Addr6()} {
			if a.IsValid() {
				list = append(list, a)
			}
		}
	}
	return list
}

// once makes one call, in which both talk for a while when the path is found, and
// measures it.
func (p natPair) once(ctx context.Context, from, to place, talk time.Duration, traces folder) natRun {
	r := natRun{Caller: from.residence, DirectMS: -1, WithinMS: -1}
	c, err := p.converse(ctx, from, to, talk)
	if c != nil {
		r.read(c)
	}
	if c != nil && traces != "" {
		name := fmt.Sprintf("%s-to-%s-%s", from.residence, to.residence, time.Now().Format("150405.000"))
		err = errors.Join(err, c.trace(traces, name))
	}
	switch {
	case err != nil:
		r.Problem = err.Error()
	case r.Path == noWay.String():
		r.Problem = "no sound came in at one end"
	}
	return r
}

// converse has two phones talk until they do so directly, or it takes too long.
func (p natPair) converse(ctx context.Context, from, to place, talk time.Duration) (c *townCall, err error) {
	if err := strangers(from, to); err != nil {
		return nil, err
	}
	if c, err = from.call(ctx, to.resident); err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, c.end(ctx)) }()
	if err := c.answer(ctx); err != nil {
		return c, err
	}
	if err := c.awaitDirect(ctx, p.outcome().patience()); err != nil {
		return c, err
	}
	return c, c.talk(ctx, talk)
}

// awaitDirect waits until sound comes in directly at both ends, or for so
// long.
func (c *townCall) awaitDirect(ctx context.Context, limit time.Duration) error {
	for start := time.Now(); time.Since(start) < limit && c.lastWay() != directWay; {
		if err := pause(ctx, lookEvery); err != nil {
			return err
		}
	}
	return nil
}

// lastWay is by which way sound came in last, at the end that is worse off.
func (c *townCall) lastWay() soundWay {
	worst := directWay
	for _, p := range c.parties() {
		worst = worse(worst, last(trains(p.sounds())))
	}
	return worst
}

// last is the best way by which at least half of what is due came in at the
// end; while a machine is too busy to send in time, each packet goes by several
// ways. Of longer packets, it is the way of most.
func last(list []sound) soundWay {
	if len(list) == 0 {
		return noWay
	}
	var count [streamWay + 1]int
	from := list[len(list)-1].at.Add(-latest * frame)
	for _, s := range slices.Backward(list) {
		if s.at.Before(from) {
			break
		}
		count[s.via]++
	}
	way := directWay
	for via, n := range count {
		switch {
		case n >= latest/2:
			return soundWay(via)
		case n > count[way]:
			way = soundWay(via)
		}
	}
	return way
}

// worse prefers what is farther from direct; no sound is the worst.
func worse(a, b soundWay) soundWay {
	if a == noWay || b == noWay {
		return noWay
	}
	return max(a, b)
}

// sounds are those that came in.
func (p party) sounds() []sound { return sounds(p.capture.Packets(), p.town.isPublic, leastSound) }

// first is when sound, or silence, first came in after the answer.
func (p party) first(answered, ended time.Time) (time.Time, bool) {
	s, ok := begins(between(sounds(p.capture.Packets(), p.town.isPublic, leastSilence), answered, ended))
	return s.at, ok
}

// read takes the figures from the captures.
func (r *natRun) read(c *townCall) {
	r.SetupMS = round(ms(c.rang.Sub(c.dialled)), 1)
	r.Path = c.lastWay().String()
	r.StalledMS = round(ms(c.from.town.stalls.within(c.dialled, time.Now())), 1)
	if c.answered.IsZero() || r.Path == noWay.String() {
		r.Path = noWay.String()
		return
	}
	var heard, met, sent, direct time.Time
	for i, p := range c.parties() {
		list := between(trains(p.sounds()), c.answered, c.ended)
		first, ok := p.first(c.answered, c.ended)
		if !ok || len(list) == 0 {
			r.Path = noWay.String()
			return
		}
		to := c.parties()[1-i]
		heard = later(heard, first)
		met = later(met, firstSent(p.capture.Packets(), to, c.dialled, anything))
		sent = later(sent, firstSent(p.capture.Packets(), to, c.dialled, isSound))
		direct = later(direct, firstDirect(list))
		longest, _ := gap(append(list, sound{at: c.ended})) // also of sound that has stopped
		r.GapMS = max(r.GapMS, round(ms(longest), 1))
	}
	stalled := func(from, to time.Time) float64 { return round(ms(c.from.town.stalls.within(from, to)), 1) }
	r.AudioMS, r.HeldMS.Audio = round(ms(heard.Sub(c.answered)), 1), stalled(c.answered, heard)
	if r.Path == directWay.String() {
		r.DirectMS, r.HeldMS.Direct = max(0, round(ms(sent.Sub(met)), 1)), stalled(met, sent)
		r.WithinMS = round(ms(direct.Sub(c.rang)), 1)
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// firstSent is when the first datagram of a kind went straight to the other
// phone.
func firstSent(packets []natlab.Packet, to party, from time.Time, kind func(natlab.Packet) bool) time.Time {
	theirs := to.outside()
	for _, p := range packets {
		if p.Out && p.Protocol == protocolUDP && p.At.After(from) && slices.Contains(theirs, p.Dst.Addr()) && kind(p) {
			return p.At
		}
	}
	return time.Time{}
}

func anything(natlab.Packet) bool { return true }

func isSound(p natlab.Packet) bool {
	_, relayed, ok := soundFrame(p.Payload(), p.Length-len(p.Data)+len(p.Payload()), leastSound)
	return ok && !relayed
}

// firstDirect is when sound first came in directly.
func firstDirect(list []sound) time.Time {
	for _, s := range list {
		if s.via == directWay {
			return s.at
		}
	}
	return time.Time{}
}

// String makes a line for people.
func (r natRun) String() string {
	if r.Problem != "" {
		first, _, _ := strings.Cut(r.Problem, "\n")
		return "FAILED: " + first
	}
	return fmt.Sprintf("%s, set-up %.0f ms, audio %.0f ms, direct %.0f ms, gap %.0f ms", r.Path, r.SetupMS, r.AudioMS, r.DirectMS, r.GapMS)
}
