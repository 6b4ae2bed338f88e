package sim

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"peerphone/node"
	"peerphone/node/directory"
	"peerphone/node/identity"
	"peerphone/node/overlay"
	"peerphone/node/wire"
)

// Config describes a world.
type Config struct {
	Seed       uint64
	Supernodes int
	Phones     int
	Latency    time.Duration // one way, median; each pair of nodes has its own; 40 ms
	Latencies  Latencies     // nil: Even, of Latency
	Jitter     time.Duration // mean of an exponential; 3 ms
	Loss       float64       // share of datagrams
	MediaEvery time.Duration // a packet of sound; 20 ms
	Quiet      time.Duration // mean pause between a user's calls; 3 min
	Old        bool          // the supernodes know each other from before
	Silent     bool          // there are phones, but nobody uses them
	Strangers  bool          // nobody is anybody's contact: calls are relayed
	Searchable bool          // everybody is found by the words of a display name
	Candidates bool          // the phones are able to serve others, and their owners do not mind
	Real       bool          // handshakes are TLS's and signatures Ed25519's, not the stand-ins'
	Birth      time.Time     // when the world begins
	Mode       Mode
	MaxGuests  int     // attachments that a supernode admits; 1000
	AttachRate float64 // in a second; 50
	Workers    int     // that share the nodes; the course is the same; 0: as many as there are processors
	eager      bool    // the workers are called for every window: tests
}

func (c *Config) setDefaults() {
	c.shape()
	def(&c.Latency, 40*time.Millisecond)
	def(&c.Jitter, 3*time.Millisecond)
	def(&c.MediaEvery, 20*time.Millisecond)
	def(&c.Quiet, 3*time.Minute)
	if c.Birth.IsZero() {
		c.Birth = birth
	}
	if c.Latencies == nil {
		c.Latencies = Even{c.Seed, c.Latency}
	}
}

func def(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}

// birth is when a world begins that does not say when. TLS packs certificates with
// the dates of a new year less well, and then the stand-in's sizes are not quite
// its own.
var birth = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

// World is a network and its time.
type World struct {
	// Constant after construction.
	cfg     Config
	network identity.Network
	issuing identity.Key
	params  []byte // signed by the root
	common  [32]byte
	signs   *identity.StandIn

	now    time.Time // of the world as a whole; nodes have that of their shard
	shards []*shard
	events events // that are no node's
	ranks  uint64 // of these
	rng    *rand.ChaCha8
	draw   *rand.Rand // on rng
	verify verified
	copies copies
	nodes  []*Node
	roster overlay.Roster // that all supernodes have kept
	plot   plot
	crew   crew
	looked func(*Node, directory.Result) // takes the answers to Find; nil: nobody asks

	grant func(*Node) wire.Message                                // tests: what the login server answers; nil: it is away
	forge func(from *Node, to netip.AddrPort, frame []byte) *Node // tests: as whose a datagram arrives; nil: its sender's
}

// New makes a world with its supernodes and phones, all switched off.
func New(cfg Config) (*World, error) {
	cfg.setDefaults()
	seed := seedOf(cfg.Seed, "world", 0)
	w := &World{
		cfg: cfg, now: cfg.Birth, rng: rand.NewChaCha8(seed),
	}
	w.draw = rand.New(w.rng)
	w.share()
	if err := w.found(); err != nil {
		return nil, err
	}
	if err := w.settle(); err != nil {
		return nil, err
	}
	return w, w.prepare()
}

// seedOf returns a seed of its own for each purpose and node of a world.
func seedOf(seed uint64, purpose string, n int) [32]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%d %s %d", seed, purpose, n))
}

// found makes the network: its root, and what the root signs.
func (w *World) found() error {
	root := identity.KeyFromSeed(seedOf(w.cfg.Seed, "root", 0))
	w.rng.Read(w.common[:])
	w.signs = identity.NewStandIn(w.common)
	w.issuing = w.key("issuing", 0)
	w.network = identity.NetworkOf(root.ID())
	p := identity.Params{Sequence: 1, Issuing: w.issuing.ID(), NotAfter: w.now.Add(identity.ParamsValidity).Unix()}
	if w.cfg.Mode == Kademlia {
		p.Membership = identity.Kademlia
	}
	for i := range min(w.cfg.Supernodes, 7) {
		p.Bootstrap = append(p.Bootstrap, address(i))
	}
	var err error
	w.params, err = identity.SignParams(root, p)
	return err
}

// key returns the key of a node for a purpose.
func (w *World) key(purpose string, n int) identity.Key {
	seed := seedOf(w.cfg.Seed, purpose, n)
	if w.cfg.Real {
		return identity.KeyFromSeed(seed)
	}
	return w.signs.KeyFromSeed(seed)
}

// signatures returns what verifies the nodes' signatures.
func (w *World) signatures() identity.Verifier {
	if w.cfg.Real {
		return &w.verify
	}
	return w.signs
}

// address is the public address of the node with this number: each has a /24 of
// its own.
func address(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{byte(40 + i>>16), byte(i >> 8), byte(i), 1}), 4000)
}

// supernodes returns all that serve others.
func (w *World) supernodes() []*Node { return w.nodes[:w.cfg.Supernodes] }

// phones returns all that have a number.
func (w *World) phones() []*Node {
	if w.cfg.Mode == Gnutella {
		return w.nodes
	}
	return w.nodes[w.cfg.Supernodes:]
}

// nodeAt returns the node at an address, nil when there is none.
func (w *World) nodeAt(a netip.AddrPort) *Node {
	if !a.Addr().Is4() {
		return nil
	}
	b := a.Addr().As4()
	i := (int(b[0])-40)<<16 | int(b[1])<<8 | int(b[2])
	if i < 0 || i >= len(w.nodes) || w.nodes[i].addr != a {
		return nil
	}
	return w.nodes[i]
}

// settle makes the nodes: first come the supernodes, then the phones. Their
// certificates depend on nothing but their numbers, so the machine's processors
// share them.
func (w *World) settle() error {
	w.nodes = make([]*Node, w.cfg.Supernodes+w.cfg.Phones)
	var next atomic.Int64
	workers := make([]error, runtime.GOMAXPROCS(0))
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() { workers[i] = w.makeNodes(&next) }) // owner: settle
	}
	group.Wait()
	if err := errors.Join(workers...); err != nil {
		return err
	}
	for _, n := range w.nodes {
		n.place = w.cfg.Latencies.Place(w.draw)
	}
	return nil
}

// makeNodes makes nodes until there are enough.
func (w *World) makeNodes(next *atomic.Int64) error {
	for {
		i := int(next.Add(1)) - 1
		if i >= len(w.nodes) {
			return nil
		}
		n, err := newNode(w, i, i < w.cfg.Supernodes)
		if err != nil {
			return fmt.Errorf("sim: node %d: %w", i, err)
		}
		w.nodes[i] = n
	}
}

// startTime is within which all nodes of a world are switched on.
const startTime = 10 * time.Second

// Start switches every node on, each within startTime.
func (w *World) Start() {
	for _, n := range w.nodes {
		w.after(time.Duration(w.draw.Int64N(int64(startTime))), n.switchOn)
	}
}

// Now returns the virtual time.
func (w *World) Now() time.Time { return w.now }

// Snapshots returns what each phone shows of itself.
func (w *World) Snapshots() []node.Snapshot {
	var list []node.Snapshot
	for _, n := range w.nodes {
		if n.phone {
			list = append(list, n.core.Snapshot(w.now))
		}
	}
	return list
}
