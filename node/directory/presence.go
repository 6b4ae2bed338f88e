package directory

import (
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

const (
	// A phone says anew that it is there every sayAgain, up to a tenth sooner,
	// and each word holds for sayHolds: for so long can a home that lies keep up
	// that somebody is there who has gone. More than sayCrowd watchers make the
	// pauses longer in proportion, for each costs 60 bytes a word at each home.
	sayAgain = 30 * time.Minute
	sayHolds = 70 * time.Minute
	sayCrowd = 50
	// The record of a buddy is looked up again after a random time up to
	// locateSoon once a home says that he is not there, then after twice as long
	// each time, at most locateMost.
	locateSoon = 8 * time.Second
	locateMost = 30 * time.Minute
	// maxBuddyPlaces bounds where one buddy is watched: three phones, three homes.
	maxBuddyPlaces = 9
	// The record of a buddy who is not seen and has begun to watch us is looked up
	// after comeSoon and up to as long again, for he may be publishing it; and no
	// sooner again for that reason than after comeAgain.
	comeSoon  = 500 * time.Millisecond
	comeAgain = 30 * time.Second
)

// PresenceState is what we say of a buddy.
type PresenceState uint8

// The states.
const (
	PresenceUnknown PresenceState = iota
	Reachable
	NotReachable
)

// Sight is a state and since when nothing newer is known; At is zero when
// nothing ever was.
type Sight struct {
	State PresenceState
	At    time.Time
}

// Buddy is a contact whom we may watch.
type Buddy struct {
	Account identity.ID
	Lookup  identity.Lookup // of its record
	Key     PresenceKey     // that he gave us
	Ours    PresenceKey     // that we give him
}

// PresenceHome is a home of ours.
type PresenceHome struct {
	Index wire.Index
	Node  identity.ID
}

// Locate asks for the record at Lookup; Presence.Located answers.
type Locate struct {
	Account identity.ID
	Lookup  identity.Lookup
}

// PresenceChanged says that a Sight of an account has changed.
type PresenceChanged struct{ Account identity.ID }

func (Locate) event()          {}
func (PresenceChanged) event() {}

// Presence is the phone's half of presence: it leaves our word for our watchers
// at our homes, and watches our buddies at theirs, through our homes.
//
// A buddy is reachable while any of his homes shows his own word, sealed for us,
// whose time is not over; not reachable when all homes that his record names
// say that he is not there, or certainly nobody has a record; else unknown. No
// call hangs on it. The zero value is not usable.
type Presence struct {
	rand    *rand.Rand
	nonces  io.Reader
	device  identity.ID
	homes   []PresenceHome
	readers []PresenceKey // of who may watch us
	buddies []*buddy

	// say is when our word is said anew; set while there are homes and readers,
	// cleared otherwise.
	say time.Time
	out []Event
}

// buddy is somebody whom we watch.
type buddy struct {
	Buddy
	spots   []spot
	located bool // the record has been found since somebody last went silent
	absent  time.Time
	sight   Sight
	pause   time.Duration
	locate  time.Time // when the record is looked up; zero: no need, or under way
	asked   bool      // it is under way
	came    time.Time // when he last began to watch us
}

// spot is a home at which a buddy's phone is watched.
type spot struct {
	home  wire.Member
	token wire.Token
	via   wire.Index // our home that watches it; 0: none now
	code  wire.SeenCode
	heard time.Time
	word  statement // the latest that we believe
}

// NewPresence returns a Presence of the phone with this device key.
func NewPresence(cfg Config, device identity.ID) *Presence {
	return &Presence{rand: newRand(cfg.Rand), nonces: cfg.Rand, device: device}
}

// Take returns what has been asked since the last Take, oldest first.
func (p *Presence) Take() []Event {
	out := p.out
	p.out = nil
	return out
}

func (p *Presence) emit(e Event) { p.out = append(p.out, e) }

// Sight returns what is known of an account now.
func (p *Presence) Sight(now time.Time, account identity.ID) Sight {
	if b := p.buddy(account); b != nil {
		return p.sight(now, b)
	}
	return Sight{}
}

// sight is what is known of a buddy: without a home we know nothing any more.
func (p *Presence) sight(now time.Time, b *buddy) Sight {
	s := b.look(now)
	if len(p.homes) == 0 {
		s.State = PresenceUnknown
	}
	return s
}

func (p *Presence) buddy(account identity.ID) *buddy {
	i := slices.IndexFunc(p.buddies, func(b *buddy) bool { return b.Account == account })
	if i < 0 {
		return nil
	}
	return p.buddies[i]
}

// look sums up what the homes of a buddy say.
func (b *buddy) look(now time.Time) Sight {
	var here, gone, heard time.Time
	away := 0
	for _, s := range b.spots {
		heard = later(heard, s.heard)
		switch {
		case s.code == wire.SeenHere && s.word.until.After(now):
			here = later(here, s.heard)
		case s.code == wire.SeenAbsent:
			gone = later(gone, s.heard)
			away++
		}
	}
	switch {
	case !here.IsZero():
		return Sight{Reachable, here}
	case len(b.spots) > 0 && away == len(b.spots) && b.located:
		return Sight{NotReachable, gone}
	case len(b.spots) == 0 && !b.absent.IsZero():
		return Sight{NotReachable, b.absent}
	}
	return Sight{PresenceUnknown, heard}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// SetHomes tells the homes that we are attached to now, the best first.
func (p *Presence) SetHomes(now time.Time, homes []PresenceHome) {
	before := p.homes
	p.homes = slices.Clone(homes)
	for _, h := range homes {
		if !slices.Contains(before, h) {
			p.appear(now, h, p.readers)
		}
	}
	p.arm(now)
	for _, b := range p.buddies {
		p.watchAll(b)
		p.arrange(now, b)
		p.notice(now, b)
	}
}

// SetReaders tells the keys of those who may watch us.
func (p *Presence) SetReaders(now time.Time, readers []PresenceKey) {
	before := p.readers
	p.readers = slices.Clone(readers)
	for _, h := range p.homes {
		p.appear(now, h, without(readers, before))
		p.withdraw(h, without(before, readers))
	}
	p.arm(now)
}

// without returns the keys of a that b has not.
func without(a, b []PresenceKey) (list []PresenceKey) {
	for _, k := range a {
		if !slices.Contains(b, k) {
			list = append(list, k)
		}
	}
	return list
}

// crowd is by how much our words are rarer than they would be for few watchers.
func (p *Presence) crowd() time.Duration {
	return time.Duration(1 + max(0, len(p.readers)-1)/sayCrowd)
}

// arm sets the time of the next word, unless it is set.
func (p *Presence) arm(now time.Time) {
	switch {
	case len(p.homes) == 0 || len(p.readers) == 0:
		p.say = time.Time{}
	case p.say.IsZero():
		pause := p.crowd() * sayAgain
		p.say = now.Add(pause - time.Duration(p.rand.Int64N(int64(pause/10))))
	}
}

// appear leaves our word at a home for each of readers.
func (p *Presence) appear(now time.Time, h PresenceHome, readers []PresenceKey) {
	p.leave(h, readers, func(k PresenceKey, t wire.Token) []byte {
		return k.seal(p.nonces, t, statement{now, now.Add(p.crowd() * sayHolds)})
	})
}

// withdraw takes it back.
func (p *Presence) withdraw(h PresenceHome, readers []PresenceKey) {
	p.leave(h, readers, func(PresenceKey, wire.Token) []byte { return nil })
}

func (p *Presence) leave(h PresenceHome, readers []PresenceKey, blob func(PresenceKey, wire.Token) []byte) {
	var list []wire.Sighting
	for _, k := range readers {
		t := k.Token(h.Node, p.device)
		list = append(list, wire.Sighting{Token: t, Blob: blob(k, t)})
	}
	for some := range slices.Chunk(list, wire.MaxSightings) {
		p.emit(Send{h.Index, wire.Appear{Sightings: some}})
	}
}

// SetBuddies tells whom to watch; who is watched already goes on being so.
func (p *Presence) SetBuddies(now time.Time, list []Buddy) {
	before := p.buddies
	p.buddies = nil
	for _, want := range list {
		i := slices.IndexFunc(before, func(b *buddy) bool { return b.Buddy == want })
		if i >= 0 {
			p.buddies = append(p.buddies, before[i])
			continue
		}
		b := &buddy{Buddy: want}
		p.buddies = append(p.buddies, b)
		p.arrange(now, b)
	}
	for _, b := range before {
		if !slices.Contains(p.buddies, b) {
			p.quit(b.spots)
		}
	}
}

// quit ends the watching of spots.
func (p *Presence) quit(spots []spot) {
	for _, s := range spots {
		if s.via != 0 {
			p.emit(Send{s.via, wire.Watch{Home: s.home, Tokens: []wire.Token{s.token}, Stop: true}})
		}
	}
}

// Located answers Locate. Where he is now is watched, where he was no more.
func (p *Presence) Located(now time.Time, account identity.ID, r Result) {
	b := p.buddy(account)
	if b == nil {
		return
	}
	b.asked = false
	switch {
	case r.Outcome == Located && r.Name.Subject == account:
		p.move(b, r.Listing)
	case r.Outcome == Absent:
		p.quit(b.spots)
		b.spots, b.absent = nil, now
	}
	b.located = r.Outcome == Located
	p.arrange(now, b)
	p.notice(now, b)
}

// move watches the homes of a listing.
func (p *Presence) move(b *buddy, l wire.Listing) {
	var spots []spot
	for _, d := range l.Devices {
		for _, h := range d.Homes {
			if len(spots) == maxBuddyPlaces {
				break
			}
			t := b.Key.Token(h.Node, d.Device)
			s := spot{home: h, token: t}
			if i := slices.IndexFunc(b.spots, func(s spot) bool { return s.home == h && s.token == t }); i >= 0 {
				s = b.spots[i]
				b.spots = slices.Delete(b.spots, i, i+1)
			}
			spots = append(spots, s)
		}
	}
	p.quit(b.spots)
	b.spots, b.absent = spots, time.Time{}
	p.watchAll(b)
}

// watchAll watches every spot through one of our homes, each through another as
// long as there are some: one that lies shall not speak for all of his.
func (p *Presence) watchAll(b *buddy) {
	for i := range b.spots {
		s := &b.spots[i]
		if slices.ContainsFunc(p.homes, func(h PresenceHome) bool { return h.Index == s.via }) {
			continue
		}
		s.via = 0
		if len(p.homes) > 0 {
			s.via = p.homes[i%len(p.homes)].Index
			p.emit(Send{s.via, wire.Watch{Home: s.home, Tokens: []wire.Token{s.token}}})
		}
	}
}

// arrange sets when the record of a buddy is looked up next: at once when it
// never was, later when a home of his does not have him.
func (p *Presence) arrange(now time.Time, b *buddy) {
	switch {
	case b.asked || len(p.homes) == 0:
		b.locate = time.Time{}
	case b.settled():
		b.pause, b.locate = 0, time.Time{}
	case b.locate.IsZero() && b.pause == 0 && len(b.spots) == 0:
		b.pause = locateSoon
		b.locate = now.Add(time.Duration(p.rand.Int64N(int64(time.Second))))
	case b.locate.IsZero():
		b.pause = min(max(2*b.pause, locateSoon), locateMost)
		b.locate = now.Add(b.pause/2 + time.Duration(p.rand.Int64N(int64(b.pause/2))))
	}
}

// settled reports whether every home of the record has the buddy, or has not
// answered yet.
func (b *buddy) settled() bool {
	return len(b.spots) > 0 && b.located && !slices.ContainsFunc(b.spots, func(s spot) bool {
		return s.code != wire.SeenHere && s.code != 0
	})
}

// Handle takes a Seen that came in the session with a home.
func (p *Presence) Handle(now time.Time, ix wire.Index, m wire.Seen) {
	for _, b := range p.buddies {
		for i := range b.spots {
			if s := &b.spots[i]; s.token == m.Token && s.via == ix {
				p.hear(now, b, s, m)
				return
			}
		}
	}
}

// Looked takes a home's word that somebody has begun to watch us there. If he is
// one whom we miss he is back, maybe at homes that we do not know yet: his record is
// looked up at once, and then as if he had just gone.
func (p *Presence) Looked(now time.Time, ix wire.Index, m wire.Looked) {
	i := slices.IndexFunc(p.homes, func(h PresenceHome) bool { return h.Index == ix })
	if i < 0 {
		return
	}
	for _, b := range p.buddies {
		if b.Ours.IsZero() || b.Ours.Token(p.homes[i].Node, p.device) != m.Token {
			continue
		}
		if p.sight(now, b).State != Reachable && now.Sub(b.came) >= comeAgain {
			b.came, b.pause = now, 0
			if !b.asked {
				b.locate = now.Add(comeSoon + time.Duration(p.rand.Int64N(int64(comeSoon))))
			}
		}
		return
	}
}

// hear takes what is said of one spot. A word that is not the buddy's own, or is
// older than one that we have, counts as silence: somebody lies.
func (p *Presence) hear(now time.Time, b *buddy, s *spot, m wire.Seen) {
	s.code, s.heard = m.Code, now
	if m.Code == wire.SeenHere {
		word, err := b.Key.open(now, s.token, m.Blob)
		if err != nil || word.issued.Before(s.word.issued) {
			s.code = wire.SeenSilent
		} else {
			s.word = word
		}
	}
	p.arrange(now, b)
	p.notice(now, b)
}

// notice tells when what we say of a buddy has changed.
func (p *Presence) notice(now time.Time, b *buddy) {
	if sight := p.sight(now, b); sight != b.sight {
		b.sight = sight
		p.emit(PresenceChanged{b.Account})
	}
}

// Next returns when Advance wants to be called; zero: never.
func (p *Presence) Next() time.Time {
	next := p.say
	for _, b := range p.buddies {
		next = earlier(next, b.locate)
		if b.sight.State == Reachable {
			next = earlier(next, b.ends())
		}
	}
	return next
}

// ends returns when the last word of a buddy who is there ends.
func (b *buddy) ends() (end time.Time) {
	for _, s := range b.spots {
		if s.code == wire.SeenHere {
			end = later(end, s.word.until)
		}
	}
	return end
}

// Advance fires what is due.
func (p *Presence) Advance(now time.Time) {
	if passed(p.say, now) {
		p.say = time.Time{}
		for _, h := range p.homes {
			p.appear(now, h, p.readers)
		}
		p.arm(now)
	}
	for _, b := range p.buddies {
		if passed(b.locate, now) {
			b.locate, b.asked = time.Time{}, true
			p.emit(Locate{b.Account, b.Lookup})
		}
		p.notice(now, b)
	}
}
