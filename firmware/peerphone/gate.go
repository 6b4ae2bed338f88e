package main

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"peerphone/node/path"
)

// Bounds for connections that have not proved anything yet. A scan, a flood or
// a thousand slow writers cost a few hundred goroutines and file descriptors,
// and leave room for who comes from elsewhere.
const (
	maxHalfOpen   = 256             // at a time, over all ports
	maxFromPrefix = 32              // of them, from one /24 or /48
	halfOpenTime  = 5 * time.Second // to say who one is
	youngest      = time.Second     // one that is older makes room for a new one
)

// knocks is how often one prefix may connect.
var knocks = path.LimiterConfig{Rate: 5, Burst: 40, AllRate: 500}

// gate holds the connections that are half open.
type gate struct {
	mu     sync.Mutex
	limit  *path.PrefixLimiter // guarded by mu
	inside []*guest            // the oldest first, guarded by mu
}

// guest is a half-open connection.
type guest struct {
	conn   net.Conn
	prefix netip.Prefix
	since  time.Time
}

func newGate() *gate { return &gate{limit: path.NewPrefixLimiter(knocks)} }

// enter lets a connection in until leave; false: there is no room for it, and
// it should be closed. Those of this machine are not limited by their prefix.
func (g *gate) enter(now time.Time, c net.Conn) (*guest, bool) {
	from, _ := netip.ParseAddrPort(c.RemoteAddr().String())
	addr := from.Addr().Unmap()
	x := &guest{conn: c, prefix: path.PrefixOf(addr), since: now}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !addr.IsLoopback() && (!g.limit.Allow(now, addr) || g.fromLocked(x.prefix) >= maxFromPrefix) {
		return nil, false
	}
	if len(g.inside) >= maxHalfOpen {
		oldest := g.inside[0]
		if now.Sub(oldest.since) < youngest {
			return nil, false
		}
		oldest.conn.Close() // its goroutine leaves
		g.inside = g.inside[1:]
	}
	g.inside = append(g.inside, x)
	return x, true
}

func (g *gate) fromLocked(prefix netip.Prefix) int {
	n := 0
	for _, x := range g.inside {
		if x.prefix == prefix {
			n++
		}
	}
	return n
}

// leave says that x is not half open any more.
func (g *gate) leave(x *guest) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside = slices.DeleteFunc(g.inside, func(other *guest) bool { return other == x })
}
