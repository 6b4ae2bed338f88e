package overlay

import (
	"net/netip"
	"slices"
	"time"

	"peerphone/node/wire"
)

const (
	// maxCache bounds the host cache, as Skype's.
	maxCache = 200
	// maxBootstrap bounds the addresses without a key, which are never evicted.
	maxBootstrap = 32
	// maxOfNetwork bounds the entries of one network: who rents it shall not fill
	// the cache, and its failure shall not empty it.
	maxOfNetwork = maxCache / 10
	// A change of the cache is told after cacheDelay, and again no sooner than
	// cachePause later: each is a write to a flash card.
	cacheDelay = 2 * time.Second
	cachePause = time.Minute
)

// entry is a supernode in the host cache. Its Node is zero until a session
// has proved who is at a bootstrap address.
type entry struct {
	m         wire.Member
	bootstrap bool      // told by address only
	reached   time.Time // last session; zero: hearsay
	fails     int       // dials in vain since
	after     time.Time // not to be dialled before
	probe     probe
}

// cache is the host cache: where to turn when a home is lost.
type cache struct {
	entries []*entry // in the order in which they were learnt
	written time.Time
	write   time.Time // when CacheChanged is due; set by a change, cleared when told
}

// find returns the entry of m, by key or, while that is not known, by address.
func (c *cache) find(m wire.Member) *entry {
	for _, e := range c.entries {
		if !m.Node.IsZero() && e.m.Node == m.Node {
			return e
		}
	}
	for _, e := range c.entries {
		if (e.m.At(m.Addr) || e.m.At(m.Addr6)) && (e.m.Node.IsZero() || m.Node.IsZero()) {
			return e
		}
	}
	return nil
}

// dialledAs returns the entry that was dialled as m. Of a supernode with two addresses
// one may be an entry of its own still, which is what has failed then, and must not
// be tried again at once because the other one works.
func (c *cache) dialledAs(m wire.Member) *entry {
	if i := slices.IndexFunc(c.entries, func(e *entry) bool { return e.m == m }); i >= 0 {
		return c.entries[i]
	}
	return c.find(m)
}

// hearEntry notes hearsay. It changes nothing that a session has proved.
func (o *Overlay) hearEntry(now time.Time, m wire.Member) {
	c := &o.cache
	e := c.find(m)
	switch {
	case e == nil:
		o.addEntry(now, &entry{m: m, bootstrap: m.Node.IsZero()})
	case m.Node.IsZero():
		e.bootstrap = true
	case e.m.Node == m.Node && m.At(e.m.Addr): // as we know it, and maybe more
		if !e.m.Addr6.IsValid() {
			e.m.Addr, e.m.Addr6 = m.Addr, m.Addr6
		}
		if e.m.Ports == 0 {
			e.m.Ports = m.Ports
		}
	case e.m.Node == m.Node && !e.m.At(m.Addr) && (e.reached.IsZero() || e.fails > 0): // it may have moved
		e.m.Addr, e.m.Addr6, e.fails, e.after = m.Addr, m.Addr6, 0, time.Time{}
	}
}

func (o *Overlay) addEntry(now time.Time, e *entry) {
	c := &o.cache
	if e.bootstrap && c.bootstraps() >= maxBootstrap {
		return
	}
	network := networkOf(e.m.Addr.Addr())
	if network.IsValid() && !e.bootstrap && c.of(network) >= maxOfNetwork && !o.evict(e, network) {
		o.counters.Crowded++
		return
	}
	if len(c.entries) >= maxCache && !o.evict(e, netip.Prefix{}) {
		return
	}
	c.entries = append(c.entries, e)
	c.changed(now)
}

// of counts the entries of a network.
func (c *cache) of(network netip.Prefix) int {
	n := 0
	for _, e := range c.entries {
		if networkOf(e.m.Addr.Addr()) == network {
			n++
		}
	}
	return n
}

func (c *cache) bootstraps() int {
	n := 0
	for _, e := range c.entries {
		if e.bootstrap {
			n++
		}
	}
	return n
}

