package node

import (
	"io"
	"maps"
	"net/netip"
	"slices"
	"time"

	"peerphone/hal"
	"peerphone/node/call"
	"peerphone/node/contacts"
	"peerphone/node/directory"
	"peerphone/node/handset"
	"peerphone/node/identity"
	"peerphone/node/login"
	"peerphone/node/overlay"
	"peerphone/node/path"
	"peerphone/node/session"
	"peerphone/node/wire"
)

// Core is the whole control plane of a node: the cores, and the routing
// between them. It holds no protocol rule of its own. Like every core it takes
// now, never blocks, and leaves what it wants done in an outbox: Take.
//
// The same Core runs on sockets (Node) and in the simulator (node/sim).
type Core struct {
	// Constant after construction.
	network   identity.Network
	account   identity.Key
	device    identity.Key
	phone     bool // has a handset, and so a number to be called at
	candidate func() []netip.AddrPort
	rand      io.Reader
	verify    func(id identity.ID, msg, sig []byte) bool
	lie       func(ix wire.Index, m wire.Message) wire.Message // nil but in simulations

	sessions *session.Table
	paths    *path.Table
	overlay  *overlay.Overlay
	client   *directory.Client
	presence *directory.Presence // nil without a phone
	login    *login.Client
	calls    *call.Calls
	contacts *contacts.Book
	handset  *handset.Handset
	log      *contacts.Log

	legs *path.Legkeeper

	lanes     *path.Introducer    // supernode half; nil in a phone that serves nobody
	index     *directory.Index    // likewise
	keeper    *directory.Keeper   // likewise
	relay     *path.Relay         // likewise
	questions *path.PrefixLimiter // likewise
	halves    halves              // what they are made from
	candidacy *overlay.Candidacy  // nil: this node is a supernode from the start, or never

	granted  *login.Granted // zero before the first grant; it is others' as well
	cache    []overlay.Kept // that was kept, until the first grant
	peers    peers
	attempts attempts
	streams  streams
	listing  listing
	racer    path.Racer
	thrift   thrift
	outside  outside
	fresh    *path.Fresh
	revoker  *overlay.Revoker
	// keptRevoked is the revocation list from disk, until there is a key to check it by.
	keptRevoked []byte
	view        view
	settings    Settings
	display     string // the owner's display name
	inquiry     inquiry
	known       acquaintances
	near        near
	out         []Effect
}

// CoreConfig makes a Core.
type CoreConfig struct {
	Rand       io.Reader
	Network    identity.Network
	Account    identity.Key
	Device     identity.Key
	Supernode  bool // from the start
	Candidate  bool // becomes one when it is able and others attest that it is reachable
	Phone      bool
	Addr       netip.AddrPort          // of our socket, as others reach a supernode
	Addr6      netip.AddrPort          // likewise over IPv6, beside an Addr of IPv4; not valid: it has none
	Port       uint16                  // of our socket
	NAT        path.NAT                // that was found at an earlier start
	Candidates func() []netip.AddrPort // at which we may be reached directly, at most 16
	Login      login.ClientConfig      // Rand, Account and Device are taken from here
	Cache      []overlay.Kept          // host cache that was kept
	Roster     overlay.Roster          // of a supernode: the membership that was kept
	Contacts   *contacts.Book
	Log        *contacts.Log
	Codecs     []wire.Codec
	Relay      path.RelayConfig // Rand, Verify and Session are taken from here
	Settings   Settings         // the owner's choices, as kept
	Known      []Acquaintance   // keys that contacts have given us
	Revoked    []byte           // the revocation list that was kept
	// Verify and CheckNode are ports for verifying signatures, and the compact
	// certificates of supernodes; nil: in earnest.
	Verify    func(id identity.ID, msg, sig []byte) bool
	CheckNode func(compact []byte, trust identity.Trust, now time.Time) error
	// Keep returns a copy of a record of others that is kept here; nil: one of our
	// own.
	Keep func(record []byte) []byte
	// Lie makes a liar, in simulations: it returns what is said in a session in the
	// place of m, nil for nothing. Nil: the truth.
	Lie func(ix wire.Index, m wire.Message) wire.Message
	// Of a supernode: attachments to admit, in all and in a second; 0: 1000 and 50.
	MaxGuests  int
	AttachRate float64
}

