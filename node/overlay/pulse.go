package overlay

import (
	"time"

	"peerphone/node/wire"
)

// A phone hears the pulse of its homes. Each sends it a beat every few seconds,
// unasked: 33 bytes, where a question and its answer would be 80. The beats of three
// homes come in turn, so that some home is heard each three seconds, and when half
// of the supernodes vanish a phone that has lost all three knows it as soon. A beat
// that is overdue is asked for at once, by the Refresh that keeps the attachment:
// it is sealed in the session, so a home that has restarted and knows the phone no
// more keeps silent like a dead one.
//
// A home that leaves two Refreshes unanswered is doubted: our other homes are told
// (doubt.go), and somebody is dialled in its place. After four it is given up,
// unless nobody at all is heard: then it is the network's silence, not the homes'.
const (
	// beatSlack is how late a beat may come.
	beatSlack = 250 * time.Millisecond
	// A home may take half as long again as it took last, and askWait, to answer,
	// but no longer than askMost; in a stream streamWait, for lost packets delay
	// what follows.
	askWait    = 100 * time.Millisecond
	askMost    = 700 * time.Millisecond
	streamWait = 3 * time.Second
	pulseTries = 4
	// slowestAsk is how often a home is asked at least while nobody is heard, and
	// nobodyWait how long it is kept then.
	slowestAsk = 2 * time.Second
	nobodyWait = 10 * time.Second
	// firstRefresh is how soon after the attachment beats are asked for, up to
	// twice that: bytes count at the start.
	firstRefresh = 4 * time.Second
	// newsEvery is how often some home tells of members, and fewKnown how many
	// supernodes a phone knows that need not ask at once.
	newsEvery = time.Hour
	fewKnown  = 20
)

// What a pulse costs, in bytes, IP and UDP headers included.
const (
	refreshBytes = 28 + wire.SessionHeader + 11 + wire.Tag
	beatBytes    = 28 + 5
	moreIPv6     = 20
	// pulseBytes is what one home's pulse may cost in an hour: of the 60 kB that an
	// idle phone may use a tenth is left to everything else.
	pulseBytes  = 16800
	slowestBeat = 30 * time.Second
)

// pulse is what a link knows of its home's life.
type pulse struct {
	nonce, former uint32 // of the last two Refreshes
	slot          int    // in which its beats come, of Config.Homes
	// next is when a beat is to come. Set by an answer, cleared with the home.
	next  time.Time
	every time.Duration // between beats; 0: there are none
	sent  time.Time     // the last Refresh
	tries int           // Refreshes that ask and are not answered
	since time.Time     // the first of them
	wait  time.Duration // until the next
	rtt   time.Duration // from a Refresh to its answer; 0: not known
	told  time.Time     // when a home last told us that this one is silent
	// open is when a NAT wants to see something again that we send. Set by a
	// Refresh if the next one comes too late for it, cleared with the home.
	open time.Time
}

// beatEvery is how often a home may be heard for pulseBytes an hour.
func (o *Overlay) beatEvery(l *link) time.Duration {
	refresh, beat := refreshBytes, beatBytes
	if l.addr.Addr().Is6() {
		refresh, beat = refresh+moreIPv6, beat+moreIPv6
	}
	left := pulseBytes - refresh*int(time.Hour/l.refresh)
	if o.forgets(l) {
		left -= beat * int(time.Hour/o.binding)
	}
	if o.streamed(l) {
		return 0
	}
	if left <= 0 {
		return slowestBeat
	}
	return min(slowestBeat, time.Hour*time.Duration(beat)/time.Duration(left))
}

// forgets reports whether a NAT wants to see something between two Refreshes.
func (o *Overlay) forgets(l *link) bool { return o.binding > 0 && o.binding < l.refresh }

// streamed reports whether the session with a home goes by a stream: it tells of
// its end itself.
func (o *Overlay) streamed(l *link) bool { return o.cfg.Streamed != nil && o.cfg.Streamed(l.ix) }

