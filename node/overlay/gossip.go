package overlay

import (
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

const (
	// A rumour is told at gossipRounds ticks to gossipFan fellows each, so in a
	// network of fifty everybody hears it from several.
	gossipEvery  = 250 * time.Millisecond
	gossipFan    = 6
	gossipRounds = 3
	// gossipPages bounds the messages to one fellow at one tick.
	gossipPages = 4
	// Without anything new a fellow is asked for a sample of what it knows:
	// each exchangeNew for exchangeCalm after the last change, else each
	// exchangeOld.
	exchangeNew  = 2 * time.Second
	exchangeOld  = time.Minute
	exchangeCalm = 30 * time.Second
	// What one message may name: each of the living takes at most 60 bytes of
	// wire.MaxMessage, each of the dead 36.
	maxLive = 10
	maxDead = 10
	// maxRumours bounds the queue; the oldest is forgotten: the exchange tells
	// it in the end.
	maxRumours = 512
)

// rumourKind says what is told of a member.
type rumourKind uint8

const (
	alive rumourKind = iota
	gone
)

// rumour is news of one member.
type rumour struct {
	m    wire.Member
	kind rumourKind
	left int // ticks
}

// gossip spreads news among the supernodes.
type gossip struct {
	queue    []rumour  // one for each member at most
	tick     time.Time // when the queue is told; set while it is not empty and somebody listens
	exchange time.Time // when a sample is asked for; set while somebody listens
	calm     time.Time // until when the network counts as changing
}

// rumour queues news; it replaces what was told of the same member.
func (g *gossip) rumour(r rumour) {
	r.left = gossipRounds
	g.queue = slices.DeleteFunc(g.queue, func(x rumour) bool { return x.m.Node == r.m.Node })
	if len(g.queue) == maxRumours {
		g.queue = slices.Delete(g.queue, 0, 1)
	}
	g.queue = append(g.queue, r)
}

func (g *gossip) due() time.Time { return earlier(g.tick, g.exchange) }

// arm sets the timers that are needed.
func (g *gossip) arm(now time.Time, o *Overlay) {
	if !slices.ContainsFunc(o.links, (*link).listens) {
		g.tick, g.exchange = time.Time{}, time.Time{}
		return
	}
	if len(g.queue) > 0 {
		g.calm = now.Add(exchangeCalm)
		if g.tick.IsZero() {
			g.tick = now.Add(gossipEvery)
		}
	}
	if pause := g.pause(now); g.exchange.IsZero() || g.exchange.After(now.Add(2*pause)) {
		g.exchange = now.Add(pause + o.jitter(pause/2))
	}
}

func (g *gossip) pause(now time.Time) time.Duration {
	if g.calm.After(now) {
		return exchangeNew
	}
	return exchangeOld
}

// listens reports whether l is a fellow supernode.
func (l *link) listens() bool { return l.join != notJoined }

func (g *gossip) advance(now time.Time, o *Overlay) {
	if passed(g.tick, now) {
		g.tick = time.Time{}
		g.tell(o)
	}
	if passed(g.exchange, now) {
		g.exchange = time.Time{}
		if fellows := o.fellows(1); len(fellows) > 0 {
			o.send(fellows[0], wire.Join{Self: o.self()})
		}
		o.lookUpOld(now)
	}
}

// tell spreads the queue to some fellows.
func (g *gossip) tell(o *Overlay) {
	pages := g.pages()
	for _, l := range o.fellows(gossipFan) {
		for _, page := range pages {
			o.send(l, page)
		}
	}
	for i := range g.queue {
		g.queue[i].left--
	}
	g.queue = slices.DeleteFunc(g.queue, func(r rumour) bool { return r.left <= 0 })
}

// pages packs the newest rumours into messages.
func (g *gossip) pages() []wire.Members {
	var live []wire.Member
	var dead []identity.ID
	for _, r := range g.queue {
		if r.kind == gone {
			dead = append(dead, r.m.Node)
		} else {
			live = append(live, r.m)
		}
	}
	var pages []wire.Members
	for len(pages) < gossipPages && len(live)+len(dead) > 0 {
		n, k := min(len(live), maxLive), min(len(dead), maxDead)
		pages = append(pages, wire.Members{Live: live[:n:n], Dead: dead[:k:k]})
		live, dead = live[n:], dead[k:]
	}
	return pages
}

// fellows returns up to n supernodes with whom we are in session, at random.
func (o *Overlay) fellows(n int) []*link {
	var ls []*link
	for _, l := range o.links {
		if l.listens() {
			ls = append(ls, l)
		}
	}
	o.rand.Shuffle(len(ls), func(i, j int) { ls[i], ls[j] = ls[j], ls[i] })
	return ls[:min(n, len(ls))]
}

// lookUpOld dials one old acquaintance that is no member now, so that two
// halves of a network that was split find each other again.
func (o *Overlay) lookUpOld(now time.Time) {
	var old []*entry
	for _, e := range o.cache.entries {
		if !e.m.Node.IsZero() && o.members.find(e.m.Node) == nil && !e.after.After(now) && !o.dialling(e.m) {
			old = append(old, e)
		}
	}
	if len(old) > 0 {
		o.dial(now, old[o.rand.IntN(len(old))].m)
	}
}
