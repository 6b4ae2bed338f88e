package overlay

import (
	"bytes"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

const (
	// withheldAfter is how long a peer may go on showing an older revocation list than
	// it has been told of: time to ask for the longest a dozen times.
	withheldAfter = 2 * time.Minute
	// partWait is how long a peer may take for a part of its list.
	partWait = 10 * time.Second
	// A peer may ask for so many parts at once, and one more each second.
	partBurst = 2 * wire.MaxRevokedParts
	// clocksDiffer is how far ahead of ours the clock of the login server may be.
	clocksDiffer = 10 * time.Minute
)

// RevokerCounters count what a Revoker met. They only grow.
type RevokerCounters struct {
	Taken    uint64 // lists
	Forged   uint64 // lists that do not hold, or are of the future
	Bluffed  uint64 // lists that a peer has told of and not given
	Withheld uint64 // peers that went on showing an older list
	Unasked  uint64 // parts that nobody asked for
	Limited  uint64 // questions beyond the limit
}

// Revoker keeps the newest revocation list, and sees to it that all whom we have a
// session with have it: it costs a message of 12 bytes each when there is a list,
// and nothing when nothing is revoked. It is the same in a phone and a supernode. A
// peer that does not take a newer list withholds it from those whom it serves. The
// zero value is not usable.
type Revoker struct {
	cfg   RevokerConfig
	list  *identity.Revocations // nil before the first
	raw   []byte
	peers []*revokerPeer // by the age of their sessions
	fetch revokedFetch

	// wake is what Next returns while calm: it is asked with every event. Every verb
	// clears calm.
	wake time.Time
	calm bool

	out      []Event
	counters RevokerCounters
}

// RevokerConfig is constant for the life of a Revoker.
type RevokerConfig struct {
	// Signers returns the keys whose lists hold: the issuing key that the network's
	// root names now, and those before it that the root names.
	Signers func() []identity.ID
}

// revokerPeer is a session, as the Revoker sees it.
type revokerPeer struct {
	ix       wire.Index
	sequence uint64 // of the list that it shows
	// behind is by when it has to show the list that we have told it of; zero: it does.
	behind time.Time
	parts  float64 // that it may ask for
	asked  time.Time
}

// revokedFetch is a list on its way to us.
type revokedFetch struct {
	from     wire.Index // 0: none
	sequence uint64
	got      []byte
	part     uint8
	end      time.Time
}

// Revoked says that there is a newer revocation list.
type Revoked struct {
	List *identity.Revocations
	Raw  []byte // to be kept on disk
}

// Withholds says that the peer in a session goes on showing an older revocation
// list than it has been told of.
type Withholds struct{ Index wire.Index }

func (Revoked) event()   {}
func (Withholds) event() {}

// NewRevoker returns a Revoker without a list.
func NewRevoker(cfg RevokerConfig) *Revoker { return &Revoker{cfg: cfg} }

// Take returns what has been asked since the last Take, oldest first: Send, Revoked
// and Withholds.
func (r *Revoker) Take() []Event {
	out := r.out
	r.out = nil
	return out
}

// Counters returns the counters.
func (r *Revoker) Counters() RevokerCounters { return r.counters }

// List returns the newest list, nil when there is none.
func (r *Revoker) List() *identity.Revocations { return r.list }

func (r *Revoker) sequence() uint64 {
	if r.list == nil {
		return 0
	}
	return r.list.Sequence
}

func (r *Revoker) send(ix wire.Index, m wire.Message) { r.out = append(r.out, Send{ix, m}) }

// Set takes a list from the login server, from disk, or from a peer; one that is
// not newer changes nothing.
func (r *Revoker) Set(now time.Time, raw []byte) {
	r.calm = false
	list, err := identity.ParseRevocations(raw, r.cfg.Signers()...)
	if err != nil || list.Issued.After(now.Add(clocksDiffer)) {
		r.counters.Forged++
		return
	}
	if list.Sequence <= r.sequence() {
		return
	}
	r.list, r.raw = &list, bytes.Clone(raw)
	r.counters.Taken++
	r.out = append(r.out, Revoked{r.list, r.raw})
	for _, p := range r.peers {
		r.tell(now, p)
	}
}

// tell tells a peer which list we have.
func (r *Revoker) tell(now time.Time, p *revokerPeer) {
	if r.list == nil {
		return
	}
	r.send(p.ix, wire.Revoked{Sequence: r.sequence()})
	r.compare(now, p)
}

// compare sets the time by which a peer has to show the list that we have.
func (r *Revoker) compare(now time.Time, p *revokerPeer) {
	switch {
	case p.sequence >= r.sequence():
		p.behind = time.Time{}
	case p.behind.IsZero():
		p.behind = now.Add(withheldAfter)
	}
}

// Up tells of a session with a node.
func (r *Revoker) Up(now time.Time, ix wire.Index) {
	r.calm = false
	p := &revokerPeer{ix: ix, parts: partBurst, asked: now}
	r.peers = append(r.peers, p)
	r.tell(now, p)
}

// Down tells that a session has ended.
func (r *Revoker) Down(now time.Time, ix wire.Index) {
	r.calm = false
	r.peers = slices.DeleteFunc(r.peers, func(p *revokerPeer) bool { return p.ix == ix })
	if r.fetch.from == ix {
		r.fetch = revokedFetch{}
		r.seek(now)
	}
}

func (r *Revoker) peer(ix wire.Index) *revokerPeer {
	i := slices.IndexFunc(r.peers, func(p *revokerPeer) bool { return p.ix == ix })
	if i < 0 {
		return nil
	}
	return r.peers[i]
}

// Handle takes a Revoked, RevokedAsk or RevokedPart that came in session ix.
func (r *Revoker) Handle(now time.Time, ix wire.Index, m wire.Message) {
	r.calm = false
	p := r.peer(ix)
	if p == nil {
		return
	}
	switch m := m.(type) {
	case wire.Revoked:
		p.sequence = m.Sequence
		r.compare(now, p)
		r.seek(now)
	case wire.RevokedAsk:
		r.give(now, p, m)
	case wire.RevokedPart:
		r.part(now, p, m)
	}
}

// seek asks whoever shows a newer list for it, one at a time.
func (r *Revoker) seek(now time.Time) {
	if r.fetch.from != 0 {
		return
	}
	for _, p := range r.peers {
		if p.sequence > r.sequence() {
			r.fetch = revokedFetch{from: p.ix, end: now.Add(partWait)}
			r.send(p.ix, wire.RevokedAsk{})
			return
		}
	}
}

// give answers a question for a part.
func (r *Revoker) give(now time.Time, p *revokerPeer, m wire.RevokedAsk) {
	p.parts = min(partBurst, p.parts+now.Sub(p.asked).Seconds())
	p.asked = now
	from := int(m.Part) * wire.RevokedPartSize
	if p.parts < 1 || from >= len(r.raw) {
		r.counters.Limited++
		return
	}
	p.parts--
	r.send(p.ix, wire.RevokedPart{
		Sequence: r.sequence(), Part: m.Part, Of: uint8((len(r.raw) + wire.RevokedPartSize - 1) / wire.RevokedPartSize),
		Bytes: r.raw[from:min(len(r.raw), from+wire.RevokedPartSize)],
	})
}

// part takes a part of a list. When another list has taken its place meanwhile the
// fetching begins anew.
func (r *Revoker) part(now time.Time, p *revokerPeer, m wire.RevokedPart) {
	f := &r.fetch
	switch {
	case f.from != p.ix || m.Part != f.part && m.Sequence == f.sequence:
		r.counters.Unasked++
		return
	case f.part > 0 && m.Sequence != f.sequence:
		*f = revokedFetch{}
		r.seek(now)
		return
	}
	f.sequence, f.got, f.part, f.end = m.Sequence, append(f.got, m.Bytes...), m.Part+1, now.Add(partWait)
	if f.part < m.Of {
		r.send(p.ix, wire.RevokedAsk{Part: f.part})
		return
	}
	got := f.got
	*f = revokedFetch{}
	before := r.sequence()
	r.Set(now, got)
	if r.sequence() == before {
		r.bluffed(p)
	}
	r.seek(now)
}

// bluffed notes that a peer has told of a list that it does not have.
func (r *Revoker) bluffed(p *revokerPeer) {
	r.counters.Bluffed++
	p.sequence = 0
}

// Next returns when Advance wants to be called; zero: never.
func (r *Revoker) Next() time.Time {
	if !r.calm {
		r.wake, r.calm = r.fetch.end, true
		for _, p := range r.peers {
			r.wake = earlier(r.wake, p.behind)
		}
	}
	return r.wake
}

// Advance fires what is due.
func (r *Revoker) Advance(now time.Time) {
	r.calm = false
	if passed(r.fetch.end, now) {
		p := r.peer(r.fetch.from)
		r.fetch = revokedFetch{}
		if p != nil {
			r.bluffed(p)
		}
		r.seek(now)
	}
	for _, p := range r.peers {
		if passed(p.behind, now) {
			p.behind = time.Time{}
			r.counters.Withheld++
			r.out = append(r.out, Withholds{p.ix})
		}
	}
}
