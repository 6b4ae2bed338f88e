package overlay

import (
	"encoding/binary"
	"slices"
	"time"

	"peerphone/node/wire"
)

// What one guest finds out, all may use. A supernode with a hundred guests is
// heard by some of them each tenth of a second; the first to whom it is silent
// tells its other homes. They ask for themselves, and if they have no answer at once
// they tell those of their guests that may have it among their homes, and if they
// have none to three questions they bear witness that it is dead. The guests ask
// for themselves, too: a liar can make others ask, and nothing else.
//
// A home knows of its guest's other homes one byte each (wire.Mark), and of a home
// that is silent which one it was.
const (
	// A guest may tell of one silent home each doubtEvery, and of doubtBurst at
	// once.
	doubtEvery = 10 * time.Second
	doubtBurst = 4
	// hurriedPing is how often a supernode is asked about whom a guest has a doubt;
	// as often as others, but faster.
	hurriedPing = 300 * time.Millisecond
	// hurryAgain is after what time one that has answered is asked again.
	hurryAgain = 2 * time.Second
	// toldFor is for how long guests are not told of a supernode's silence again, if
	// it has not answered meanwhile; maxTold bounds the supernodes of which we remember that.
	toldFor = 10 * time.Second
	maxTold = 256
	// A phone asks a home at most once each toldEvery because another home has told
	// of its silence.
	toldEvery = 5 * time.Second
)

// told is a supernode of whose silence our guests were told.
type told struct {
	place wire.Place // or the first bytes of the key of one that we do not know
	until time.Time
}

// Doubted takes a Doubt that came in session ix: of a guest, or of a home of ours.
func (o *Overlay) Doubted(now time.Time, ix wire.Index, d wire.Doubt) {
	l := o.link(ix)
	switch {
	case l != nil && l.guest == guest:
		o.lookInto(now, l, d)
	case l != nil && l.home == home:
		o.askHome(now, l, d)
	default:
		o.counters.Unasked++
	}
	o.pump(now)
}

// lookInto asks a supernode about whom a guest has a doubt.
func (o *Overlay) lookInto(now time.Time, l *link, d wire.Doubt) {
	if l.doubts.After(now.Add((doubtBurst - 1) * doubtEvery)) {
		o.counters.Hasty++
		return
	}
	if l.doubts.Before(now) {
		l.doubts = now
	}
	l.doubts = l.doubts.Add(doubtEvery)
	for i := range o.table.rows {
		if r := &o.table.rows[i]; r.tag == d.Of[0] && o.table.lives(i) && wire.NamesNode(r.news.Value(), d) {
			o.hurry(now, r.place)
			return
		}
	}
	if o.Partial() {
		o.passOn(now, l, d)
		return
	}
	o.counters.Unasked++
}

// hurry asks a member at once, and faster than others.
func (o *Overlay) hurry(now time.Time, p wire.Place) {
	o.suspect(now, p, 0)
	switch s := o.suspicion(p); {
	case s == nil:
	case s.sent == cleared && !s.next.After(now.Add(clearedFor-hurryAgain)):
		*s = suspicion{place: p, nonce: o.rand.Uint64(), next: now, grounds: hurried}
	case s.sent != cleared && s.grounds != hurried:
		s.grounds, s.next = hurried, now
	}
}

// Unanswered tells that a member has left the questions of the global index
// unanswered.
func (o *Overlay) Unanswered(now time.Time, m wire.Member) {
	if o.scope == partial {
		return
	}
	if r := o.table.ofNode(m.Node); r != nil && !o.testified(r.place) {
		o.calm = false
		o.hurry(now, r.place)
	}
}

// askHome asks a home of ours that another one finds silent.
func (o *Overlay) askHome(now time.Time, from *link, d wire.Doubt) {
	for _, l := range o.homeLinks() {
		if p := &l.pulse; l != from && d.Means(l.node) && p.tries == 0 && now.Sub(p.told) >= toldEvery {
			p.told = now
			o.ask(now, l)
		}
	}
}

// passOn tells all other guests of a doubt about somebody whom we do not know, as it
// mostly is where nobody knows all: we cannot ask, and a Doubt does not tell a Mark.
// Whose home it is asks for himself; the others take no notice.
func (o *Overlay) passOn(now time.Time, from *link, d wire.Doubt) {
	if !o.mayTell(now, wire.Place(binary.BigEndian.Uint64(d.Of[:]))) {
		return
	}
	doubt := wire.AppendDoubt(nil, d)
	for _, l := range o.links {
		if l.guest == guest && l != from && l.others != [2]wire.Mark{} {
			o.emit(Whisper{l.ix, doubt})
		}
	}
}

// mayTell reports whether guests may be told of one more that is silent, and notes
// that they are.
func (o *Overlay) mayTell(now time.Time, p wire.Place) bool {
	old := 0
	for old < len(o.told) && !o.told[old].until.After(now) {
		old++
	}
	o.told = slices.Delete(o.told, 0, old)
	if len(o.told) >= maxTold || slices.ContainsFunc(o.told, func(t told) bool { return t.place == p }) {
		return false
	}
	o.told = append(o.told, told{p, now.Add(toldFor)})
	return true
}

// untell lets guests be told again of one that has answered: it may die yet.
func (o *Overlay) untell(p wire.Place) {
	o.told = slices.DeleteFunc(o.told, func(t told) bool { return t.place == p })
}

// tellGuests tells the guests that may have the member at p as a home that it is
// silent.
func (o *Overlay) tellGuests(now time.Time, p wire.Place) {
	r := o.table.find(p)
	if r == nil || len(o.guests) == 0 {
		return
	}
	node := r.node()
	doubt, mark := wire.AppendDoubt(nil, wire.DoubtOf(node)), wire.MarkOf(node)
	for told, i := false, 0; i < len(o.links); i++ {
		l := o.links[i]
		if l.guest != guest || !slices.Contains(l.others[:], mark) {
			continue
		}
		if !told && !o.mayTell(now, p) { // those whose home it is not are no reason to note it
			return
		}
		told = true
		o.emit(Whisper{l.ix, doubt})
	}
}
