package overlay

import (
	"time"

	"peerphone/node/wire"
)

// A phone feels the pulse of its homes, one after the other, by a question
// outside of the session: forty bytes there and forty back, which keep a NAT's
// binding, too. A Refresh that is nearly due takes the place of a question: that it
// has arrived tells as much. The first home that is silent lets all others be
// asked at once: when half of the supernodes vanish a phone may have lost all
// three, and nobody reaches it until it has found out.
const (
	// pulseEvery is how often each home is asked unless a NAT wants it oftener;
	// with three homes some home is asked each eight seconds.
	pulseEvery = 24 * time.Second
	// earlyRefresh is how early a Refresh may be for that.
	earlyRefresh = 2 * pulseEvery / 3
	// pulseWait is how long a home may take to answer, pulseTries how often it is
	// asked: a home that loses one datagram in ten is given up once in a year.
	pulseWait  = 600 * time.Millisecond
	pulseTries = 4
)

// pulse is what a link knows of its home's life.
type pulse struct {
	nonce uint64
	tries int       // that are not answered
	asked time.Time // when last
}

// feelPulse goes on with the homes that have not answered, and asks the next.
func (o *Overlay) feelPulse(now time.Time) {
	silent := false
	for _, l := range o.homeLinks() {
		if l.pulse.tries == 0 || l.pulse.asked.Add(pulseWait).After(now) {
			continue
		}
		silent = true
		if l.pulse.tries < pulseTries {
			o.askPulse(now, l)
			continue
		}
		o.leaveHome(now, l)
		o.release(now, l)
	}
	homes := o.homeLinks()
	if silent {
		for _, l := range homes {
			if l.pulse.tries == 0 {
				o.askPulse(now, l)
			}
		}
	}
	if !passed(o.pulse, now) {
		return
	}
	o.pulse = time.Time{}
	var next *link
	for _, l := range homes {
		if l.pulse.tries == 0 && (next == nil || l.pulse.asked.Before(next.pulse.asked)) {
			next = l
		}
	}
	switch {
	case next == nil:
	case passed(next.homeAt, now.Add(earlyRefresh)):
		o.refresh(now, next)
	default:
		o.askPulse(now, next)
	}
}

// beginPulse notes that l is asked.
func (o *Overlay) beginPulse(now time.Time, l *link) {
	if l.pulse.tries == 0 {
		l.pulse.nonce = o.rand.Uint64()
	}
	l.pulse.tries++
	l.pulse.asked = now
}

func (o *Overlay) askPulse(now time.Time, l *link) {
	o.beginPulse(now, l)
	o.emit(Ping{Index: l.ix, Member: wire.Member{Node: l.node, Addr: l.addr}, Nonce: l.pulse.nonce})
}

// Alive tells that something authentic has come in session ix: a home that is
// asked need not answer any more.
func (o *Overlay) Alive(ix wire.Index) {
	if o.cfg.Homes == 0 {
		return
	}
	if l := o.link(ix); l != nil && l.pulse.tries > 0 {
		l.pulse.tries, o.calm = 0, false
	}
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

// armPulse sets the timer while there are homes.
func (o *Overlay) armPulse(now time.Time) {
	n := len(o.homeLinks())
	if n == 0 {
		o.pulse = time.Time{}
	} else if o.pulse.IsZero() {
		every := pulseEvery
		if o.binding > 0 {
			every = min(every, o.binding)
		}
		o.pulse = now.Add(every/time.Duration(n) - every/32 + o.jitter(every/16))
	}
}

// SetPulse tells how often homes must be asked at least so that a NAT lets them in.
func (o *Overlay) SetPulse(every time.Duration) { o.binding = every }

// pulseWake returns when feelPulse has something to do.
func (o *Overlay) pulseWake() time.Time {
	wake := o.pulse
	for _, l := range o.homeLinks() {
		if l.pulse.tries > 0 {
			wake = earlier(wake, l.pulse.asked.Add(pulseWait))
		}
	}
	return wake
}

// answered notes that a home lives; false: the nonce is of none.
func (o *Overlay) answered(nonce uint64) bool {
	for _, l := range o.homeLinks() {
		if l.pulse.tries > 0 && l.pulse.nonce == nonce {
			l.pulse.tries = 0
			return true
		}
	}
	return false
}
