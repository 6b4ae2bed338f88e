package node

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"peerphone/node/contacts"
	"peerphone/node/directory"
	"peerphone/node/handset"
	"peerphone/node/identity"
	"peerphone/node/login"
	"peerphone/node/media"
	"peerphone/node/overlay"
	"peerphone/node/path"
	"peerphone/node/session"
	"peerphone/node/wire"
)

// Open makes a node: it reads its state, opens its socket and its sound card.
// Run starts it.
func Open(cfg Config) (*Node, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	n := &Node{
		log: cfg.Log, state: cfg.State, inv: cfg.Invitation, devices: cfg.Devices, version: cfg.Version,
		mapping: cfg.PortMapping, candidate: cfg.Promotion == Auto, line: cfg.RelayLine, begun: time.Now(), in: make(chan input, queue), looks: map[directory.QueryID]chan<- directory.Result{}, tls: make(chan session.Request, 8*queue),
		faces: make(latest[handset.Face], 1), restart: make(chan struct{}, 1), sounds: make(latest[sound], 1),
	}
	if err := n.openSocket(cfg.Listen, cfg.Promotion == Always); err != nil {
		return nil, err
	}
	if err := n.openCore(cfg); err != nil {
		n.socket.close()
		return nil, err
	}
	if cfg.Devices.Card != nil {
		engine, err := media.NewEngine(cfg.Devices.Card, cfg.Log)
		if err != nil {
			n.socket.close()
			return nil, fmt.Errorf("node: sound card: %w", err)
		}
		n.engine = engine
	}
	n.publish(time.Now())
	return n, nil
}

func (n *Node) openSocket(listen string, public bool) error {
	kept, err := n.state.port()
	if err != nil {
		return err
	}
	listener, err := listenUDP(listen, kept)
	if err != nil {
		return err
	}
	conn, err := newUDPConn(listener)
	if err != nil {
		return err
	}
	if public {
		conn.makeRoom(relayRoom)
	}
	n.socket = &socket{conn: conn, in: n.in, stun: path.NewPrefixLimiter(path.LimiterConfig{})}
	n.socket.public.Store(public)
	if n.tickets, err = n.state.tickets(); err != nil {
		n.socket.close()
		return err
	}
	n.socket.streams.tls = session.NewTLS(n.credentials, n.trust, time.Now)
	n.socket.streams.tls.Remember(n.tickets)
	if public {
		if err := n.socket.openExtra(path.CallSocket, extraSocket{}); err != nil {
			n.socket.close()
			return err
		}
	}
	if port := n.Addr().Port(); port != kept {
		return n.state.keepPort(port)
	}
	return nil
}

func (n *Node) openCore(cfg Config) error {
	keys, err := n.openKeys()
	if err != nil {
		return err
	}
	cache, err := n.state.cache()
	if err != nil {
		return err
	}
	book, err := n.openContacts(cfg.Contacts)
	if err != nil {
		return err
	}
	log, err := n.openLog()
	if err != nil {
		return err
	}
	saved, err := n.openLogin()
	if err != nil {
		return err
	}
	nat, err := n.state.nat()
	if err != nil {
		return err
	}
	n.holdMapping(nat)
	month, err := n.state.relayed()
	if err != nil {
		return err
	}
	settings, err := n.state.settings(cfg.Settings)
	if err != nil {
		return err
	}
	var roster overlay.Roster
	if cfg.Promotion == Always {
		if roster, err = n.state.roster(time.Now()); err != nil {
			return err
		}
	}
	known, err := n.state.acquaintances()
	if err != nil {
		return err
	}
	revoked, err := n.state.read(revokedFile)
	if err != nil {
		return err
	}
	n.account, n.device = keys.account, keys.device
	reachable := n.reachable()
	n.core = NewCore(CoreConfig{
		Rand: rand.Reader, Network: cfg.Invitation.Network,
		Account: keys.account, Device: keys.device,
		Supernode: cfg.Promotion == Always, Candidate: cfg.Promotion == Auto, Phone: cfg.Devices.Keypad != nil,
		Addr: reachable.Addr, Addr6: reachable.Addr6, Port: n.Addr().Port(), NAT: nat, Candidates: n.candidates,
		Login: login.ClientConfig{
			Invitation: cfg.Invitation, Name: cfg.Name, Number: cfg.Number, Display: cfg.Display,
			Password: cfg.Password, Register: cfg.Register, Saved: saved,
		},
		Cache: cache, Roster: roster, Contacts: book, Log: log, Codecs: media.Codecs(),
		Verify: identity.ID.Verify, Settings: settings, Known: known, Revoked: revoked,
		Relay: path.RelayConfig{Monthly: cfg.RelayMonthly, Line: cfg.RelayLine, Kept: month},
	})
	n.socket.legs.Store(n.core.Legs())
	return nil
}

// keys are a node's private keys that are kept; node keys are derived.
type keys struct{ account, device identity.Key }

// openKeys reads the keys and makes those that are missing.
func (n *Node) openKeys() (k keys, err error) {
	if k.account, err = n.state.key("account.key"); err != nil {
		return k, err
	}
	k.device, err = n.state.key("device.key")
	return k, err
}

func (n *Node) openContacts(known []Contact) (*contacts.Book, error) {
	b, err := n.state.read(contactFile)
	if err != nil {
		return nil, err
	}
	var list []contacts.Contact
	if b != nil {
		if list, err = contacts.Load(b); err != nil {
			n.log.Error("the contacts are damaged; they are kept aside, and whom each was is forgotten", "file", contactFile+".bad", "error", err)
			if err := n.state.write(contactFile+".bad", b); err != nil {
				return nil, err
			}
			list = nil
		}
	}
	book, err := contacts.New(list)
	if err != nil {
		return nil, fmt.Errorf("node: %s: %w", contactFile, err)
	}
	for _, c := range known {
		number := identity.Number(c.Number)
		if _, ok := book.ByNumber(number); ok {
			continue
		}
		name, _ := identity.ParseName(c.Name) // else it is a display name only
		if err := book.Add(time.Now(), contacts.Contact{Name: name, Number: number, Display: c.Name}); err != nil {
			return nil, fmt.Errorf("node: contact %q: %w", c.Name, err)
		}
	}
	return book, nil
}

// openLog reads the log of calls; a damaged one begins anew, for no call hangs
// on it.
func (n *Node) openLog() (*contacts.Log, error) {
	b, err := n.state.read(logFile)
	if err != nil {
		return nil, err
	}
	var list []contacts.Entry
	if b != nil {
		if list, err = contacts.LoadLog(b); err != nil {
			n.log.Warn("the log of calls is damaged; a new one begins", "error", err)
			list = nil
		}
	}
	return contacts.NewLog(list)
}

func (n *Node) openLogin() (*login.Saved, error) {
	b, err := n.state.read(loginFile)
	if err != nil || b == nil {
		return nil, err
	}
	saved, err := login.ParseSaved(b)
	if err != nil {
		n.log.Warn("saved certificates are damaged; logging in anew", "error", err)
		return nil, nil
	}
	return &saved, nil
}

// reachable returns the addresses at which others reach a supernode: the
// socket's when it is bound to one, else those of the interface towards the
// network, of IPv4 and of IPv6.
func (n *Node) reachable() wire.Member {
	var four, six netip.AddrPort
	for _, a := range n.candidates() {
		switch {
		case a.Addr().Is4() && !four.IsValid():
			four = a
		case a.Addr().Is6() && !six.IsValid():
			six = a
		}
	}
	return wire.MemberAt(identity.ID{}, four, six, 0)
}
