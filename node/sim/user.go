package sim

import (
	"time"

	"peerphone/hal"
	"peerphone/node/handset"
)

// user is hands and ears: it knows the telephone only by what that shows and
// sounds. Each change of mind makes earlier intentions void.
type user struct {
	n       *Node
	mind    uint64 // the intention that counts
	lifted  bool
	caller  bool // this call is ours
	sent    time.Time
	seen    handset.Face
	retired bool // makes no more calls
}

// intend does something later, unless the user has changed its mind by then.
func (u *user) intend(after time.Duration, do func(now time.Time)) {
	u.mind++
	mind := u.mind
	u.n.after(after, func(now time.Time) {
		if u.mind == mind {
			do(now)
		}
	})
}

// mean draws a duration from an exponential distribution.
func (u *user) mean(d time.Duration) time.Duration {
	return time.Duration(u.n.draw.ExpFloat64() * float64(d))
}

// between draws a duration evenly.
func (u *user) between(a, b time.Duration) time.Duration {
	return a + time.Duration(u.n.draw.Int64N(int64(b-a)))
}

// begin waits until the others are there, too.
func (u *user) begin() { u.intend(startTime+u.mean(u.n.w.cfg.Quiet), u.callSomebody) }

// rest waits until it is time for the next call.
func (u *user) rest(time.Time) {
	if !u.retired {
		u.intend(u.mean(u.n.w.cfg.Quiet), u.callSomebody)
	}
}

func (u *user) hook(now time.Time, lifted bool) {
	u.lifted = lifted
	u.n.core.Hook(now, lifted)
	u.n.flush(now)
}

// callSomebody lifts the receiver and dials another phone.
func (u *user) callSomebody(now time.Time) {
	if u.retired {
		return
	}
	list := u.n.friends()
	if len(list) == 0 {
		return
	}
	other := list[u.n.draw.IntN(len(list))]
	u.caller = true
	u.hook(now, true)
	u.press(string(numberOf(other)) + "#")
}

// press presses keys, one each 150 ms.
func (u *user) press(keys string) {
	u.intend(150*time.Millisecond, func(now time.Time) {
		last := len(keys) == 1
		if last {
			u.sent = now
			u.n.in.report.Dialled++
			u.intend(90*time.Second, u.giveUp) // whatever happens
		} else {
			u.press(keys[1:])
		}
		u.n.core.Key(now, hal.Key(keys[0]))
		u.n.flush(now)
	})
}

// giveUp puts the receiver back.
func (u *user) giveUp(now time.Time) {
	u.caller = false
	u.hook(now, false)
	u.rest(now)
}

// see reacts to a change of the telephone's face.
func (u *user) see(now time.Time, f handset.Face) {
	before := u.seen
	u.seen = f
	switch {
	case f.Ringing && !before.Ringing:
		u.hear(now)
	case !f.Ringing && before.Ringing && !u.lifted:
		u.rest(now) // the caller gave up
	case f.Talking && !before.Talking:
		u.talk(now)
	case f.Tone != before.Tone:
		u.listen(now, f.Tone)
	}
}

// hear lets it ring a while, and mostly answers.
func (u *user) hear(time.Time) {
	if u.n.draw.Float64() < 0.1 {
		u.intend(2*time.Minute, u.rest) // not at home
		return
	}
	u.intend(u.between(time.Second, 8*time.Second), func(now time.Time) { u.hook(now, true) })
}

// talk goes on until one has had enough.
func (u *user) talk(time.Time) {
	if u.caller {
		u.n.in.report.Answered++
	}
	u.intend(10*time.Second+u.mean(time.Minute), u.giveUp)
}

// listen knows what the tones mean.
func (u *user) listen(now time.Time, t handset.Tone) {
	r := &u.n.in.report
	switch t {
	case handset.Ringback:
		r.Rang++
		r.Setup = append(r.Setup, now.Sub(u.sent))
	case handset.Busy:
		if u.caller {
			r.Busy++
		}
		u.intend(2*time.Second, u.giveUp)
	case handset.Congestion:
		if u.caller {
			r.Failed++
		}
		u.intend(2*time.Second, u.giveUp)
	}
}
