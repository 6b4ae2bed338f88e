package login

import (
	"context"
	"fmt"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// grant notes the device and signs what its phone needs for the next weeks.
func (s *Server) grant(ctx context.Context, a asker, account Account) (wire.Granted, error) {
	if err := account.believed(a.device); err != nil {
		return wire.Granted{}, err
	}
	nodes := []identity.ID{a.wish.Node, a.wish.Next}
	if !account.knows(a.device, nodes, a.now) || !account.named(a.wish.Display) {
		err := s.cfg.Store.Update(ctx, account.Name, func(at *Account) error {
			at.rename(a.wish.Display, a.now)
			err := at.see(a.device, nodes, a.now)
			account.Display, account.Devices = at.Display, at.Devices
			return err
		})
		if err != nil {
			return wire.Granted{}, err
		}
	}
	name, err := identity.IssueName(s.cfg.Issuing, account.Key, account.Name, account.Number, a.now)
	if err != nil {
		return wire.Granted{}, fmt.Errorf("login: %w", err)
	}
	node, err := identity.IssueNode(s.cfg.Issuing, a.wish.Node, a.now)
	if err != nil {
		return wire.Granted{}, fmt.Errorf("login: %w", err)
	}
	next, err := identity.IssueNodeFor(s.cfg.Issuing, a.wish.Next, identity.EpochAt(a.now)+1, a.now)
	if err != nil {
		return wire.Granted{}, fmt.Errorf("login: %w", err)
	}
	params, err := s.params(a.now)
	if err != nil {
		return wire.Granted{}, err
	}
	return wire.Granted{
		Name: name.DER, Node: node.DER, Next: next.DER, Placements: s.place(a, account, name.NotAfter),
		Params: params, Time: a.now.Unix(), Words: s.words(a, account, name.NotAfter),
		Revoked: s.revoked.get(), Devices: account.deviceIDs(),
	}, nil
}

// params returns the network parameters, which must name our issuing key: with
// others no phone could use what we sign.
func (s *Server) params(now time.Time) ([]byte, error) {
	b := s.cfg.Params()
	p, err := identity.ParseParams(s.cfg.Network, b, now)
	if err != nil {
		return nil, fmt.Errorf("login: %w", err)
	}
	if p.Issuing != s.cfg.Issuing.ID() {
		return nil, fmt.Errorf("login: the network parameters name another issuing key, %s", p.Issuing)
	}
	return b, nil
}

// place signs where the account's records may lie, until end.
func (s *Server) place(a asker, account Account, end time.Time) [2]wire.Placement {
	var out [2]wire.Placement
	for i, index := range placesOf(s.cfg.Network, account.Number, account.Name) {
		p := wire.Placement{Index: index, RecordKey: a.wish.Records[i], NotAfter: end.Unix()}
		p.Signature = s.cfg.Issuing.Sign(wire.PlacementMessage(p))
		out[i] = p
	}
	return out
}