// refresh keeps the attachment and says when beats are wanted: at once if that is
// asked. One that is lost does no harm: the home goes on as it was told before.
func (o *Overlay) refresh(now time.Time, l *link, atOnce bool) {
	p := &l.pulse
	l.homeAt = now.Add(l.refresh - o.jitter(l.refresh/16))
	p.every = o.beatEvery(l)
	p.nonce, p.former = o.rand.Uint32(), p.nonce
	p.sent, p.next, p.open = now, time.Time{}, time.Time{}
	if o.forgets(l) && p.every > 0 {
		p.open = now.Add(o.binding)
	}
	r := wire.Refresh{Nonce: p.nonce, Every: p.every, News: o.wantsNews(now), Others: o.otherMarks(l)}
	if p.every > 0 {
		p.next = o.nextSlot(now.Add(p.rtt), p)
		r.First = max(p.next.Sub(now)-p.rtt, time.Millisecond)
	}
	if atOnce {
		r.First = 0
	}
	if r.News {
		l.owed = 1
	}
	o.emit(Whisper{l.ix, wire.AppendRefresh(nil, r)})
}

// wantsNews reports whether it is time to be told of some members: one home tells
// of some each newsEvery, for an idle phone counts its bytes; who knows few asks
// at once.
func (o *Overlay) wantsNews(now time.Time) bool {
	if o.news.IsZero() && len(o.cache.entries) >= fewKnown {
		o.news = now.Add(o.jitter(newsEvery))
	}
	if o.news.After(now) {
		return false
	}
	o.news = now.Add(newsEvery)
	return true
}

// nextSlot returns when a beat is wanted next: the homes take turns.
func (o *Overlay) nextSlot(from time.Time, p *pulse) time.Time {
	if o.turn.IsZero() {
		o.turn = from
	}
	at := o.turn.Add(p.every * time.Duration(p.slot) / time.Duration(o.cfg.Homes))
	if behind := from.Sub(at); behind >= 0 {
		at = at.Add((behind/p.every + 1) * p.every)
	}
	return at
}

// freeSlot returns a slot that no home has.
func (o *Overlay) freeSlot() int {
	for slot := range o.cfg.Homes {
		taken := false
		for _, l := range o.homeLinks() {
			taken = taken || l.pulse.slot == slot
		}
		if !taken {
			return slot
		}
	}
	return 0
}

// otherMarks returns the marks of our homes but l.
func (o *Overlay) otherMarks(l *link) (marks [2]wire.Mark) {
	i := 0
	for _, x := range o.homeLinks() {
		if x != l && i < len(marks) {
			marks[i] = wire.MarkOf(x.node)
			i++
		}
	}
	return marks
}

// keepAttached sends a Refresh that is due.
func (o *Overlay) keepAttached(now time.Time, l *link) {
	if l.pulse.tries > 0 { // it is being asked
		l.homeAt = now.Add(askMost)
		return
	}
	o.refresh(now, l, false)
}

// Feel asks a home for its pulse before its beat is due: it leaves something else
// unanswered.
func (o *Overlay) Feel(now time.Time, ix wire.Index) {
	if l := o.link(ix); l != nil && l.home == home && l.pulse.tries == 0 && !o.streamed(l) {
		o.calm = false
		o.ask(now, l)
	}
}

// ask asks a home for its pulse.
func (o *Overlay) ask(now time.Time, l *link) {
	p := &l.pulse
	if p.tries == 0 {
		p.since, p.wait = now, o.patience(l)
	}
	p.tries++
	o.refresh(now, l, true)
}

// patience is how long a home may take to answer.
func (o *Overlay) patience(l *link) time.Duration {
	switch rtt := l.pulse.rtt; {
	case o.streamed(l):
		return streamWait
	case rtt == 0:
		return askMost
	default:
		return min(rtt+rtt/2+askWait, askMost)
	}
}

// feelPulse goes on with the homes that are silent.
func (o *Overlay) feelPulse(now time.Time) {
	for _, l := range o.homeLinks() {
		switch p := &l.pulse; {
		case l.home != home: // given up for another's sake
		case p.tries > 0 && !p.sent.Add(p.wait).After(now):
			o.unanswered(now, l)
		case p.tries == 0 && !p.next.IsZero() && !p.next.Add(beatSlack).After(now):
			o.ask(now, l)
		case passed(p.open, now): // a beat of ours, which the home need not answer
			p.open = now.Add(o.binding)
			o.emit(Beat{l.ix, p.nonce})
		}
	}
}

// unanswered goes on with a home that has not answered.
func (o *Overlay) unanswered(now time.Time, l *link) {
	p := &l.pulse
	switch {
	case p.tries == 1:
		o.alarm(now, l)
	case p.tries < pulseTries:
	case o.heard.After(p.since), now.Sub(p.since) >= nobodyWait:
		o.giveUp(now, l)
		return
	default:
		p.wait = min(2*p.wait, slowestAsk)
	}
	o.ask(now, l)
}