// evict makes room for e by removing the worst entry, of a network if it is
// valid: most failures, then hearsay, then the one that was reached longest ago.
// Hearsay pushes out nothing that works, and in a crowded network no other hearsay.
func (o *Overlay) evict(e *entry, network netip.Prefix) bool {
	worst := -1
	for i, x := range o.cache.entries {
		if network.IsValid() && networkOf(x.m.Addr.Addr()) != network {
			continue
		}
		if !x.bootstrap && o.linkTo(x.m.Node) == nil && (worst < 0 || x.worse(o.cache.entries[worst])) {
			worst = i
		}
	}
	if worst < 0 {
		return false
	}
	x := o.cache.entries[worst]
	if e.reached.IsZero() && !e.bootstrap && x.fails == 0 && (network.IsValid() || !x.reached.IsZero()) {
		return false
	}
	o.cache.entries = slices.Delete(o.cache.entries, worst, worst+1)
	o.counters.Evicted++
	return true
}

func (x *entry) worse(y *entry) bool {
	if x.fails != y.fails {
		return x.fails > y.fails
	}
	return x.reached.Before(y.reached)
}

// reachedEntry notes that a session with m is up. A bootstrap address that
// turns out to be a node that is known by another address stays for its own
// sake: the other may be gone tomorrow.
func (o *Overlay) reachedEntry(now time.Time, m wire.Member) {
	c := &o.cache
	e := c.at(m)
	if e == nil {
		e = &entry{m: m, reached: now}
		o.addEntry(now, e)
		return
	}
	if e.m.Node == m.Node { // a session says nothing of ports and other addresses
		if m.Ports == 0 {
			m.Ports = e.m.Ports
		}
		if e.m.At(m.Addr) && !m.Addr6.IsValid() {
			m.Addr, m.Addr6 = e.m.Addr, e.m.Addr6
		}
	}
	if e.m != m || e.reached.IsZero() {
		c.changed(now)
	}
	e.m, e.reached, e.fails, e.after = m, now, 0, time.Time{}
}

// at returns the entry that led to m: the one with its address, if that is
// nobody else's, else the one with its key.
func (c *cache) at(m wire.Member) *entry {
	for _, e := range c.entries {
		if e.m.At(m.Addr) && (e.m.Node == m.Node || e.m.Node.IsZero()) {
			return e
		}
	}
	return c.find(m)
}

// changed asks for CacheChanged.
func (c *cache) changed(now time.Time) {
	if !c.write.IsZero() {
		return
	}
	c.write = now.Add(cacheDelay)
	if soon := c.written.Add(cachePause); !c.written.IsZero() && soon.After(c.write) {
		c.write = soon
	}
}

func (o *Overlay) advanceCache(now time.Time) {
	if passed(o.cache.write, now) {
		o.cache.write, o.cache.written = time.Time{}, now
		o.emit(CacheChanged{})
	}
}

// known returns the entries whose keys are known, those that were reached last
// first.
func (c *cache) known() []*entry {
	known := slices.DeleteFunc(slices.Clone(c.entries), func(e *entry) bool { return e.m.Node.IsZero() })
	slices.SortStableFunc(known, func(a, b *entry) int { return b.reached.Compare(a.reached) })
	return known
}

// Cache returns the host cache: at most 200 supernodes whose keys are known, those
// that were reached last first.
func (o *Overlay) Cache() []wire.Member {
	var ms []wire.Member
	for _, e := range o.cache.known() {
		ms = append(ms, e.m)
	}
	return ms
}

// Kept is an entry of the host cache, as it is kept on disk.
type Kept struct {
	wire.Member
	Reached time.Time     `json:",omitzero"` // last session; zero: hearsay
	RTT     time.Duration `json:",omitzero"` // round trip, as far as it is known
}

// Keep returns the host cache for the disk.
func (o *Overlay) Keep() []Kept {
	var list []Kept
	for _, e := range o.cache.known() {
		list = append(list, Kept{e.m, e.reached, e.probe.rtt})
	}
	return list
}

// Recall takes the host cache that was kept. It comes before Learn.
func (o *Overlay) Recall(now time.Time, list []Kept) {
	o.calm = false
	for _, k := range list {
		if k.Node.IsZero() || !dialable(k.Addr) || o.cache.find(k.Member) != nil {
			continue
		}
		e := &entry{m: k.Member, reached: k.Reached}
		if e.reached.After(now) {
			e.reached = now // our clock has gone back
		}
		e.probe.rtt = max(0, k.RTT)
		o.addEntry(now, e)
	}
}
