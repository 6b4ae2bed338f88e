package directory

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// A walk finds who stands nearest to a key where nobody knows all supernodes: it
// asks those that we know, then those whom they name, until nobody names one that
// is nearer (Kademlia, section 2.3).
//
// It goes by four paths that have no supernode in common, and each hears only what
// those say whom it has asked itself (I. Baumgart, S. Mies: S/Kademlia, ICPADS
// 2007, section 4.4): liars who name only each other capture the paths that they
// stand on, and what the others find is put together at the end.
//
// A walk sends nothing and checks no signature: seek does, and the walk is told
// how it went.
const (
	// paths are asked in parallel, first one supernode each, and two from the first
	// answer on: the paper's 4, then 8.
	paths     = 4
	pathWidth = 2
	// Who has not answered after slowAfter is waited for, but another is asked.
	slowAfter = 100 * time.Millisecond
	// pathSteps bounds who may answer one path: a search among a million takes five
	// of them to arrive and some sixteen to close the set. A path that does not end
	// by then has been led astray, and says nothing; nor has one that has asked
	// pathAsks, most of whom must have been silent.
	pathSteps = 40
	pathAsks  = 3 * pathSteps
	// pathHeard bounds whom one path remembers, the nearest.
	pathHeard = 3 * Replicas
	// nearQuota is how many of one address prefix count among the nearest, unless
	// they are private: who rents a network shall not keep a record alone.
	nearQuota = 4
)

// stepState says how far one is of whom a walk has heard.
//
//	heard -- next --> hailed - slowAfter --> slow
//	                    |  answer              |
//	                    +---------> spoke <----+
//	                    |  none, or a bad one  |
//	                    +---------> mute <-----+
type stepState uint8

const (
	heard stepState = iota
	hailed
	slow
	spoke
	mute
)

// step is a supernode of which a walk has heard.
type step struct {
	wire.Contact
	state stepState
	path  int           // that has asked it
	named uint8         // by which paths, as bits; byUs: by our own table
	at    time.Time     // when it was asked
	depth int           // how many were asked one after the other until it was, itself included
	node  identity.ID   // once it has spoken
	code  wire.FindCode // what it says of the record
}

// byUs is the bit of step.named for our own table.
const byUs = 1 << paths

// walk is one under way.
type walk struct {
	at    wire.Place
	known map[wire.Contact]*step
	all   []*step // of known, in the order in which they were heard of
	asked []*step // of these, in the order in which they were asked
	paths [paths]path
	turn  int // the path that asks next
}

// path is one of its paths.
type path struct {
	list  []*step // of whom it has heard, the nearest first
	width int     // how many may be waited for
	asked int
	spoke int
	open  int // hailed, and not slow
}

// spent reports whether p has asked as many as it may.
func (p *path) spent() bool { return p.spoke >= pathSteps || p.asked >= pathAsks }

// newWalk returns a walk to a place from those that we know; own is ourselves, if
// we have spoken.
func newWalk(at wire.Place, seeds []wire.Contact, own *step) *walk {
	w := &walk{at: at, known: map[wire.Contact]*step{}}
	for i := range w.paths {
		w.paths[i].width = 1
	}
	if own != nil {
		own.path, own.state = -1, spoke
		w.all, w.asked = append(w.all, own), append(w.asked, own)
	}
	for i, c := range seeds {
		w.hear(i%paths, c, byUs, 1)
	}
	return w
}

// hear notes that a path has heard of a contact.
func (w *walk) hear(i int, c wire.Contact, by uint8, depth int) {
	c.Member.Node, c.Member.Ports = identity.ID{}, 0
	s := w.known[c]
	if s == nil {
		s = &step{Contact: c, path: -1, depth: depth}
		w.known[c] = s
		w.all = append(w.all, s)
	}
	s.named |= by
	p := &w.paths[i]
	at, known := slices.BinarySearchFunc(p.list, s, func(a, b *step) int {
		return cmp.Or(cmp.Compare(a.Place^w.at, b.Place^w.at), a.Member.Addr.Compare(b.Member.Addr), a.Member.Addr6.Compare(b.Member.Addr6))
	})
	if known || at == pathHeard {
		return
	}
	p.list = slices.Insert(p.list, at, s)
	if len(p.list) > pathHeard {
		p.list = p.list[:pathHeard]
	}
}

// next returns whom to ask now.
func (w *walk) next(now time.Time) []*step {
	w.tire(now)
	var list []*step
	for idle := 0; idle < paths; w.turn = (w.turn + 1) % paths {
		p := &w.paths[w.turn]
		s := w.candidate(p)
		if s == nil || p.open >= p.width || p.spent() {
			idle++
			continue
		}
		idle = 0
		s.state, s.path, s.at = hailed, w.turn, now
		p.open++
		p.asked++
		w.asked = append(w.asked, s)
		list = append(list, s)
	}
	return list
}

