package node

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"peerphone/hal"
	"peerphone/node/path"
	"peerphone/node/wire"
)

const (
	// silentAfter is how long nothing may be heard before sound goes by all
	// ways: three packets of 20 ms. Longer packets come less often; by how much
	// the rule is stretched.
	silentAfter = 60 * time.Millisecond
	shortPacket = 20 * time.Millisecond
	longPacket  = 120 * time.Millisecond
	// restPause is how far apart packets of a call on hold may be: three a second.
	restPause = 400 * time.Millisecond
	// On a thin line sound waits for whatever else is sent: for ahead bytes of it, on
	// a narrow one for narrowAhead, which its queue has when all goes wrong. To send it
	// by all ways would choke them. Packets of thinPacket are sent on a line of which
	// that is true: where nobody has measured it they may wait for thinPatience.
	ahead          = 1000
	narrowAhead    = 3000
	narrowPatience = 1500 * time.Millisecond
	thinPatience   = 500 * time.Millisecond
	thinPacket     = 80 * time.Millisecond
	// wideAfter is how many shorter packets show that the line is not thin, but for
	// now has too much to carry, or a machine that stands still. There a lateness
	// tells (alarms), and a new network is a new line.
	wideAfter = 100
	// begins is how much longer that is before anything was heard: who lifts the
	// receiver is heard half a round trip later, and hears the far end after a
	// whole one.
	begins = 600 * time.Millisecond
	// doubtedAfter is the same where there were no two false alarms of late: two
	// packets. Each end notices at its own next packet, so that of silentAfter
	// one packet's time is lost.
	doubtedAfter = 40 * time.Millisecond
	// shakenFor is how long sound goes by all ways after our own network has
	// changed: until the far end has heard that, and we have heard it.
	shakenFor = 500 * time.Millisecond
	// settleAfter is how long the way that the control plane has chosen is
	// trusted before anything came by it: the far end follows within a round
	// trip.
	settleAfter = 250 * time.Millisecond
	// strewFor is how long sound goes by all ways after the last was heard. A
	// far end whose microphone is broken shall not make us send everything
	// twice for the whole call.
	strewFor = 3 * time.Second
	// strewMost is how long sound goes by all ways in a while although none of
	// the copies helps: where a line is too narrow they are the reason. A
	// strewShare-th of the time comes back.
	strewMost  = 2 * time.Second
	strewShare = 10
	// tellRest is the longest pause between two words to the loop that nothing
	// comes: each makes it look at all ways, which on a narrow line is much.
	tellRest = time.Second
	// echoFor is how long sound goes by all ways because the far end seems not
	// to hear us: it sends by several, and we hear it by more than one.
	echoFor = 100 * time.Millisecond
	// echoLimit is how long that may last: if both ends do it, each is the
	// other's reason. By then the loop has found out which way is dead. It may
	// begin anew when nothing has come twice for echoRest.
	echoLimit = time.Second
	echoRest  = 300 * time.Millisecond
	// ownEcho is how long after our own copies the far end's may be the echo of
	// them: a round trip, and echoFor.
	ownEcho = 500 * time.Millisecond
	// overlap is how long after a move what comes by the former way may have
	// been sent before it.
	overlap = time.Second
)

// maxWays is how many ways a call's sound has at a time.
const maxWays = 1 + path.MaxStandby

