package session

import (
	"crypto/tls"
	"fmt"
	"time"

	"peerphone/node/identity"
)

// check verifies the peer of one handshake, over datagrams or a stream.
type check struct {
	// Constant after construction.
	initiator bool
	want      Want
	self      identity.ID // whom our own certificate names
	trust     identity.Trust
	now       time.Time

	peer Peer  // after verify
	err  error // why verify failed
}

// config returns the TLS configuration of one handshake and the check that it
// will make. Trust and credentials are those of this moment.
func (t *TLS) config(initiator bool, w Want) (*check, *tls.Config, error) {
	creds := t.creds(w.Role)
	if len(creds.Chain) == 0 || creds.Key.IsZero() {
		return nil, nil, ErrNoCredentials
	}
	c := &check{initiator: initiator, want: w, self: creds.Key.ID(), trust: t.trust(), now: t.now()}
	return c, &tls.Config{
		Certificates:           []tls.Certificate{{Certificate: creds.Chain, PrivateKey: creds.Key.Signer()}},
		MinVersion:             tls.VersionTLS13,
		CurvePreferences:       []tls.CurveID{tls.X25519MLKEM768}, // the only one: nothing to be talked down to, and a smaller first flight
		NextProtos:             []string{Protocol},
		ClientAuth:             tls.RequireAnyClientCert,
		InsecureSkipVerify:     true, // of names and chains as the web has them; verify does it our way
		VerifyConnection:       c.verify,
		SessionTicketsDisabled: true, // but see Tickets
		Time:                   t.now,
	}, nil
}

// verify is called by crypto/tls in every handshake, with the peer's certificates,
// whose first key it has checked the signature of, in this one or, where a stream is
// resumed, in the one before.
func (c *check) verify(state tls.ConnectionState) error {
	c.peer, c.err = c.verifyPeer(state)
	return c.err
}

func (c *check) verifyPeer(state tls.ConnectionState) (Peer, error) {
	if state.NegotiatedProtocol != Protocol {
		return Peer{}, fmt.Errorf("%w: not %s", ErrProtocol, Protocol)
	}
	var chain [][]byte
	for _, x := range state.PeerCertificates {
		chain = append(chain, x.Raw)
	}
	p, err := peerOf(c.want.Role, chain, c.trust, c.now)
	if err != nil {
		return Peer{}, fmt.Errorf("session: the peer's certificate: %w", err)
	}
	return p, judge(p.ID, c.self, c.initiator, c.want)
}

// judge decides whether the peer id, which is proven, is one to talk to.
func judge(id, self identity.ID, initiator bool, w Want) error {
	switch {
	case id == self:
		return ErrSelf
	case initiator && !w.Peer.IsZero() && id != w.Peer:
		return fmt.Errorf("%w: %s, not %s", ErrWrongPeer, id, w.Peer)
	}
	return nil
}

// peerOf verifies the chain that a peer shows in a role.
func peerOf(r Role, chain [][]byte, trust identity.Trust, now time.Time) (Peer, error) {
	if r == AsPhone {
		phone, err := trust.CheckPhone(chain, now)
		return Peer{Role: r, ID: phone.Device, Phone: phone}, err
	}
	node, err := trust.CheckNode(chain, now)
	return Peer{Role: r, ID: node.Subject}, err
}
