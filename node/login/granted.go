package login

import (
	"errors"
	"fmt"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// Granted is what a login server has granted, parsed and verified. The zero
// value is nothing granted.
type Granted struct {
	Name       identity.NameCertificate
	Device     identity.DeviceCertificate
	Node       identity.NodeCertificate
	NodeKey    identity.Key      // of Node
	next       node              // in the place of Node and NodeKey when its epoch has begun
	Placements [2]wire.Placement // for the number and for the name
	Params     identity.Params
	Trust      identity.Trust // what Params say whom to believe
	Time       time.Time      // the server's, when it granted this; a floor for a board without a clock

	Devices []identity.ID // the phones of the account, as the server knows them
	Revoked []byte        // the revocation list that came along, as it was signed; empty: none

	Public Public               // what the words are for
	Words  []wire.WordPlacement // for the words of Public's display name, in their order; or nothing
	Stale  []wire.WordPlacement // of entries that are not wanted any more

	raw wire.Granted
}

// node is a node certificate with its key.
type node struct {
	certificate identity.NodeCertificate
	key         identity.Key
}

// turned returns g in the next epoch.
func (g Granted) turned() Granted {
	g.Node, g.NodeKey, g.next = g.next.certificate, g.next.key, node{}
	return g
}

// turnsAt returns when g's next node certificate begins to be valid, zero when
// there is none.
func (g Granted) turnsAt() time.Time { return g.next.certificate.NotBefore }

// IsZero reports whether nothing is granted.
func (g Granted) IsZero() bool { return len(g.Name.DER) == 0 }

// PhoneChain returns [device, name], which a phone shows another phone.
func (g Granted) PhoneChain() [][]byte { return [][]byte{g.Device.DER, g.Name.DER} }

// NodeChain returns [node], which a node shows a supernode.
func (g Granted) NodeChain() [][]byte { return [][]byte{g.Node.DER} }

// Until returns the first instant at which a part of g is not valid any more.
func (g Granted) Until() time.Time {
	end, lastNode := g.Name.NotAfter, g.Node
	if !g.turnsAt().IsZero() {
		lastNode = g.next.certificate
	}
	for _, t := range []time.Time{
		lastNode.NotAfter, g.Device.NotAfter, time.Unix(g.Params.NotAfter, 0),
		time.Unix(g.Placements[0].NotAfter, 0), time.Unix(g.Placements[1].NotAfter, 0),
	} {
		if t.Before(end) {
			end = t
		}
	}
	return end
}

// clockTolerance is how far the phone's clock may be behind the server's
// before the server's is believed in checking what it has just granted.
const clockTolerance = 5 * time.Minute

// ErrGrant is wrapped by the errors about a grant that does not hold: it is of
// another network, for other keys, or its signatures are wrong.
var ErrGrant = errors.New("login: the login server's answer is not valid")

// holder is whom a grant must be for.
type holder struct {
	network    identity.Network
	signatures identity.Verifier // nil: in earnest
	name       identity.Name
	account    identity.ID
	records    [2]identity.ID
	nodeKey    func(epoch uint32) identity.Key
	wordKey    func(index identity.IndexKey) identity.ID
}

// verify checks every certificate and signature of raw at now. The node keys
// were asked for in epoch, as the phone's clock had it.
func (h holder) verify(raw wire.Granted, device identity.DeviceCertificate, epoch uint32, now time.Time) (Granted, error) {
	g := Granted{Device: device, Placements: raw.Placements, Time: time.Unix(raw.Time, 0), Devices: raw.Devices, Revoked: raw.Revoked, raw: raw}
	g.raw.Revoked = nil // it is kept apart, for others may bring a later one
	if now.Before(g.Time.Add(-clockTolerance)) {
		now = g.Time
	}
	var err error
	if g.Params, err = identity.ParseParams(h.network, raw.Params, now); err != nil {
		return Granted{}, grantError("network parameters", err)
	}
	g.Trust = identity.Trust{Network: h.network, Issuing: g.Params.Issuing, Signatures: h.signatures}
	if g.Name, err = g.Trust.CheckName(raw.Name, now); err != nil {
		return Granted{}, grantError("name certificate", err)
	}
	if g.Name.Subject != h.account || g.Name.Name != h.name {
		return Granted{}, grantErrorOf("the name certificate is for another account")
	}
	if err := g.Trust.Check(device.Certificate, h.account, now); err != nil {
		return Granted{}, grantError("device certificate", err)
	}
	if g, err = h.nodes(g, epoch, now); err != nil {
		return Granted{}, err
	}
	if err := h.checkPlacements(g, now); err != nil {
		return Granted{}, err
	}
	return g, h.checkWords(g)
}

func grantErrorOf(what string) error { return fmt.Errorf("%w: %s", ErrGrant, what) }

func grantError(what string, err error) error { return fmt.Errorf("%w: %s: %w", ErrGrant, what, err) }

// nodes fills in g's node certificates. That of the first epoch may have expired
// when the next one serves: then the phone was off when the epoch turned. A
// server may grant none for the next epoch.
func (h holder) nodes(g Granted, epoch uint32, now time.Time) (Granted, error) {
	var err error
	if len(g.raw.Next) > 0 {
		if g.next, err = h.node(g, g.raw.Next, epoch+1, now); err != nil {
			return Granted{}, err
		}
	}
	this, err := h.node(g, g.raw.Node, epoch, now)
	switch turns := g.turnsAt(); {
	case errors.Is(err, identity.ErrExpired) && !turns.IsZero() && now.After(turns):
		return g.turned(), nil
	case err != nil:
		return Granted{}, err
	case this.certificate.NotBefore.After(now):
		return Granted{}, grantError("node certificate", identity.ErrNotYet)
	}
	g.Node, g.NodeKey = this.certificate, this.key
	return g, nil
}

// node checks the node certificate der, which may become valid later, and finds
// its key: that of epoch or, when the server's clock has another one, of the
// certificate's epoch.
func (h holder) node(g Granted, der []byte, epoch uint32, now time.Time) (node, error) {
	c, err := identity.ParseNodeCertificate(der)
	if err != nil {
		return node{}, grantError("node certificate", err)
	}
	if now.Before(c.NotBefore) {
		now = c.NotBefore
	}
	if err := g.Trust.Check(c.Certificate, g.Trust.Issuing, now); err != nil {
		return node{}, grantError("node certificate", err)
	}
	for _, e := range []uint32{epoch, c.Epoch} {
		if k := h.nodeKey(e); k.ID() == c.Subject {
			return node{c, k}, nil
		}
	}
	return node{}, grantErrorOf("the node certificate is for another node")
}

func (h holder) checkPlacements(g Granted, now time.Time) error {
	places := placesOf(h.network, g.Name.Number, g.Name.Name)
	for i, p := range g.Placements {
		switch {
		case p.Index != places[i] || p.RecordKey != h.records[i]:
			return grantErrorOf("a placement is for another record")
		case !g.Trust.Verify(g.Trust.Issuing, wire.PlacementMessage(p), p.Signature):
			return grantErrorOf("a placement is not signed by the network")
		case now.Unix() > p.NotAfter:
			return grantErrorOf("a placement has expired")
		}
	}
	return nil
}

// placesOf returns where an account's two records live.
func placesOf(n identity.Network, number identity.Number, name identity.Name) [2]identity.IndexKey {
	return [2]identity.IndexKey{n.LookupNumber(number).Index, n.LookupName(name).Index}
}