// NewCore makes the control plane of a node; Start begins.
func NewCore(cfg CoreConfig) *Core {
	c := &Core{
		network: cfg.Network, account: cfg.Account, device: cfg.Device, phone: cfg.Phone,
		candidate: cfg.Candidates, contacts: cfg.Contacts, log: cfg.Log, cache: cfg.Cache,
		settings: cfg.Settings, display: cfg.Login.Display, known: newAcquaintances(cfg.Known), peers: newPeers(), attempts: newAttempts(), streams: newStreams(), rand: cfg.Rand, verify: cfg.Verify, lie: cfg.Lie,
		outside: outside{
			port: cfg.Port, survey: path.NewSurvey(path.Config{Rand: cfg.Rand}, cfg.NAT),
			lifetime: path.NewLifetime(path.Config{Rand: cfg.Rand}),
		},
		granted: new(login.Granted),
		fresh:   path.NewFresh(path.Config{Rand: cfg.Rand}), keptRevoked: cfg.Revoked,
	}
	c.revoker = overlay.NewRevoker(overlay.RevokerConfig{Signers: func() []identity.ID { return c.granted.Params.Signers() }})
	cfg.Login.Rand, cfg.Login.Account, cfg.Login.Device = cfg.Rand, cfg.Account, cfg.Device
	records := directory.Config{
		Rand: cfg.Rand, Network: cfg.Network, Verify: cfg.Verify, Keep: cfg.Keep,
		Issuing: func() identity.ID { return c.granted.Trust.Issuing },
		Nearest: func(key identity.IndexKey, n int) []wire.Member { return c.overlay.Left(key, n) },
		Keepers: func(key identity.IndexKey) (uint32, int) { return c.overlay.Keepers(key) },
		Seeds:   func(now time.Time, n int) []wire.Contact { return c.overlay.Seeds(now, n) },
		Members: members{c}, Routing: members{c}, Revoked: c.revoked, Patience: c.patience,
		CheckName: func(der []byte, now time.Time) (identity.NameCertificate, error) {
			return c.granted.Trust.CheckName(der, now)
		},
	}
	c.sessions = session.New(session.Config{Rand: cfg.Rand, Network: cfg.Network, Public: cfg.Supernode})
	c.paths = path.New(path.Config{Rand: cfg.Rand})
	c.overlay = overlay.New(overlay.Config{
		Rand: cfg.Rand, Supernode: cfg.Supernode, SelfAddr: cfg.Addr, SelfAddr6: cfg.Addr6, Homes: homes(cfg.Phone),
		Verify: verifier(cfg.Verify), CheckNode: c.checkerOf(cfg.CheckNode),
		MaxGuests: cfg.MaxGuests, AttachRate: cfg.AttachRate, Streamed: c.streamed,
	})
	c.overlay.Restore(cfg.Roster)
	c.client = directory.NewClient(records)
	if cfg.Phone {
		c.presence = directory.NewPresence(records, cfg.Device.ID())
	}
	c.login = login.NewClient(cfg.Login)
	c.calls = call.New(call.Config{Rand: cfg.Rand, Codecs: cfg.Codecs})
	c.handset = handset.New(handset.Config{})
	c.listing.due = c.list
	c.legs = path.NewLegkeeper(path.Config{Rand: cfg.Rand})
	cfg.Relay.Rand, cfg.Relay.Verify, cfg.Relay.Session = cfg.Rand, cfg.Verify, c.nodeSession
	c.halves = halves{records, cfg.Relay}
	switch {
	case cfg.Supernode:
		c.openHalves()
	case cfg.Candidate:
		c.candidacy = overlay.NewCandidacy(cfg.Rand)
	}
	return c
}

// verifier returns the port for signatures: Ed25519 unless there is another.
func verifier(port func(id identity.ID, msg, sig []byte) bool) func(id identity.ID, msg, sig []byte) bool {
	if port == nil {
		return identity.ID.Verify
	}
	return port
}

// homes is how many supernodes a node is attached to (DESIGN section 7). A pure
// supernode is nobody whom one calls and needs none.
func homes(phone bool) int {
	if phone {
		return 3
	}
	return 0
}

// input is one thing that happened, run by the loop that owns the Core.
type input func(c *Core, now time.Time)

// Start begins: a node with certificates attaches, one without logs in.
func (c *Core) Start(now time.Time) {
	c.view.started = now
	c.outside.families(c.candidate())
	c.befriend(now)
	c.public(now)
	c.login.Start(now)
	c.settle(now)
}

// Take returns and clears the outbox.
func (c *Core) Take() []Effect {
	out := c.out
	c.out = nil
	return out
}

func (c *Core) do(e Effect) { c.out = append(c.out, e) }

// Handshake takes a handshake frame that came by w.
func (c *Core) Handshake(now time.Time, w path.Way, frame []byte) {
	c.shake(now, w, frame)
	c.settle(now)
}

