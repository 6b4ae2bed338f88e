package login

import (
	"errors"
	"fmt"
	"io"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// State says how a phone stands with its network.
//
//	              Start, nothing saved
//	None ────────────────────────────────▶ Asking ◀─────────────┐
//	 │                                      │ │ │               │ its time has come
//	 │ Start, valid certificates            │ │ │ no answer,    │
//	 ▼                granted               │ │ └─ busy ────▶ Waiting
//	 In ◀───────────────────────────────────┘ │                 ▲
//	 │                                        ▼ denied          │
//	 │                                     Refused              │
//	 └──────────── the certificates expire ─────────────────────┘
//
// A phone that is In stays In while it renews, whatever the server says, until
// its certificates expire; Problem tells what the server said.
type State uint8

//go:generate go tool stringer -type=State

// The states.
const (
	None    State = iota // before Start
	Asking               // no valid certificates; a request is on its way
	In                   // valid certificates: the phone can take part
	Waiting              // no valid certificates; the next request is due later
	Refused              // no valid certificates; the owner must do what Problem says
)

// An Event is something that the client asks of node or tells it.
type Event interface{ event() }

// Ask is a request to carry to the login server with Exchange. Its wish has no
// proof yet. Node answers with Reply or Failed.
type Ask struct{ Request wire.Message }

// Changed says that State, Problem or Granted may be others now.
type Changed struct{}

// Save is to be kept on disk in place of what was saved before.
type Save struct{ Saved Saved }

func (Ask) event()     {}
func (Changed) event() {}
func (Save) event()    {}

// ClientConfig is constant for the life of a Client.
type ClientConfig struct {
	Rand       io.Reader // for jitter
	Invitation identity.Invitation
	Name       identity.Name
	Number     identity.Number // with Register; else the server knows it
	Display    string          // with Register: at most 64 bytes
	Password   string          // may be empty when the account exists: then the account key must do
	Register   bool            // ask for a new account
	Account    identity.Key
	Device     identity.Key
	NodeKey    func(epoch uint32) identity.Key // nil: derived from Device
	Saved      *Saved                          // from disk; nil when there is nothing
	Signatures identity.Verifier               // nil: in earnest
}

// Client is the phone's half: a core. It wants valid certificates, renews them
// in time and keeps asking a server that does not answer.
type Client struct {
	// constant after construction
	cfg    ClientConfig
	holder holder

	// what the phone has
	granted *Granted // what it points to does not change
	device  identity.DeviceCertificate
	saved   *Saved // the last grant, even when it has expired; nil: there is none, or the server has forgotten it

	// the errand to the server
	errand    errand
	epoch     uint32    // of the node key in the last request
	attempt   int       // consecutive requests without a grant; reset by a grant
	refreshed time.Time // when Refresh has asked last
	public    Public    // what the owner wants to be found by
	asked     Public    // what the last request wished for
	wished    *Public   // what the last request that was granted wished for; nil: not known
	problem   error     // of the last request, nil after a grant

	// timers; zero when not set
	askAt    time.Time // set with errandResting and when a renewal is planned; fires a request
	giveUpAt time.Time // set with errandOut, for an Ask that nobody answers; cleared by its answer
	turnAt   time.Time // set by a grant; fires the change to the next epoch's node certificate
	expireAt time.Time // set by a grant; fires the loss of state In

	out []Event
}

// errand is where the client stands with its question to the server.
//
//	errandNone ──Start──▶ errandOut ──no answer, busy──▶ errandResting ──askAt──▶ errandOut
//	                       │    │
//	                granted│    │denied, and no valid certificates
//	                       ▼    ▼
//	           errandResting    errandRefused ──Start──▶ errandOut
type errand uint8

const (
	errandNone errand = iota
	errandOut
	errandResting
	errandRefused
)

// NewClient returns a client that has not started.
func NewClient(cfg ClientConfig) *Client {
	if cfg.NodeKey == nil {
		device := cfg.Device
		cfg.NodeKey = func(epoch uint32) identity.Key { return NodeKey(device, epoch) }
	}
	return &Client{
		cfg: cfg,
		holder: holder{
			network: cfg.Invitation.Network, signatures: cfg.Signatures, name: cfg.Name, account: cfg.Account.ID(),
			records: recordIDs(cfg.Account), nodeKey: cfg.NodeKey,
			wordKey: func(index identity.IndexKey) identity.ID { return WordKey(cfg.Account, index).ID() },
		},
		saved: cfg.Saved, granted: new(Granted),
	}
}

// NodeKey returns a device's node key in an epoch. Nobody without the device
// key can tell that two of them belong together.
func NodeKey(device identity.Key, epoch uint32) identity.Key {
	return device.Derive(fmt.Sprintf("node %d", epoch))
}

// Start begins with the saved certificates, or asks for new ones. A client that
// was Refused asks once more.
func (c *Client) Start(now time.Time) {
	if c.errand == errandNone && c.saved != nil {
		c.restore(now, *c.saved)
	}
	if c.granted.IsZero() && c.errand != errandOut {
		c.ask(now)
	}
}

// restore takes what was saved, if it holds. A problem here is none for the
// owner: the phone asks the server.
func (c *Client) restore(now time.Time, s Saved) {
	device, err := identity.ParseDeviceCertificate(s.Device)
	if err != nil || device.Subject != c.cfg.Device.ID() {
		c.saved = nil
		return
	}
	if c.devices().Check(device.Certificate, c.cfg.Account.ID(), now) == nil {
		c.device = device
	}
	c.epoch = s.Epoch
	g, err := c.holder.verify(s.Granted, device, s.Epoch, now)
	if err != nil || !now.Before(g.Until()) {
		return
	}
	g = c.sorted(now, g, Granted{})
	if len(g.Stale) == 0 && len(g.Words) == len(identity.Words(c.public.Display)) {
		public := c.public
		c.wished = &public
	}
	c.take(now, g)
	c.seekWords(now)
}

// refreshPause is how often Refresh asks at most.
const refreshPause = time.Minute

// Refresh asks the server for what it grants today, though what the phone has is
// valid: for the bootstrap supernodes in the network parameters.
func (c *Client) Refresh(now time.Time) {
	if c.errand == errandResting && !c.granted.IsZero() && !now.Before(c.refreshed.Add(refreshPause)) {
		c.refreshed = now
		c.ask(now)
	}
}

// Revoke asks the login server that another phone of the account be believed no
// more; false: it is being asked something else just now, or has certified nothing.
func (c *Client) Revoke(now time.Time, device identity.ID) bool {
	if c.errand != errandResting || c.granted.IsZero() {
		return false
	}
	c.errand, c.askAt, c.giveUpAt = errandOut, time.Time{}, now.Add(askTimeout)
	if m, ok := c.request(now).(wire.Renew); ok {
		c.emit(Ask{wire.Revoke{Name: m.Name, Wish: m.Wish, Device: device}})
	}
	c.emit(Changed{})
	return true
}

// take makes g what the phone has and plans its renewal.
func (c *Client) take(now time.Time, g Granted) {
	c.granted, c.problem, c.attempt = &g, nil, 0
	c.errand, c.giveUpAt = errandResting, time.Time{}
	c.expireAt, c.turnAt = g.Until(), time.Time{}
	c.askAt = c.renewalAt(now, g)
	if turns := g.turnsAt(); !turns.IsZero() {
		c.turnAt = turns.Add(turnMargin + c.jitter(turnSpread))
	}
	c.emit(Changed{})
}

// ask sends the request that fits what the phone has.
func (c *Client) ask(now time.Time) {
	c.askAt = time.Time{}
	if err := c.certifyDevice(now); err != nil {
		c.rest(now, err)
		return
	}
	c.errand, c.giveUpAt = errandOut, now.Add(askTimeout)
	c.emit(Ask{c.request(now)})
	c.emit(Changed{})
}

// devices is the trust in device certificates, for which the account alone
// answers.
func (c *Client) devices() identity.Trust { return identity.Trust{Signatures: c.cfg.Signatures} }

// certifyDevice makes sure that the device certificate is valid at now.
func (c *Client) certifyDevice(now time.Time) error {
	if len(c.device.DER) > 0 && c.devices().Check(c.device.Certificate, c.cfg.Account.ID(), now) == nil {
		return nil
	}
	device, err := identity.IssueDevice(c.cfg.Account, c.cfg.Device.ID(), now)
	if err != nil {
		return fmt.Errorf("login: %w", err)
	}
	c.device = device
	return nil
}

// request returns what to ask for: who was granted something before, or has no
// password, renews with the account key alone.
func (c *Client) request(now time.Time) wire.Message {
	c.epoch = identity.EpochAt(now)
	w := wire.Wish{
		Account: c.holder.account, Device: c.device.DER, Records: c.holder.records,
		Node: c.cfg.NodeKey(c.epoch).ID(), Next: c.cfg.NodeKey(c.epoch + 1).ID(),
	}
	w = c.addWords(w)
	switch {
	case c.saved != nil || c.cfg.Password == "":
		return wire.Renew{Name: c.cfg.Name, Wish: w}
	case c.cfg.Register:
		return wire.Register{
			Name: c.cfg.Name, Number: c.cfg.Number, Display: c.cfg.Display,
			Password: c.cfg.Password, Wish: w,
		}
	}
	return wire.Login{Name: c.cfg.Name, Password: c.cfg.Password, Wish: w}
}

// Reply gives the login server's answer to the last Ask.
func (c *Client) Reply(now time.Time, m wire.Message) {
	if c.errand != errandOut {
		return
	}
	switch m := m.(type) {
	case wire.Granted:
		c.grantedReply(now, m)
	case wire.Denied:
		c.denied(now, m)
	default:
		c.rest(now, fmt.Errorf("%w: a %T", ErrGrant, m))
	}
}

func (c *Client) grantedReply(now time.Time, m wire.Granted) {
	g, err := c.holder.verify(m, c.device, c.epoch, now)
	if err != nil {
		c.rest(now, err)
		return
	}
	asked := c.asked
	c.wished = &asked
	c.take(now, c.sorted(now, c.newestParams(g, now), *c.granted))
	c.seekWords(now) // the owner may have changed his mind meanwhile
	c.saved = &Saved{Device: c.device.DER, Epoch: c.epoch, Granted: c.granted.raw}
	c.emit(Save{*c.saved})
}

// newestParams keeps the parameters that the phone has when those of g are
// older: the root's later word counts, even if a server has lost it.
func (c *Client) newestParams(g Granted, now time.Time) Granted {
	old := c.granted
	if old.IsZero() || old.Params.Sequence <= g.Params.Sequence || old.Params.Issuing != g.Params.Issuing ||
		now.Unix() > old.Params.NotAfter {
		return g
	}
	g.Params, g.raw.Params = old.Params, old.raw.Params
	return g
}

// denied takes a refusal. What time or the operator cures is asked again; for
// the rest the owner must act, but a phone that is In only goes on asking. A
// server that does not know the account any more gets the password once.
func (c *Client) denied(now time.Time, d wire.Denied) {
	switch {
	case d.Code == wire.DenyUnknown && c.saved != nil && c.cfg.Password != "":
		c.saved = nil
		c.ask(now)
	case d.Code == wire.DenyBusy:
		c.restFor(now, Denial{d}, time.Duration(d.After)*time.Second+c.jitter(restBase))
	case d.Code == wire.DenyInternal || !c.granted.IsZero():
		c.rest(now, Denial{d})
	default:
		c.errand, c.problem = errandRefused, Denial{d}
		c.giveUpAt = time.Time{}
		c.emit(Changed{})
	}
}

// Failed says that the last Ask could not be carried, and why.
func (c *Client) Failed(now time.Time, err error) {
	if c.errand != errandOut {
		return
	}
	c.rest(now, err)
}

// State says how the phone stands.
func (c *Client) State() State {
	if !c.granted.IsZero() {
		return In
	}
	switch c.errand {
	case errandOut:
		return Asking
	case errandResting:
		return Waiting
	case errandRefused:
		return Refused
	}
	return None
}

// Err returns why the last request was not granted, nil when it was.
func (c *Client) Err() error { return c.problem }

// Problem returns Err as a sentence for the owner, empty when there is none.
func (c *Client) Problem() string {
	var d Denial
	switch {
	case c.problem == nil:
		return ""
	case errors.As(c.problem, &d):
		return Sentence(d.Denied, c.cfg.Name, c.cfg.Number)
	case errors.Is(c.problem, ErrNotServer):
		return "At the login server's address something else answers. Check the invitation, or ask the operator for a new one."
	case errors.Is(c.problem, ErrUnreachable):
		return "The login server does not answer. The phone asks again by itself; check the network cable and the invitation."
	case errors.Is(c.problem, identity.ErrParamsExpired):
		return "The network's parameters have expired. Its operator must sign new ones with the root key."
	case errors.Is(c.problem, ErrGrant):
		return "The login server's answer does not belong to the network of the invitation. Ask the operator for a new invitation."
	}
	return "The login did not work: " + c.problem.Error()
}

// Granted returns what the phone has, zero unless State is In. It is not to be
// written to: what the phone has next is another one.
func (c *Client) Granted() *Granted { return c.granted }

// Take returns the events since the last Take, oldest first.
func (c *Client) Take() []Event {
	out := c.out
	c.out = nil
	return out
}

func (c *Client) emit(e Event) { c.out = append(c.out, e) }
