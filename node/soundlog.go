package node

import (
	"math"
	"time"

	"peerphone/node/call"
	"peerphone/node/contacts"
	"peerphone/node/media"
)

// soundWords are what the log says of a call's sound when it is over: totals, and
// means over its seconds.
func soundWords(l *media.Leg) []any {
	s, m := l.Stats(), l.Summary()
	round := func(v float64) float64 { return math.Round(10*v) / 10 }
	return []any{
		"seconds", round(s.Seconds), "sent", s.Sent, "received", s.Received, "lost", s.Lost, "concealed_ms", 10 * s.Concealed,
		"bytes_up", s.BytesUp, "bytes_down", s.BytesDown, "mouth_ms", round(m.MouthMS), "skew_ppm", round(s.SkewPPM),
		"score", round(m.Score), "mos", round(m.MOS), "worst", round(m.Worst), "worst_at", round(m.WorstAt),
	}
}

// loggedSound is what the log of calls keeps of a call's sound; zero: nothing was
// heard.
func loggedSound(m media.Summary) contacts.Sound {
	if m.Seconds == 0 {
		return contacts.Sound{}
	}
	round := func(v float64) float64 { return math.Round(10*v) / 10 }
	return contacts.Sound{
		Score: round(m.Score), MOS: round(m.MOS), Worst: round(m.Worst), Lost: m.Lost,
		WorstAt:   time.Duration(m.WorstAt * float64(time.Second)),
		Mouth:     time.Duration(m.MouthMS * float64(time.Millisecond)).Round(time.Millisecond),
		Concealed: time.Duration(m.Concealed) * 10 * time.Millisecond,
	}
}

// Sounded says how the call that has just ended was heard; zero: it was not.
func (c *Core) Sounded(now time.Time, id call.ID, s contacts.Sound) {
	if id != c.view.logged || s == (contacts.Sound{}) {
		return
	}
	if err := c.log.Sounded(now, s); err != nil {
		c.do(Log{Debug, "sound of a call not logged", []any{"error", err}})
	}
	c.settle(now)
}

// shownCalls is how many calls a snapshot has.
const shownCalls = 50

// Heard is how one heard the other in a call, as the log has it.
type Heard = contacts.Sound

// LoggedCall is a call in the log.
type LoggedCall struct {
	Direction string    `json:"direction"` // "made", "received", "missed"
	Name      string    `json:"name,omitempty"`
	Number    string    `json:"number"`
	At        time.Time `json:"at"`      // it was dialled, or began to ring
	Seconds   float64   `json:"seconds"` // talked; 0: it was not answered
	Reason    string    `json:"reason,omitempty"`
	Sound     Heard     `json:"sound,omitzero"`
}

// loggedCalls are the last calls, the newest first. It is asked for after each
// input, and builds only what has changed.
func (c *Core) loggedCalls() []LoggedCall {
	if c.view.calls != nil {
		return c.view.calls
	}
	list := c.log.List()
	c.view.calls = []LoggedCall{}
	for i := len(list) - 1; i >= max(0, len(list)-shownCalls); i-- {
		e := list[i]
		c.view.calls = append(c.view.calls, LoggedCall{
			e.Direction.String(), string(e.Name), e.Number, e.At, e.Talked.Seconds(), e.Reason, e.Sound,
		})
	}
	return c.view.calls
}
