package handset

import (
	"time"

	"peerphone/hal"
	"peerphone/node/identity"
)

// Config is what a handset needs from the start.
type Config struct {
	Columns, Lines int // of the screen; 0: 16 by 2; at most 20 by 4
}

const (
	// interDigit is the pause that ends a number.
	interDigit = 4 * time.Second
	// secondStar is how soon a second '*' follows the first when both together are
	// to hold the call.
	secondStar = 600 * time.Millisecond
	// showTyped is how long digits typed on the hook are shown.
	showTyped = 10 * time.Second
	// howlAfter is how long a receiver may lie beside the phone.
	howlAfter = 60 * time.Second
	// howlFor bounds the howler: nobody is in the room.
	howlFor = 60 * time.Second
	// maxDigits and minDigits are the bounds of identity.Number.
	minDigits = 4
	maxDigits = 10
	// maxMissed bounds the count of missed calls: what fits the screen.
	maxMissed = 99
)

// Handset is a telephone's keys, hook, tones, lamps and display.
type Handset struct {
	// Constant after construction.
	columns, rows int

	state  state
	digits string // typed since the receiver was lifted; on the hook: shown only
	last   string // number that '#' dials again
	chosen choice // on the hook
	call   CallView
	line   LineView
	notice notice // in finished
	missed missed
	// deadline ends collecting, dialling, finished and howling, and the digits
	// shown on the hook; set on entering and by each key, cleared on leaving.
	deadline time.Time
	// star is when '*' was pressed in a conversation; cleared by the next key.
	star time.Time
	// tick is when the display of a conversation changes next.
	tick time.Time

	face face // as last told
	out  []Event
}

// missed are the calls that nobody answered since the receiver was last lifted.
type missed struct {
	count int
	from  string // of the last one
}

// New returns a handset with the receiver on the hook.
func New(cfg Config) *Handset {
	h := &Handset{columns: cfg.Columns, rows: cfg.Lines}
	if h.columns <= 0 {
		h.columns = 16
	}
	if h.rows <= 0 {
		h.rows = 2
	}
	h.columns, h.rows = min(h.columns, maxColumns), min(h.rows, maxRows)
	h.face = h.draw(time.Time{})
	return h
}

// Take returns what is wanted, oldest first, and empties the outbox.
func (h *Handset) Take() []Event {
	out := h.out
	h.out = nil
	return out
}

// Next returns when Advance wants to be called; zero: never.
func (h *Handset) Next() time.Time {
	if h.deadline.IsZero() || !h.tick.IsZero() && h.tick.Before(h.deadline) {
		return h.tick
	}
	return h.deadline
}

// Advance fires what is due.
func (h *Handset) Advance(now time.Time) {
	if !h.deadline.IsZero() && !h.deadline.After(now) {
		h.deadline = time.Time{}
		h.timeout(now)
	}
	h.refresh(now)
}

func (h *Handset) emit(e Event) { h.out = append(h.out, e) }

// enter changes the state; wait is how long it may last, 0 for ever.
func (h *Handset) enter(now time.Time, to state, wait time.Duration) {
	h.state = to
	h.wait(now, wait)
}

func (h *Handset) wait(now time.Time, d time.Duration) {
	h.deadline = time.Time{}
	if d > 0 {
		h.deadline = now.Add(d)
	}
}

func (h *Handset) timeout(now time.Time) {
	switch h.state {
	case onHook, alerting:
		h.digits, h.chosen = "", choice{}
	case collecting:
		h.send(now)
	case dialling, finished:
		h.enter(now, howling, howlFor)
	case howling:
		h.enter(now, parked, 0)
	}
}

// Hook takes the receiver: lifted or put back. Telling what is known already
// does nothing.
func (h *Handset) Hook(now time.Time, lifted bool) {
	switch {
	case lifted == h.state.lifted():
		return
	case !lifted:
		h.putBack(now)
	case h.state == alerting:
		h.digits = ""
		h.emit(Answer{})
		h.enter(now, answering, 0)
	case h.chosen.dialled != "":
		h.missed = missed{}
		h.sendChosen(now)
	default:
		h.missed = missed{}
		h.openLine(now)
	}
	h.refresh(now)
}

