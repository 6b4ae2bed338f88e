package session

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// Protocol is what both ends name by ALPN (RFC 7301).
const Protocol = "peerphone/1"

// exporterLabel names the session keys among the exports of a TLS connection
// (RFC 8446 section 7.5).
const exporterLabel = "EXPORTER peerphone session"

// Credentials are what we show and prove in a role.
type Credentials struct {
	Chain [][]byte     // DER: [node], or [device, name]
	Key   identity.Key // of the first certificate
}

// TLS does the cryptography of handshakes: TLS 1.3, both ends authenticated,
// with X25519MLKEM768 and without early data. It belongs to one
// goroutine, outside the control loop: a handshake takes about a millisecond
// on a desktop and a hundred on the smallest board.
type TLS struct {
	// Constant after construction.
	creds func(Role) Credentials
	trust func() identity.Trust
	now   func() time.Time

	tickets *Tickets // of streams; nil: none is resumed

	conns map[wire.Index]*handshaking // owned by Do's goroutine
}

// NewTLS returns a handshaker. creds returns what we show in a role, with an
// empty Chain while there is nothing; trust and now what certificates are
// checked against. All three are called from Do's goroutine.
func NewTLS(creds func(Role) Credentials, trust func() identity.Trust, now func() time.Time) *TLS {
	return &TLS{creds: creds, trust: trust, now: now, conns: make(map[wire.Index]*handshaking)}
}

// Remember lets streams between nodes resume what tickets knows. It comes before the
// first of them.
func (t *TLS) Remember(tickets *Tickets) { t.tickets = tickets }

// handshaking is one TLS connection in the making.
type handshaking struct {
	quic  *tls.QUICConn
	check *check
	suite Suite
	in    [2]unpacker // by Level
}

// Do carries out one request. Its answer goes to Table.Progress, but for that
// to a Drop, which is empty.
func (t *TLS) Do(r Request) Progress {
	switch r := r.(type) {
	case Begin:
		return t.begin(r)
	case Feed:
		return t.feed(r)
	case Drop:
		t.drop(r.Index)
	}
	return Progress{}
}

// Close ends all handshakes.
func (t *TLS) Close() {
	for ix := range t.conns {
		t.drop(ix)
	}
}

func (t *TLS) drop(ix wire.Index) {
	if h := t.conns[ix]; h != nil {
		h.quic.Close() // always an error: the handshake is cut short, or over
		delete(t.conns, ix)
	}
}

func (t *TLS) begin(b Begin) Progress {
	c, config, err := t.config(b.Initiator, b.Want)
	if err != nil {
		return Progress{Err: err}
	}
	h := &handshaking{check: c}
	offer := parameters{suites: ownSuites(), role: b.Want.Role}
	if b.Initiator {
		h.quic = tls.QUICClient(&tls.QUICConfig{TLSConfig: config})
		h.quic.SetTransportParameters(offer.append(nil))
	} else {
		h.quic = tls.QUICServer(&tls.QUICConfig{TLSConfig: config})
	}
	t.conns[b.Index] = h
	if err := h.quic.Start(context.Background()); err != nil {
		return t.fail(b.Index, err)
	}
	return t.collect(b.Index, h)
}

// levels maps Level to crypto/tls's.
var levels = [...]tls.QUICEncryptionLevel{
	Initial:   tls.QUICEncryptionLevelInitial,
	Handshake: tls.QUICEncryptionLevelHandshake,
}

func (t *TLS) feed(f Feed) Progress {
	h := t.conns[f.Index]
	if h == nil {
		return Progress{}
	}
	said, err := h.in[f.Level].take(f.Data)
	if err == nil {
		err = h.quic.HandleData(levels[f.Level], said)
	}
	if err != nil {
		return t.fail(f.Index, err)
	}
	return t.collect(f.Index, h)
}

// fail ends a handshake: because of the peer's certificates, if they were what
// was wrong, else for a reason of TLS's.
func (t *TLS) fail(ix wire.Index, err error) Progress {
	h := t.conns[ix]
	t.drop(ix)
	if h.check.err != nil {
		return Progress{Err: h.check.err}
	}
	return Progress{Err: fmt.Errorf("%w: %v", ErrProtocol, err)}
}