// shake gives a handshake frame to its session, which it may begin.
func (c *Core) shake(now time.Time, w path.Way, frame []byte) {
	ix, ok := c.sessions.HandleFrom(now, frame, w.Addr, w.IsLane())
	if !ok {
		return
	}
	if _, known := c.paths.Way(ix); !known {
		c.paths.Open(now, ix, w)
	}
	c.paths.Heard(now, ix, w, len(frame))
	c.answered(now, ix)
}

// Opened takes the payload of a session frame that came by w and that the
// session's channel has opened.
func (c *Core) Opened(now time.Time, ix wire.Index, w path.Way, payload []byte) {
	c.opened(now, ix, w, payload)
	c.settleNear(now)
}

func (c *Core) opened(now time.Time, ix wire.Index, w path.Way, payload []byte) {
	if w = c.legs.Whole(w); w.IsZero() {
		return // a leg that was closed meanwhile
	}
	if !w.Direct() || wire.PayloadOf(payload) != wire.PayloadPath {
		c.paths.Heard(now, ix, w, wire.SessionHeader+len(payload)+wire.Tag)
	}
	c.besideTrain(ix, payload)
	switch wire.PayloadOf(payload) {
	case wire.PayloadControl, wire.PayloadAck, wire.PayloadClose:
		c.overlay.Alive(now, ix)
		if c.client.Heard(now, ix) {
			c.near.over = true
		}
		c.sessions.Payload(now, ix, payload)
	case wire.PayloadRefresh:
		c.sessions.Hears(now, ix)
		if r, ok := wire.ParseRefresh(payload); ok {
			c.overlay.Refreshed(now, ix, r)
		}
	case wire.PayloadDoubt:
		if d, ok := wire.ParseDoubt(payload); ok {
			c.overlay.Doubted(now, ix, d)
		}
	case wire.PayloadOffer:
		c.sessions.Hears(now, ix)
		if ids, ok := wire.ParseOffer(payload); ok {
			c.overlay.Offered(now, ix, ids)
		}
	case wire.PayloadPath:
		c.paths.Payload(now, ix, w, payload)
	case wire.PayloadTrain:
		c.near.over = true
		c.trainComes(now, ix, payload)
	case wire.PayloadLane:
		c.near.over = true
		if !w.IsLane() { // a lane within a lane leads round in circles
			c.lane(now, ix, payload)
		}
	}
}

// Progress takes the result of a handshake step.
func (c *Core) Progress(now time.Time, ix wire.Index, p session.Progress) {
	c.sessions.Progress(now, ix, p)
	if ch := c.sessions.Channel(ix); ch != nil {
		c.do(OpenSession{ix, ch}) // the peer may speak before we know that it has verified us
	}
	c.settle(now)
}

// LoginReply takes the login server's reply to AskLogin.
func (c *Core) LoginReply(now time.Time, m wire.Message) {
	c.login.Reply(now, m)
	c.settle(now)
}

// LoginFailed says that the login server could not be asked.
func (c *Core) LoginFailed(now time.Time, err error) {
	c.login.Failed(now, err)
	c.settle(now)
}

// Key takes a key of the handset going down.
func (c *Core) Key(now time.Time, k hal.Key) {
	c.handset.Key(now, k)
	c.settle(now)
}

// Hook takes the receiver being lifted or put back.
func (c *Core) Hook(now time.Time, lifted bool) {
	c.handset.Hook(now, lifted)
	c.settle(now)
	c.calls.Engaged(now, lifted)
	c.settle(now)
}

// Leave ends what others would wait for: the call, the attachments, and as a
// supernode our service. Sessions end when what was said in them has arrived; End
// is for those in which it does not.
func (c *Core) Leave(now time.Time) {
	c.calls.Shut(now)
	c.overlay.Leave(now)
	c.settle(now)
	for _, ix := range slices.Sorted(maps.Keys(c.peers.nodes)) {
		c.sessions.Close(now, ix)
	}
	if c.relay != nil {
		c.do(SaveRelay{c.relay.Month()})
		c.do(SaveRoster{})
	}
	c.settle(now)
}

// Roster returns the membership that a supernode knows.
func (c *Core) Roster() overlay.Roster { return c.overlay.Roster() }

// Left reports whether all sessions have ended after Leave.
func (c *Core) Left() bool { return len(c.peers.nodes) == 0 }

// End ends at once what Leave has left.
func (c *Core) End(now time.Time) {
	for _, ix := range slices.Sorted(maps.Keys(c.peers.nodes)) {
		c.sessions.Abort(now, ix)
	}
	c.settle(now)
}