func (h *Handset) putBack(now time.Time) {
	if h.call.Phase.live() || h.state == calling || h.state == answering {
		h.emit(HangUp{})
	}
	h.digits, h.notice = "", notice{}
	h.enter(now, onHook, 0)
}

// openLine waits for a number.
func (h *Handset) openLine(now time.Time) {
	h.digits, h.notice = "", notice{}
	h.enter(now, dialling, howlAfter)
}

// Key takes a key that was pressed.
func (h *Handset) Key(now time.Time, k hal.Key) {
	if !k.Valid() {
		return
	}
	switch h.state {
	case onHook:
		h.typed(now, k)
	case dialling:
		h.firstKey(now, k)
	case collecting:
		h.nextKey(now, k)
	case talking:
		h.spoken(now, k)
	}
	h.refresh(now)
}

// spoken sends a key to the far telephone, or holds the call: '*' twice. The
// first one has been sent by then.
func (h *Handset) spoken(now time.Time, k hal.Key) {
	second := k == '*' && !h.star.IsZero() && now.Sub(h.star) <= secondStar
	h.star = time.Time{}
	switch {
	case second:
		h.emit(Hold{})
		return
	case k == '*':
		h.star = now
	}
	h.emit(Digit{k})
}

// typed shows digits although nobody listens to them.
func (h *Handset) typed(now time.Time, k hal.Key) {
	h.chosen = choice{}
	switch {
	case k == '#' || k == '*':
		h.digits = ""
		h.missed = missed{}
	case len(h.digits) < maxDigits:
		h.digits += k.String()
	}
	h.wait(now, showTyped)
}

// firstKey begins a number or dials the last one again. '*' is kept for feature
// codes.
func (h *Handset) firstKey(now time.Time, k hal.Key) {
	switch {
	case k == '*' || k == '#' && h.last == "":
		h.wait(now, howlAfter)
	case k == '#':
		h.digits = h.last
		h.send(now)
	default:
		h.digits = k.String()
		h.enter(now, collecting, interDigit)
	}
}

// nextKey goes on with a number, clears it or sends it.
func (h *Handset) nextKey(now time.Time, k hal.Key) {
	switch k {
	case '*':
		h.openLine(now)
	case '#':
		h.send(now)
	default:
		h.digits += k.String()
		h.wait(now, interDigit)
		if len(h.digits) > maxDigits {
			h.finish(now, noticeTooLong)
		}
	}
}

// send dials what was typed.
func (h *Handset) send(now time.Time) {
	switch _, err := identity.ParseNumber(h.digits); {
	case isEmergency(h.digits):
		h.finish(now, noticeEmergency)
	case err != nil:
		h.finish(now, noticeTooShort)
	default:
		h.last = h.digits
		h.call = CallView{} // of the call before
		h.emit(Dial{h.digits})
		h.enter(now, calling, 0)
	}
}

// finish sounds why there is no call, until the receiver is put back.
func (h *Handset) finish(now time.Time, n notice) {
	h.notice = n
	h.enter(now, finished, howlAfter)
}

// Line takes a change of the line.
func (h *Handset) Line(now time.Time, v LineView) {
	v.State = min(v.State, Trouble)
	h.line = v
	h.refresh(now)
}

// refresh tells when the face has changed.
func (h *Handset) refresh(now time.Time) {
	h.setTick(now)
	if f := h.draw(now); f != h.face {
		h.face = f
		h.emit(FaceChanged{})
	}
}

// setTick finds the next full second of a conversation.
func (h *Handset) setTick(now time.Time) {
	h.tick = time.Time{}
	if h.state == talking {
		h.tick = now.Add(time.Second - now.Sub(h.call.Since)%time.Second)
	}
}