// mediaRoute carries the sound of one call. It meets the control plane in set:
// the ways that work, which the loop replaces. The capture goroutine sends by
// the active one, and by all when the call has fallen silent; the readers move
// it to the way by which the far end is heard. So the death of a relay, an
// uplink or a NAT's mapping is bridged without the loop.
//
// What is heard moves the active way:
//
//	by a better way                         there, at once
//	by another one, and the active one has
//	been silent for longer than usual       there
//	by another one, though the active one   nowhere, but we send by all for
//	is heard as well                        echoFor: the far end hears nothing,
//	                                        unless it answers copies of ours
//	the same packet twice by another one    likewise, and it does hear nothing
//
// Whenever it is found out that a way is dead, the last packet has gone by that:
// it goes once more by the others, at once.
type mediaRoute struct {
	// Constant after construction.
	out mediaOut

	line atomic.Int64 // bytes a second that it lets through; 0: not known

	sending sync.Mutex     // held while sound is sent: it has one room to be sealed in
	last    [maxAgain]byte // sent last, guarded by sending
	size    int            // of that; 0: none, or too large; guarded by sending

	set    atomic.Pointer[waySet]
	active atomic.Pointer[mediaWay] // one of set, or of the set before
	moved  atomic.Int64             // hal.Instant: when active changed
	mark   atomic.Int32             // Seq of the first sound that came by it since; < 0: none has
	heard  atomic.Int64             // hal.Instant of the last frame of the session
	sound  atomic.Int64             // likewise of the last sound
	alarms alarms                   // sound that came late, but by the active way
	looked atomic.Int64             // hal.Instant of the capture goroutine's last look
	wakes  atomic.Int64             // until when this machine reads what came while it stood still
	echo   atomic.Int64             // until when sound goes by all ways
	shaken atomic.Int64             // likewise, because our network has changed
	copied atomic.Int64             // hal.Instant of the last sound that we sent by several of our own accord
	stamp  atomic.Int64             // of the last sound; < 0: none has come
	every  atomic.Int64             // time.Duration: how far the far end's packets are apart; 0: not known
	shorts atomic.Int64             // packets in a row that were shorter than thinPacket, wideAfter at most
	began  atomic.Int64             // when that began
	twice  atomic.Int64             // hal.Instant of the last sound by another way than the active one
	begged atomic.Int64             // hal.Instant of the last sound that came twice by another way
	told   atomic.Int64             // hal.Instant of the last word to the loop about silence, or a stray
	tells  atomic.Int64             // time.Duration: pause before the next word about silence
	vain   atomic.Int64             // time.Duration of the sound that has gone by all ways in vain, at strewn
	strewn atomic.Int64             // hal.Instant of the last word on that
	left   atomic.Int64             // hal.Instant of our last packet
	own    atomic.Int64             // time.Duration from the one before to that
	again  atomic.Int64             // hal.Instant of the last sound before the silence in which the last packet was sent once more
}

// maxAgain is how long a packet may be that is sent once more, in bytes.
const maxAgain = 512

// mediaOut is what a mediaRoute does to the world. None of it blocks.
type mediaOut interface {
	send(w MediaWay, payload []byte) (routed bool) // sound, sealed, by w; false: this host has no such way any more
	nominated(w path.Way)                          // the far end is heard by w now
	stray(w path.Way, size int)                    // a frame of the session came by a way that we do not know
	silent()                                       // nothing comes
	total() uint64                                 // bytes that the phone has sent, with headers
}

// waySet is never changed, only replaced.
type waySet struct {
	ways  []*mediaWay // the best first, at most maxWays
	wish  path.Way    // that the control plane uses
	trial *mediaWay   // used beside the active one; may be nil
}

// mediaWay is a way with what was heard by it; heard outlives the set.
type mediaWay struct {
	MediaWay
	heard *atomic.Int64 // hal.Instant
	seq   *atomic.Int32 // of the last sound by it while another one was in use, and 1; 0: none has come

	// credit is what may be sent by a trial, in bytes: as many as came by it,
	// for it may be a stranger's address.
	credit *atomic.Int64
}

// again reports whether the last sound by w, while another way was in use, was
// seq as well.
func (w *mediaWay) again(seq int) bool { return int(w.seq.Swap(int32(seq)+1)) == seq+1 }

// pays reports whether a packet of size bytes may be sent by a trial, and takes
// its credit.
func (w *mediaWay) pays(size int) bool {
	if w.credit.Load() < int64(size) {
		return false
	}
	w.credit.Add(-int64(size))
	return true
}

// newMediaRoute returns the route of a call that begins now and has no ways, over
// a line that lets so many bytes a second through; 0: nobody knows.
func newMediaRoute(now hal.Instant, line int, out mediaOut) *mediaRoute {
	r := &mediaRoute{out: out}
	r.narrow(line)
	r.heard.Store(int64(now.Add(begins)))
	r.sound.Store(int64(now))
	r.mark.Store(-1)
	r.stamp.Store(-1)
	return r
}

