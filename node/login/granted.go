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
	Placements [2]wire.Placement // for the number and for the name
	Params     identity.Params
	Trust      identity.Trust // what Params say whom to believe
	Time       time.Time      // the server's, when it granted this; a floor for a board without a clock

	raw wire.Granted
}

// IsZero reports whether nothing is granted.
func (g Granted) IsZero() bool { return len(g.Name.DER) == 0 }

// PhoneChain returns [device, name], which a phone shows another phone.
func (g Granted) PhoneChain() [][]byte { return [][]byte{g.Device.DER, g.Name.DER} }

// NodeChain returns [node], which a node shows a supernode.
func (g Granted) NodeChain() [][]byte { return [][]byte{g.Node.DER} }

// Until returns the first instant at which a part of g is not valid any more.
func (g Granted) Until() time.Time {
	end := g.Name.NotAfter
	for _, t := range []time.Time{
		g.Node.NotAfter, g.Device.NotAfter, time.Unix(g.Params.NotAfter, 0),
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
	network identity.Network
	name    identity.Name
	account identity.ID
	records [2]identity.ID
	nodeKey func(epoch uint32) identity.Key
}

// verify checks every certificate and signature of raw at now.
func (h holder) verify(raw wire.Granted, device identity.DeviceCertificate, now time.Time) (Granted, error) {
	g := Granted{Device: device, Placements: raw.Placements, Time: time.Unix(raw.Time, 0), raw: raw}
	if now.Before(g.Time.Add(-clockTolerance)) {
		now = g.Time
	}
	var err error
	if g.Params, err = identity.ParseParams(h.network, raw.Params, now); err != nil {
		return Granted{}, grantError("network parameters", err)
	}
	g.Trust = identity.Trust{Network: h.network, Issuing: g.Params.Issuing}
	if g.Name, err = g.Trust.CheckName(raw.Name, now); err != nil {
		return Granted{}, grantError("name certificate", err)
	}
	if g.Name.Subject != h.account || g.Name.Name != h.name {
		return Granted{}, fmt.Errorf("%w: the name certificate is for another account", ErrGrant)
	}
	if err := device.Check(h.account, now); err != nil {
		return Granted{}, grantError("device certificate", err)
	}
	if g.Node, err = g.Trust.CheckNode([][]byte{raw.Node}, now); err != nil {
		return Granted{}, grantError("node certificate", err)
	}
	if g.NodeKey = h.keyOf(g.Node); g.NodeKey.IsZero() {
		return Granted{}, fmt.Errorf("%w: the node certificate is for another node", ErrGrant)
	}
	if err := h.checkPlacements(g, now); err != nil {
		return Granted{}, err
	}
	return g, nil
}

func grantError(what string, err error) error { return fmt.Errorf("%w: %s: %w", ErrGrant, what, err) }

// keyOf returns the node key that c certifies. Phone and server may disagree on
// the epoch by one when it has just begun.
func (h holder) keyOf(c identity.NodeCertificate) identity.Key {
	for _, epoch := range []uint32{c.Epoch, c.Epoch - 1, c.Epoch + 1} {
		if k := h.nodeKey(epoch); k.ID() == c.Subject {
			return k
		}
	}
	return identity.Key{}
}

func (h holder) checkPlacements(g Granted, now time.Time) error {
	places := placesOf(h.network, g.Name.Number, g.Name.Name)
	for i, p := range g.Placements {
		switch {
		case p.Index != places[i] || p.RecordKey != h.records[i]:
			return fmt.Errorf("%w: a placement is for another record", ErrGrant)
		case !g.Trust.Issuing.Verify(wire.PlacementMessage(p), p.Signature):
			return fmt.Errorf("%w: a placement is not signed by the network", ErrGrant)
		case now.Unix() > p.NotAfter:
			return fmt.Errorf("%w: a placement has expired", ErrGrant)
		}
	}
	return nil
}

// placesOf returns where an account's two records live.
func placesOf(n identity.Network, number identity.Number, name identity.Name) [2]identity.IndexKey {
	return [2]identity.IndexKey{n.LookupNumber(number).Index, n.LookupName(name).Index}
}