// tire lets those be slow who have been asked long ago.
func (w *walk) tire(now time.Time) {
	for _, s := range w.asked {
		if s.state == hailed && !s.at.Add(slowAfter).After(now) {
			s.state = slow
			w.paths[s.path].open--
		}
	}
}

// candidate returns the nearest of the nearest that p has heard of whom nobody has
// asked; nil: there is none.
func (w *walk) candidate(p *path) *step {
	n := 0
	var crowd crowd
	for _, s := range p.list {
		if s.state == mute || !crowd.admits(s.Member.Addr.Addr()) {
			continue
		}
		if n++; n > Replicas {
			break
		}
		if s.state == heard && !w.taken(s) {
			return s
		}
	}
	return nil
}

// taken reports whether whoever stands at s is being asked, or has spoken, under
// another address or at another place.
func (w *walk) taken(s *step) bool {
	return slices.ContainsFunc(w.asked, func(t *step) bool {
		return t.state != mute && (t.Place == s.Place || t.Member.Addr == s.Member.Addr)
	})
}

// spoke takes an answer: what s says of the record, and whom it names.
func (w *walk) spoke(s *step, node identity.ID, code wire.FindCode, near []wire.Contact) {
	w.settle(s, spoke)
	s.node, s.code = node, code
	w.paths[s.path].width = pathWidth
	w.paths[s.path].spoke++
	for _, c := range near {
		w.hear(s.path, c, 1<<s.path, s.depth+1)
	}
}

// mute notes that s is silent, or that what it says does not hold.
func (w *walk) mute(s *step) { w.settle(s, mute) }

func (w *walk) settle(s *step, as stepState) {
	if s.state == hailed {
		w.paths[s.path].open--
	}
	s.state = as
}

// done reports whether nobody is left to be asked, and nobody has yet to answer.
func (w *walk) done() bool {
	if slices.ContainsFunc(w.asked, func(s *step) bool { return s.state == hailed || s.state == slow }) {
		return false
	}
	for i := range w.paths {
		if p := &w.paths[i]; !p.spent() && w.candidate(p) != nil {
			return false
		}
	}
	return true
}

// due returns when the next one will be slow; zero: nobody will.
func (w *walk) due() time.Time {
	var due time.Time
	for _, s := range w.asked {
		if s.state == hailed {
			due = earlier(due, s.at.Add(slowAfter))
		}
	}
	return due
}

// fewVoices is how many paths must have heard somebody so that a silent one whom
// only one of them names does not count.
const fewVoices = 3

// nearest returns the nearest set, as all paths together have found it. A silent
// one is in it if two paths name it, or a path and our own table: one path alone
// could have been made to. But where hardly any path has got anywhere, each counts.
func (w *walk) nearest() []*step {
	var list []*step
	voices := 0
	for i := range w.paths {
		if slices.ContainsFunc(w.asked, func(s *step) bool { return s.path == i && s.state == spoke }) {
			voices++
		}
	}
	for _, s := range w.all {
		if s.state == spoke || s.state == mute && (voices < fewVoices || s.named&(s.named-1) != 0) {
			list = append(list, s)
		}
	}
	slices.SortStableFunc(list, func(a, b *step) int {
		return cmp.Or(cmp.Compare(a.Place^w.at, b.Place^w.at), cmp.Compare(a.state, b.state)) // who has spoken before who is silent
	})
	var crowd crowd
	set := list[:0]
	for _, s := range list {
		if len(set) < Replicas && (len(set) == 0 || set[len(set)-1].Place != s.Place) && crowd.admits(s.Member.Addr.Addr()) {
			set = append(set, s)
		}
	}
	return set
}

// denied reports whether three quarters of the nearest set deny the record. It
// cannot tell when no path has come to its end.
func (w *walk) denied() bool {
	n, set := 0, w.nearest()
	for _, s := range set {
		if s.state == spoke && s.code == wire.FindNone {
			n++
		}
	}
	return w.closed() && 4*n >= 3*len(set)
}

// closed reports of a walk that is done whether the nearest set is all that there
// is: at least half of the paths that have begun have come to their end.
func (w *walk) closed() bool {
	begun, ended := 0, 0
	for i := range w.paths {
		p := &w.paths[i]
		if p.asked == 0 {
			continue
		}
		begun++
		if !p.spent() || w.candidate(p) == nil {
			ended++
		}
	}
	return len(w.all) > 0 && 2*ended >= begun
}

// crowd counts those of one address prefix.
type crowd map[netip.Prefix]int

// admits reports whether one more of ip's prefix counts, and counts it.
func (c *crowd) admits(ip netip.Addr) bool {
	if ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() {
		return true
	}
	bits := 48
	if ip.Is4() {
		bits = 24
	}
	p, err := ip.Prefix(bits)
	if err != nil || (*c)[p] >= nearQuota {
		return false
	}
	if *c == nil {
		*c = crowd{}
	}
	(*c)[p]++
	return true
}