// giveUp takes a home that is silent for dead, and the session with it.
func (o *Overlay) giveUp(now time.Time, l *link) {
	o.leaveHome(now, l)
	if l.idle() {
		o.emit(Abandon{Index: l.ix})
		o.unlink(now, l)
	}
}

// alarm tells our other homes that l is silent, and asks them for their own pulse.
func (o *Overlay) alarm(now time.Time, l *link) {
	for _, x := range o.homeLinks() {
		if x == l || x.pulse.tries > 1 {
			continue
		}
		o.emit(Whisper{x.ix, wire.AppendDoubt(nil, wire.DoubtOf(l.node))})
		if x.pulse.tries == 0 && !o.streamed(x) {
			o.ask(now, x)
		}
	}
}

// doubtful reports whether a home has left a Refresh unanswered.
func (l *link) doubtful() bool { return l.home == home && l.pulse.tries > 1 }

// missed reports whether l is doubted and somebody else was heard meanwhile: then
// it is not the network that is silent.
func (o *Overlay) missed(l *link) bool { return l.doubtful() && o.heard.After(l.pulse.since) }

// anyDoubtful reports whether some home is doubted.
func (o *Overlay) anyDoubtful() bool {
	for _, l := range o.links {
		if l.doubtful() {
			return true
		}
	}
	return false
}

// Alive tells that something authentic has come in session ix: a home that is
// asked need not answer any more.
func (o *Overlay) Alive(now time.Time, ix wire.Index) {
	if o.cfg.Homes == 0 {
		return
	}
	if l := o.link(ix); l != nil && l.home == home {
		o.lives(now, l)
	}
}

// Beat takes a beat of a home. One whose nonce is of no Refresh of ours is
// somebody else's. Those of guests only keep a NAT's binding.
func (o *Overlay) Beat(now time.Time, nonce uint32) {
	for _, l := range o.homeLinks() {
		p := &l.pulse
		if nonce != p.nonce && (nonce != p.former || p.former == 0) || p.sent.IsZero() {
			continue
		}
		if p.tries == 1 && nonce == p.nonce {
			p.rtt = max(now.Sub(p.sent), time.Millisecond)
		}
		o.lives(now, l)
		return
	}
	if o.cfg.Homes > 0 {
		o.counters.Unasked++
	}
}

// lives notes that a home is there.
func (o *Overlay) lives(now time.Time, l *link) {
	p := &l.pulse
	if passed(p.open, now) {
		p.open = now
	}
	if p.tries > 0 && p.every > 0 {
		p.next = now.Add(p.every) // until a Refresh puts it into its turn again
	}
	p.tries = 0
	o.networkLives(now)
	for p.every > 0 && !p.next.IsZero() && !p.next.After(now.Add(beatSlack)) {
		p.next = p.next.Add(p.every)
	}
	if o.anyDoubtful() {
		o.pump(now)
	}
}

// networkLives notes that somebody was heard. If nobody was for a while, homes that
// are doubted are asked twice more: it was the network that was silent.
func (o *Overlay) networkLives(now time.Time) {
	for _, l := range o.links {
		if l.doubtful() && !o.missed(l) {
			l.pulse.tries, l.pulse.wait = 2, max(o.patience(l), now.Sub(l.pulse.sent))
		}
	}
	o.heard, o.calm = now, false
}

// homeLinks returns the sessions with our homes.
func (o *Overlay) homeLinks() []*link {
	if o.cfg.Homes == 0 {
		return nil
	}
	var ls []*link
	for _, l := range o.links {
		if l.home >= home {
			ls = append(ls, l)
		}
	}
	return ls
}

// SetPulse tells how often something must be sent to homes at least so that a NAT
// lets them in.
func (o *Overlay) SetPulse(every time.Duration) { o.binding = every }

// pulseWake returns when feelPulse has something to do.
func (o *Overlay) pulseWake() (wake time.Time) {
	for _, l := range o.homeLinks() {
		switch p := &l.pulse; {
		case p.tries > 0:
			wake = earlier(wake, p.sent.Add(p.wait))
		case !p.next.IsZero():
			wake = earlier(earlier(wake, p.next.Add(beatSlack)), p.open)
		}
	}
	return wake
}
