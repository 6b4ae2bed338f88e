package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"peerphone/hal"
	"peerphone/node/directory"
	"peerphone/node/handset"
	"peerphone/node/identity"
	"peerphone/node/login"
	"peerphone/node/media"
	"peerphone/node/path/portmap"
	"peerphone/node/session"
	"peerphone/node/wire"
)

// Config makes a Node.
type Config struct {
	State      State
	Invitation identity.Invitation
	Name       identity.Name
	Number     identity.Number
	Display    string
	Password   string // "" : only certificates that were granted before
	Register   bool   // make the account when there is none
	Listen     string // UDP, ADDRESS:PORT; port 0: random at first, then kept
	Promotion  Promotion
	Contacts   []Contact // known from the start

	PortMapping  bool   // ask the router for a port that leads to ours
	RelayMonthly uint64 // as a supernode, bytes relayed a month, in and out; 0: no cap
	RelayLine    uint64 // likewise, bytes a second each way; 0: as measured

	Settings Settings // the owner's choices before he has made any on the page

	Devices hal.Devices
	Version string
	Log     *slog.Logger
}

// Contact is a contact that the configuration knows.
type Contact struct{ Name, Number string }

// Node is a running node.
type Node struct {
	// Constant after construction.
	log     *slog.Logger
	state   State
	inv     identity.Invitation
	account identity.Key
	device  identity.Key
	devices hal.Devices
	socket  *socket
	tickets *session.Tickets // of streams to homes
	engine  *media.Engine    // nil without a sound card
	mapper  *portmap.Mapper  // nil: the owner does not want it
	version string
	begun   time.Time
	mapping bool // wanted
	// unblocked is closed, by the loop, when UDP may pass: see holdMapping.
	unblocked chan struct{}
	// candidate says that the owner does not mind serving others, line how many
	// bytes a second he lets go for it, 0 when he has not said.
	candidate bool
	line      uint64

	in      chan input
	tls     chan session.Request
	faces   latest[handset.Face]
	restart chan struct{} // holds a token when the core says that it is time
	sounds  latest[sound] // nobody takes them without a sound card

	// Owned by Run.
	core    *Core
	call    strip
	sound   sound // that was wished for last
	workers sync.WaitGroup
	looks   map[directory.QueryID]chan<- directory.Result // of LookUp; as many as the directory has under way

	// Shared with everybody.
	snapshot atomic.Pointer[Snapshot]
	granted  atomic.Pointer[login.Granted] // nil before the first
	leg      atomic.Pointer[media.Leg]     // of the current call, or the last one
	watch    watchers
	release  atomic.Pointer[ReleaseView] // nil before SetRelease
}

// queue is how many inputs may wait for the control loop; the socket drops what
// does not fit, keys and commands wait.
const queue = 512

// Addr returns the address of the node's socket.
func (n *Node) Addr() netip.AddrPort {
	return n.socket.conn.addr
}

// Run runs the node until ctx is done; every goroutine of the node has ended
// when it returns.
func (n *Node) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	n.openMapper(ctx, n.mapping)
	// The owner of all these goroutines is Run.
	n.workers.Go(n.socket.read) // ends when the socket closes
	n.workers.Go(func() { n.shakeHands(ctx) })
	n.workers.Go(func() { n.driveFace(ctx) })
	if n.engine != nil {
		n.workers.Go(func() { n.driveSound(ctx) })
	}
	n.workers.Go(func() { n.readKeys(ctx) })
	n.workers.Go(func() { n.watchNetwork(ctx) })
	n.workers.Go(func() { n.keepTickets(ctx) })
	if n.mapper != nil {
		n.workers.Go(func() { n.keepMapping(ctx) })
	}
	n.workers.Go(func() { n.tickWatchers(ctx) })
	if n.candidate {
		n.workers.Go(func() { n.watchAbility(ctx, n.line) })
	}
	n.loop(ctx)
	stop()
	n.socket.close()
	n.workers.Wait()
	n.socket.more.readers.Wait()
	if n.engine != nil {
		n.engine.Close()
	}
	return nil
}

// loop owns the core: it waits for an input or a timer, lets the core settle,
// and carries its effects out.
func (n *Node) loop(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	n.core.Start(time.Now())
	for {
		n.carryOut(ctx, n.core.Take())
		now := time.Now()
		n.publish(now)
		timer.Reset(wait(n.core.Next(), now))
		select {
		case <-ctx.Done():
			n.leave()
			return
		case in := <-n.in:
			in(n.core, time.Now())
		case <-timer.C:
			n.core.Advance(time.Now())
		}
	}
}

// wait returns how long to sleep until next; a node with no timer looks again
// in an hour.
func wait(next, now time.Time) time.Duration {
	if next.IsZero() {
		return time.Hour
	}
	return max(0, next.Sub(now))
}

// leaveTime is how long the good-bye may take: a round trip to the farthest, and
// who is silent is not waited for.
const leaveTime = 300 * time.Millisecond

// leave says good-bye: calls end, homes and supernodes hear of it, also those at
// the other end of a stream.
func (n *Node) leave() {
	ctx, stop := context.WithTimeout(context.Background(), leaveTime)
	defer stop()
	n.core.Leave(time.Now())
	for !n.core.Left() && ctx.Err() == nil {
		n.carryOut(context.Background(), n.core.Take())
		select {
		case <-ctx.Done():
		case in := <-n.in:
			in(n.core, time.Now())
		case <-time.After(wait(n.core.Next(), time.Now())):
			n.core.Advance(time.Now())
		}
	}
	n.core.End(time.Now())
	n.carryOut(context.Background(), n.core.Take())
	n.socket.streams.endAll()
}

// ErrStopped says that the node no longer runs.
var ErrStopped = errors.New("node: stopped")

// Do runs a command in the control loop and waits for it: the one door for
// keypad, page and command line.
func (n *Node) Do(ctx context.Context, command func(c *Core, now time.Time)) error {
	done := make(chan struct{})
	in := func(c *Core, now time.Time) { command(c, now); close(done) }
	select {
	case n.in <- in:
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrStopped, ctx.Err())
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrStopped, ctx.Err())
	}
}

// strip is the call whose sound runs, owned by the loop.
type strip struct {
	index wire.Index
	leg   *media.Leg
	route *mediaRoute // nil until there is a way
	line  int         // bytes a second that it was said to let through; 0: nobody knew
}
