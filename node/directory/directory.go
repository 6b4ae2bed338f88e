package directory

import (
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// Config is what a Client or an Index needs. Verify and Issuing are ports:
// signatures are verified, and trust is kept, outside of the cores.
type Config struct {
	Rand    io.Reader
	Network identity.Network
	// Verify reports whether sig is id's signature of msg; nil: Ed25519.
	Verify func(id identity.ID, msg, sig []byte) bool
	// Issuing returns the key that the network's root names now.
	Issuing func() identity.ID
	// CheckName verifies a name certificate at now; nil: identity.Trust.
	CheckName func(der []byte, now time.Time) (identity.NameCertificate, error)

	// Nearest returns the supernodes nearest to a key that keep what lies there, as far
	// as we can tell ourselves, ourselves included, the nearest first; only an Index
	// needs it. Nil: there are no others.
	Nearest func(key identity.IndexKey, n int) []wire.Member
	// Keepers returns a fingerprint of the Replicas nearest to a key, and which of
	// them we are, from 0; -1: none. It is asked for every record that is kept;
	// nil: it is found by Nearest.
	Keepers func(key identity.IndexKey) (print uint32, rank int)
	// Members is what the membership tells an Index beyond that; nil: nobody but
	// Nearest's is known.
	Members Members
	// Seeds returns up to n supernodes that are no homes of ours, at random, from whom
	// a Client begins a walk of its own; nil: it believes its homes.
	Seeds func(now time.Time, n int) []wire.Contact
	// Patience returns how long a home may take to show that something has reached it;
	// 0: a sign of its life is overdue. Only a Client needs it; nil: findRace.
	Patience func(now time.Time, home wire.Index) time.Duration
	// Routing is the membership where nobody knows all; nil: everybody does.
	Routing Routing

	// Revoked reports whether a key is revoked; nil: none is.
	Revoked func(id identity.ID) bool

	// Keep returns a copy of a record that an Index keeps; nil: one of its own. In a
	// simulation sixteen supernodes share one.
	Keep func(record []byte) []byte

	// Hot is how many questions in ten seconds make a key hot: then its keepers lend
	// the record to others. 0: 50; less: nothing is hot.
	Hot int

	// Limits of an Index. Zero takes the value beside it.
	MaxRecords int // 20000, about 20 MB
	MaxEntries int // of words; 20000, about 9 MB
}

// Members is the membership, as a search needs it to see whom others know.
type Members interface {
	// Knows reports whether a place is that of a supernode that is known, or was
	// until it died lately.
	Knows(p wire.Place) bool
	// Introduction returns the announcement of the supernode at a place, nil when
	// there is none.
	Introduction(p wire.Place) []byte
	// Meet takes an announcement and reports whether it is that of a supernode at p
	// that lives.
	Meet(now time.Time, p wire.Place, announcement []byte) bool
	// Fallen reports whether so many supernodes have gone in a record's life that
	// some record may have lost all its keepers.
	Fallen(now time.Time) bool
	// Unanswered tells that a supernode that should keep what we keep has left our
	// questions unanswered.
	Unanswered(now time.Time, m wire.Member)
}

// strangers is a membership of which nothing is known.
type strangers struct{}

func (strangers) Knows(wire.Place) bool                   { return true }
func (strangers) Introduction(wire.Place) []byte          { return nil }
func (strangers) Meet(time.Time, wire.Place, []byte) bool { return false }
func (strangers) Fallen(time.Time) bool                   { return false }
func (strangers) Unanswered(time.Time, wire.Member)       {}

func (cfg Config) withDefaults() Config {
	if cfg.Verify == nil {
		cfg.Verify = identity.ID.Verify
	}
	if cfg.CheckName == nil {
		cfg.CheckName = func(der []byte, now time.Time) (identity.NameCertificate, error) {
			return identity.Trust{Network: cfg.Network, Issuing: cfg.Issuing()}.CheckName(der, now)
		}
	}
	if cfg.Nearest == nil {
		cfg.Nearest = func(identity.IndexKey, int) []wire.Member { return nil }
	}
	if cfg.Revoked == nil {
		cfg.Revoked = func(identity.ID) bool { return false }
	}
	if cfg.Patience == nil {
		cfg.Patience = func(time.Time, wire.Index) time.Duration { return findRace }
	}
	if cfg.Members == nil {
		cfg.Members = strangers{}
	}
	if cfg.Routing == nil {
		cfg.Routing = everybody{}
	}
	if cfg.MaxRecords == 0 {
		cfg.MaxRecords = 20000
	}
	if cfg.Hot == 0 {
		cfg.Hot = hotFrom
	}
	if cfg.MaxEntries == 0 {
		cfg.MaxEntries = 20000
	}
	return cfg
}

// Event is one thing that a core of this package asks of node or tells it.
type Event interface{ event() }

// Send asks to send a message in a session.
type Send struct {
	Index   wire.Index
	Message wire.Message
}

// Ask asks to send a message to a supernode by a question outside of sessions
// (wire.TopicIndex). Index.Reply takes the answer, if there is one.
type Ask struct {
	To      wire.Member
	Nonce   uint64
	Message wire.Message
}

// AtWork tells that the question of a phone takes a while: that it has come may be
// acknowledged now.
type AtWork struct{ Index wire.Index }

// Mute tells that a home has not shown in time that a question has reached it: it may
// be dead.
type Mute struct{ Index wire.Index }

// Result ends a Find.
type Result struct {
	Query   QueryID
	Outcome Outcome
	Listing wire.Listing             // when Located: opened, signatures and expiry checked
	Name    identity.NameCertificate // when Located: the listing's, checked
	Elapsed time.Duration
}

// Published tells how the listing stands. Err is nil when both records are
// stored, and then Copies is the smaller number of supernodes that hold one.
// With an Err the Client tries again by itself.
type Published struct {
	Copies int
	Err    error
}

// Entered tells under how many words of the display name we lie in the index.
type Entered struct{ Words int }

// Matches tells how a search by words goes: as often as something has changed, and
// with Settled when nothing more comes by itself.
type Matches struct {
	Query   QueryID
	Settled bool
	Outcome Outcome     // when Settled: Located when somebody was found
	Found   []wire.Card // so far: those with all words, in the order of their names
	// Whole: there is nobody else, for certain.
	Whole bool
	// More: Client.More brings more.
	More bool
}

func (Entered) event()   {}
func (Matches) event()   {}
func (Send) event()      {}
func (Ask) event()       {}
func (AtWork) event()    {}
func (Mute) event()      {}
func (Result) event()    {}
func (Published) event() {}

// QueryID names a Find of this phone. 0 is none.
type QueryID uint32

//go:generate go tool stringer -type=Outcome,raceState,PresenceState,errandState,publishState,sideState,searchState,syncState,repairState,stepState,goal -output=state_string.go

// Outcome says how a Find ended.
type Outcome uint8

// The outcomes.
const (
	Located Outcome = iota + 1
	Absent          // certainly nobody has this number or name, or was here for 72 hours
	Unsure          // cannot tell: too few supernodes answered
)

// newRand returns a source of jitter seeded from r.
func newRand(r io.Reader) *rand.Rand {
	var seed [32]byte
	if _, err := io.ReadFull(r, seed[:]); err != nil {
		panic(fmt.Sprintf("directory: no randomness: %v", err))
	}
	return rand.New(rand.NewChaCha8(seed))
}

// earlier returns the earlier of two times, where zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// passed reports whether the timer t is set and due.
func passed(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }
