package contacts

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"peerphone/node/identity"
)

//go:generate go tool stringer -type=Direction -linecomment

// Direction says what kind of call an entry is.
type Direction uint8

// The kinds of calls.
const (
	Made     Direction = iota // made
	Received                  // received
	Missed                    // missed

	directions = iota
)

// MarshalText writes the word.
func (d Direction) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Direction) UnmarshalText(text []byte) error {
	for v := Direction(0); v < directions; v++ {
		if v.String() == string(text) {
			*d = v
			return nil
		}
	}
	return fmt.Errorf("contacts: %.20q is no kind of call", text)
}

// Entry is one call in the log.
type Entry struct {
	Direction Direction     `json:"direction"`
	Name      identity.Name `json:"name,omitempty"`
	Number    string        `json:"number"` // as dialled, or as the far phone proved it
	Account   identity.ID   `json:"account,omitzero"`
	At        time.Time     `json:"at"`                  // it was dialled, or began to ring
	Talked    time.Duration `json:"talked_ns,omitempty"` // 0: it was not answered
	Reason    string        `json:"reason,omitempty"`    // why it ended
	Sound     Sound         `json:"sound,omitzero"`      // how it was heard; zero: it was not
}

const (
	// MaxEntries bounds the log; the oldest entry makes room.
	MaxEntries = 200
	// maxField bounds the texts of an entry, in bytes.
	maxField = 64
)

// ErrBadEntry is an entry of the log that cannot be.
var ErrBadEntry = errors.New("contacts: bad entry in the log of calls")

func (e Entry) check() error {
	if e.Name != "" {
		if name, err := identity.ParseName(string(e.Name)); err != nil || name != e.Name {
			return fmt.Errorf("%w: name %.40q", ErrBadEntry, string(e.Name))
		}
	}
	switch {
	case e.Direction >= directions:
		return fmt.Errorf("%w: %v", ErrBadEntry, e.Direction)
	case !printable(e.Number, maxField) || !printable(e.Reason, maxField):
		return fmt.Errorf("%w: number or reason", ErrBadEntry)
	case e.Talked < 0 || e.Direction == Missed && e.Talked != 0:
		return fmt.Errorf("%w: talked for %v", ErrBadEntry, e.Talked)
	case e.Sound != (Sound{}) && (e.Talked == 0 || !e.Sound.check()):
		return fmt.Errorf("%w: the sound of it", ErrBadEntry)
	case e.At.Year() < 0 || e.At.Year() > 9999:
		return fmt.Errorf("%w: year %d", ErrBadEntry, e.At.Year())
	}
	return nil
}

// Log is the log of a phone's calls, the oldest first. The zero value is empty.
type Log struct {
	list []Entry
	out  []Event
}

// NewLog returns a log of list, which it checks and copies; of more than
// MaxEntries the last ones are kept.
func NewLog(list []Entry) (*Log, error) {
	for _, e := range list {
		if err := e.check(); err != nil {
			return nil, err
		}
	}
	list = list[max(0, len(list)-MaxEntries):]
	return &Log{list: slices.Clone(list)}, nil
}

// Add adds a call: ErrBadEntry.
func (l *Log) Add(_ time.Time, e Entry) error {
	if err := e.check(); err != nil {
		return err
	}
	e.At = e.At.Round(0)
	l.list = append(l.list, e)
	if over := len(l.list) - MaxEntries; over > 0 {
		l.list = slices.Delete(l.list, 0, over)
	}
	l.out = append(l.out, Changed{})
	return nil
}

// Clear forgets every call.
func (l *Log) Clear(time.Time) {
	if len(l.list) > 0 {
		l.list = nil
		l.out = append(l.out, Changed{})
	}
}

// List returns a copy of the calls, the oldest first.
func (l *Log) List() []Entry { return slices.Clone(l.list) }

// Missed counts the missed calls since since.
func (l *Log) Missed(since time.Time) int {
	n := 0
	for _, e := range l.list {
		if e.Direction == Missed && e.At.After(since) {
			n++
		}
	}
	return n
}

// Take returns what has happened, oldest first, and empties the outbox.
func (l *Log) Take() []Event {
	out := l.out
	l.out = nil
	return out
}