// narrow takes how many bytes a second the line lets through; 0: nobody knows.
func (r *mediaRoute) narrow(line int) { r.line.Store(int64(line)) }

// narrows reports whether the line is a narrow one.
func (r *mediaRoute) narrows() bool {
	line := r.line.Load()
	return line > 0 && line < narrowLine
}

// thin is for how long sound may wait for whatever else is sent.
func (r *mediaRoute) thin() time.Duration {
	line := time.Duration(r.line.Load())
	switch {
	case line == 0:
		return 0
	case r.narrows():
		return min(narrowAhead*time.Second/line, narrowPatience)
	}
	return ahead * time.Second / line
}

// Sent implements media.Counter.
func (r *mediaRoute) Sent() uint64 { return r.out.total() }

// steer replaces the ways; the control loop calls it.
func (r *mediaRoute) steer(now hal.Instant, active MediaWay, standby []MediaWay, trial MediaWay) {
	before := r.set.Load()
	next := &waySet{wish: active.Way}
	all := append([]MediaWay{active}, standby...)
	slices.SortStableFunc(all, func(a, b MediaWay) int { return a.Rank - b.Rank })
	for _, w := range all[:min(len(all), maxWays)] {
		next.ways = append(next.ways, before.keep(w))
	}
	if !trial.Way.IsZero() {
		next.trial = before.keep(trial)
	}
	r.set.Store(next)
	current := r.active.Load()
	if current != nil && (before == nil || before.wish == active.Way) {
		if again := next.find(current.Way); again != nil {
			r.active.Store(again) // it may lead by another way to the relay
			return
		}
	}
	r.move(now, next.find(active.Way))
}

// extra is what a packet costs by the way that sound goes now, in bytes.
func (r *mediaRoute) extra() int {
	if active := r.active.Load(); active != nil {
		return active.extra()
	}
	return 0
}

// beside is what the call's ways cost besides sound, in bytes a second.
func (r *mediaRoute) beside() int {
	set, active := r.set.Load(), r.active.Load()
	if set == nil || active == nil {
		return 0
	}
	sum := toHomes
	for _, w := range set.ways {
		sum += w.upkeep(w.heard == active.heard)
	}
	return sum
}

// keep returns w with what was heard by it before; s may be nil.
func (s *waySet) keep(w MediaWay) *mediaWay {
	if s != nil {
		if old := s.find(w.Way); old != nil {
			return &mediaWay{w, old.heard, old.seq, old.credit}
		}
	}
	return &mediaWay{w, new(atomic.Int64), new(atomic.Int32), new(atomic.Int64)}
}

func (s *waySet) find(w path.Way) *mediaWay {
	if s.trial != nil && sameWay(s.trial.Way, w) {
		return s.trial
	}
	for _, m := range s.ways {
		if sameWay(m.Way, w) {
			return m
		}
	}
	return nil
}

// sameWay compares ways; a reader knows the channel of a relay only.
func sameWay(a, b path.Way) bool {
	return a == b || a.Channel != 0 && a.Channel == b.Channel
}

// better reports whether a stands before b.
func (s *waySet) better(a, b *mediaWay) bool {
	return slices.Index(s.ways, a) < slices.Index(s.ways, b)
}

// move makes w the active way.
func (r *mediaRoute) move(now hal.Instant, w *mediaWay) {
	r.moved.Store(int64(now))
	r.mark.Store(-1)
	r.active.Store(w)
}