// collect gathers the events of the connection into one Progress, and packs
// what it says.
func (t *TLS) collect(ix wire.Index, h *handshaking) Progress {
	p := t.gather(ix, h)
	for l, said := range p.Send {
		if len(said) > 0 {
			p.Send[l] = appendPacked(nil, said)
		}
	}
	return p
}

func (t *TLS) gather(ix wire.Index, h *handshaking) Progress {
	var p Progress
	for {
		switch e := h.quic.NextEvent(); e.Kind {
		case tls.QUICNoEvent:
			return p
		case tls.QUICErrorEvent:
			return t.fail(ix, e.Err)
		case tls.QUICHandshakeDone:
			done, err := h.done()
			if err != nil {
				return t.fail(ix, err)
			}
			p.Done = done
			t.drop(ix)
			return p
		default:
			if err := h.event(&p, e); err != nil {
				return t.fail(ix, err)
			}
		}
	}
}

// event takes one event into p.
func (h *handshaking) event(p *Progress, e tls.QUICEvent) error {
	switch e.Kind {
	case tls.QUICWriteData:
		l := Initial
		if e.Level != tls.QUICEncryptionLevelInitial {
			l = Handshake
		}
		p.Send[l] = append(p.Send[l], e.Data...) // valid until the next event only
	case tls.QUICSetReadSecret, tls.QUICSetWriteSecret:
		h.secret(p, e)
	case tls.QUICTransportParameters:
		return h.peerParameters(e.Data)
	case tls.QUICTransportParametersRequired:
		h.quic.SetTransportParameters(parameters{suites: 1 << h.suite, role: h.check.want.Role}.append(nil))
	}
	return nil
}

// secret keeps the secrets of the Handshake level. Those of the Application
// level serve nobody: sessions take their keys from the exporter.
func (h *handshaking) secret(p *Progress, e tls.QUICEvent) {
	if e.Level != tls.QUICEncryptionLevelHandshake {
		return
	}
	if p.Secrets == nil {
		p.Secrets = &Secrets{}
	}
	if e.Kind == tls.QUICSetReadSecret {
		p.Secrets.Read = append([]byte(nil), e.Data...)
	} else {
		p.Secrets.Write = append([]byte(nil), e.Data...)
	}
}

// peerParameters takes what the peer says beside its certificates: an
// initiator offers suites, the responder names the one that both use.
func (h *handshaking) peerParameters(b []byte) error {
	p, ok := parseParameters(b)
	switch {
	case !ok:
		return errors.New("malformed parameters")
	case p.role != h.check.want.Role:
		return errors.New("the ends disagree on their role")
	case h.check.initiator && p.suites != 1<<SuiteAES && p.suites != 1<<SuiteChaCha,
		h.check.initiator && p.suites&ownSuites() == 0:
		return errors.New("a suite that was not offered")
	}
	h.suite = chooseSuite(p.suites, ownSuites())
	return nil
}

// done takes the keys out of a finished connection.
func (h *handshaking) done() (*Done, error) {
	state := h.quic.ConnectionState()
	keys, err := exportKeys(&state, h.suite, h.check.initiator)
	if err != nil {
		return nil, err
	}
	return &Done{Peer: h.check.peer, Keys: keys}, nil
}

// exportKeys derives the session's keys: the initiator's sending secret, then
// the responder's.
func exportKeys(state *tls.ConnectionState, s Suite, initiator bool) (Keys, error) {
	b, err := state.ExportKeyingMaterial(exporterLabel, nil, 2*secretSize)
	if err != nil {
		return Keys{}, err
	}
	defer clear(b)
	k := Keys{Suite: s, Send: [secretSize]byte(b), Recv: [secretSize]byte(b[secretSize:])}
	if !initiator {
		k.Send, k.Recv = k.Recv, k.Send
	}
	return k, nil
}

// parameters take the place of QUIC's transport parameters:
//
//	1  version, 1
//	1  suites: offered by the initiator, the chosen one of the responder
//	1  Role
type parameters struct {
	suites suites
	role   Role
}

func (p parameters) append(dst []byte) []byte {
	return append(dst, 1, byte(p.suites), byte(p.role))
}

func parseParameters(b []byte) (p parameters, ok bool) {
	if len(b) != 3 || b[0] != 1 {
		return parameters{}, false
	}
	p = parameters{suites: suites(b[1]), role: Role(b[2])}
	return p, p.suites.has(SuiteChaCha) || p.suites.has(SuiteAES)
}
