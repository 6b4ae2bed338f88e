package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"math/rand/v2"
	"net/netip"
	"time"

	"peerphone/node"
	"peerphone/node/identity"
)

// Config describes a world.
type Config struct {
	Seed       uint64
	Supernodes int
	Phones     int
	Latency    time.Duration // one way, median; each pair of nodes has its own; 40 ms
	Jitter     time.Duration // mean of an exponential; 3 ms
	Loss       float64       // share of datagrams
	MediaEvery time.Duration // a packet of sound; 20 ms
	Quiet      time.Duration // mean pause between a user's calls; 3 min
	Birth      time.Time     // when the world begins
}

func (c *Config) setDefaults() {
	def(&c.Latency, 40*time.Millisecond)
	def(&c.Jitter, 3*time.Millisecond)
	def(&c.MediaEvery, 20*time.Millisecond)
	def(&c.Quiet, 3*time.Minute)
	if c.Birth.IsZero() {
		c.Birth = birth
	}
}

func def(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}

// birth is when a world begins that does not say when.
var birth = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

// World is a network and its time.
type World struct {
	// Constant after construction.
	cfg     Config
	network identity.Network
	issuing identity.Key
	params  []byte // signed by the root
	common  [32]byte

	now      time.Time
	events   events
	sequence uint64
	rng      *rand.ChaCha8
	draw     *rand.Rand // on rng
	nodes    []*Node
	byAddr   map[netip.AddrPort]*Node
	trace    hash.Hash
	report   Report
}

// New makes a world with its supernodes and phones, all switched off.
func New(cfg Config) (*World, error) {
	cfg.setDefaults()
	var seed [32]byte
	binary.BigEndian.PutUint64(seed[:], cfg.Seed)
	w := &World{
		cfg: cfg, now: cfg.Birth, rng: rand.NewChaCha8(seed), byAddr: map[netip.AddrPort]*Node{}, trace: sha256.New(),
	}
	w.draw = rand.New(w.rng)
	w.report = Report{Seed: cfg.Seed}
	if err := w.found(); err != nil {
		return nil, err
	}
	for i := range cfg.Supernodes + cfg.Phones {
		if err := w.settle(i); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// found makes the network: its root, and what the root signs.
func (w *World) found() error {
	root, err := identity.NewKey(w.rng)
	if err != nil {
		return err
	}
	if w.issuing, err = identity.NewKey(w.rng); err != nil {
		return err
	}
	w.rng.Read(w.common[:])
	w.network = identity.NetworkOf(root.ID())
	p := identity.Params{Sequence: 1, Issuing: w.issuing.ID(), NotAfter: w.now.Add(identity.ParamsValidity).Unix()}
	for i := range min(w.cfg.Supernodes, 7) {
		p.Bootstrap = append(p.Bootstrap, address(i))
	}
	w.params, err = identity.SignParams(root, p)
	return err
}

// address is the public address of the node with this number.
func address(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, byte(i >> 8), byte(i), 1}), 4000)
}

// settle adds node i: first come the supernodes, then the phones.
func (w *World) settle(i int) error {
	n, err := newNode(w, i, i < w.cfg.Supernodes)
	if err != nil {
		return fmt.Errorf("sim: node %d: %w", i, err)
	}
	w.nodes = append(w.nodes, n)
	w.byAddr[n.addr] = n
	return nil
}

// Start switches every node on, each within the first ten seconds.
func (w *World) Start() {
	for _, n := range w.nodes {
		w.after(time.Duration(w.draw.Int64N(int64(10*time.Second))), n.switchOn)
	}
}

// Now returns the virtual time.
func (w *World) Now() time.Time { return w.now }

// carry takes a datagram over the network.
func (w *World) carry(from *Node, to netip.AddrPort, frame []byte) {
	w.report.Datagrams++
	w.report.Bytes += uint64(len(frame) + ipUDP)
	w.record(from, to, frame)
	target := w.byAddr[to]
	if target == nil || w.draw.Float64() < w.cfg.Loss {
		return
	}
	delay := w.latency(from, target) + time.Duration(w.draw.ExpFloat64()*float64(w.cfg.Jitter))
	w.after(delay, func(now time.Time) { target.receive(now, from.addr, frame) })
}

// ipUDP is what IPv4 and UDP add to a datagram, in bytes.
const ipUDP = 28

// latency is one way between two nodes: 0.25 to 1.75 of the median, the same
// each time and in both directions.
func (w *World) latency(a, b *Node) time.Duration {
	x, y := uint64(min(a.number, b.number)), uint64(max(a.number, b.number))
	share := float64((x*2654435761+y*40503+w.cfg.Seed)%1000) / 1000
	return time.Duration((0.25 + 1.5*share) * float64(w.cfg.Latency))
}

// record adds a datagram to the trace.
func (w *World) record(from *Node, to netip.AddrPort, frame []byte) {
	var head [24]byte
	binary.BigEndian.PutUint64(head[:], uint64(w.now.Sub(w.cfg.Birth)))
	binary.BigEndian.PutUint32(head[8:], uint32(from.number))
	binary.BigEndian.PutUint16(head[12:], to.Port())
	ip := to.Addr().As4()
	copy(head[14:], ip[:])
	w.trace.Write(head[:])
	w.trace.Write(frame)
}

// Report says what has happened so far.
func (w *World) Report() Report {
	r := w.report
	r.TraceHash = hex.EncodeToString(w.trace.Sum(nil)[:16])
	return r
}

// Snapshots returns what each phone shows of itself.
func (w *World) Snapshots() []node.Snapshot {
	var list []node.Snapshot
	for _, n := range w.nodes {
		if n.user != nil {
			list = append(list, n.core.Snapshot(w.now))
		}
	}
	return list
}