// hear notes that a frame of the session, of size bytes, came by w; s is the
// stamp of its sound, and < 0 when it was none.
func (r *mediaRoute) hear(now hal.Instant, w path.Way, s stamp, size int) {
	r.heard.Store(int64(now))
	set := r.set.Load()
	if set == nil {
		return
	}
	m := set.find(w)
	if m == nil {
		if !w.IsLane() && r.mayTell(now) {
			r.out.stray(w, size)
		}
		return
	}
	m.heard.Store(int64(now))
	if m == set.trial {
		m.credit.Add(int64(size + ipUDP))
	}
	if s < 0 {
		return
	}
	last := hal.Instant(r.sound.Swap(int64(now)))
	before := stamp(r.stamp.Swap(int64(s)))
	if active := r.active.Load(); active != nil && m.heard == active.heard && before >= 0 && last > hal.Instant(r.moved.Load()) {
		r.alarms.hear(now, now.Sub(last), s.since(before), time.Duration(r.every.Load()), doubtedAfter+r.stretch())
	}
	r.space(before, s)
	r.follow(now, set, m, s.seq())
}

// space learns from two packets in a row how far they are apart.
func (r *mediaRoute) space(before, s stamp) {
	switch {
	case s.rests():
		r.every.Store(int64(restPause))
	case before >= 0 && uint8(s.seq()) == uint8(before.seq()+1):
		every := min(s.since(before), longPacket)
		r.every.Store(int64(every))
		if every < thinPacket {
			r.shorts.Store(min(r.shorts.Load()+1, wideAfter))
		}
	}
}

// stretch is by how much longer packets may be missed than short ones.
func (r *mediaRoute) stretch() time.Duration {
	every := time.Duration(r.every.Load())
	thin := r.thin()
	if thin == 0 && r.shorts.Load() < wideAfter && every >= thinPacket && every <= longPacket {
		return every - shortPacket + thinPatience
	}
	return max(0, every-shortPacket) + thin
}

// patience is how long nothing may be heard before sound goes by all ways.
func (r *mediaRoute) patience(now hal.Instant) time.Duration {
	late := r.alarms.late(now)
	switch {
	case late > lateAtAll:
		return max(silentAfter+r.stretch(), min(late+late/4, mostPatience))
	case late > 0:
		return silentAfter + r.stretch()
	}
	return doubtedAfter + r.stretch()
}

// shake tells that our network has changed: any way may be dead. The last packet
// goes at once, for the far end does not know yet, and the next may be 40 ms off.
func (r *mediaRoute) shake(now hal.Instant) {
	r.shaken.Store(int64(now.Add(shakenFor)))
	r.shorts.Store(0)
	if r.set.Load() != nil {
		r.copied.Store(int64(now))
		r.repeat(func(*mediaWay) bool { return true })
	}
}

// follow moves to where sound comes from.
func (r *mediaRoute) follow(now hal.Instant, set *waySet, m *mediaWay, seq int) {
	active := r.active.Load()
	switch {
	case active == nil || m == set.trial:
	case m.heard == active.heard:
		if r.mark.Load() < 0 {
			r.mark.Store(int32(seq))
		}
	case set.better(m, active), r.quiet(now, active):
		dead := r.quiet(now, active)
		r.vain.Store(0)
		r.move(now, m)
		r.mark.Store(int32(seq))
		r.out.nominated(m.Way)
		if dead {
			r.repeat(func(w *mediaWay) bool { return w.heard == m.heard })
		}
	case !r.sentSince(now, seq):
	case m.again(seq):
		r.obey(now, active)
	case !r.narrows(): // where it is a straggler of seconds ago as a rule
		r.resound(now, active)
	}
}

// repeat sends the last packet once more, by some of the ways, unless one is
// just being sent.
func (r *mediaRoute) repeat(by func(*mediaWay) bool) {
	if !r.sending.TryLock() {
		return
	}
	defer r.sending.Unlock()
	for _, w := range r.set.Load().ways {
		if r.size > 0 && by(w) {
			r.out.send(w.MediaWay, r.last[:r.size])
		}
	}
}

// resound sends by all ways for a while, because the far end does, and not
// because we did.
func (r *mediaRoute) resound(now hal.Instant, active *mediaWay) {
	if copied := r.copied.Load(); copied != 0 && now.Sub(hal.Instant(copied)) < ownEcho {
		return
	}
	if last := hal.Instant(r.twice.Swap(int64(now))); now.Sub(last) > echoRest {
		r.began.Store(int64(now))
		r.repeat(func(w *mediaWay) bool { return w.heard != active.heard })
	}
	if now.Sub(hal.Instant(r.began.Load())) < echoLimit {
		r.echo.Store(int64(now.Add(echoFor)))
	}
}

// obey sends by all ways for a while, because the far end has sent a packet twice
// by a way that it does not use: it hears nothing. Copies alone may not say so, if
// they have been coming for a while.
func (r *mediaRoute) obey(now hal.Instant, active *mediaWay) {
	if last := hal.Instant(r.begged.Swap(int64(now))); now.Sub(last) > echoRest {
		r.began.Store(int64(now))
		r.repeat(func(w *mediaWay) bool { return w.heard != active.heard })
	}
	if now.Sub(hal.Instant(r.began.Load())) < echoLimit {
		r.echo.Store(int64(now.Add(echoFor)))
	}
}

// quiet reports whether nothing comes by the active way.
func (r *mediaRoute) quiet(now hal.Instant, active *mediaWay) bool {
	heard, moved := hal.Instant(active.heard.Load()), hal.Instant(r.moved.Load())
	if heard < moved {
		return now.Sub(moved) > settleAfter
	}
	return now.Sub(heard) > r.patience(now)
}

// sentSince reports whether sound that came by another way than the active one
// was sent after the far end had moved to that: it is no straggler.
func (r *mediaRoute) sentSince(now hal.Instant, seq int) bool {
	if now.Sub(hal.Instant(r.moved.Load())) > overlap {
		return true
	}
	mark := r.mark.Load()
	return mark >= 0 && int8(seq-int(mark)) >= 0
}

// SendMedia implements media.Sender.
func (r *mediaRoute) SendMedia(payload []byte) { r.sendAt(hal.Now(), payload) }

// Pulse implements media.Pulser.
func (r *mediaRoute) Pulse() { r.pulseAt(hal.Now()) }

// pulseAt notices between two packets that the call has fallen silent.
func (r *mediaRoute) pulseAt(now hal.Instant) {
	if now.Sub(hal.Instant(r.looked.Swap(int64(now)))) > stoodStill {
		r.wakes.Store(int64(now.Add(wakes)))
	}
	active := r.active.Load()
	if active == nil || !r.strew(now) {
		return
	}
	if since := r.sound.Load(); r.again.Swap(since) != since && r.afford(now) {
		r.copied.Store(int64(now))
		r.repeat(func(w *mediaWay) bool { return w.heard != active.heard })
	}
}

// sendAt sends sound by the active way, or by all.
func (r *mediaRoute) sendAt(now hal.Instant, payload []byte) {
	set, active := r.set.Load(), r.active.Load()
	if set == nil || active == nil {
		return
	}
	r.own.Store(int64(now.Sub(hal.Instant(r.left.Swap(int64(now))))))
	r.sending.Lock()
	defer r.sending.Unlock()
	if r.size = copy(r.last[:], payload); r.size < len(payload) {
		r.size = 0
	}
	routed := r.out.send(active.MediaWay, payload)
	must := !routed || now < hal.Instant(r.shaken.Load())
	strew := r.strew(now)
	all := must || (strew || now < hal.Instant(r.echo.Load())) && r.afford(now)
	for _, w := range set.ways {
		if all && w.heard != active.heard {
			r.out.send(w.MediaWay, payload)
		}
	}
	tried := r.try(set.trial, active, payload)
	if all && (strew || must) || tried {
		r.copied.Store(int64(now))
	}
}

// try sends sound by a trial as well, as far as its credit goes.
func (r *mediaRoute) try(t, active *mediaWay, payload []byte) bool {
	if t == nil || t.heard == active.heard || !t.pays(wire.SessionHeader+len(payload)+wire.Tag+ipUDP) {
		return false
	}
	r.out.send(t.MediaWay, payload)
	return true
}

// mayTell reports whether the loop has been left alone for a while.
func (r *mediaRoute) mayTell(now hal.Instant) bool {
	last := r.told.Load()
	return now.Sub(hal.Instant(last)) > silentAfter+r.stretch() && r.told.CompareAndSwap(last, int64(now))
}
