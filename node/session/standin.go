package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// StandIn takes the place of TLS in large simulations: flights of the same
// number and sizes, a keyed hash in the place of each signature, no goroutine,
// no clock, and the same bytes for the same seed. It keeps no secret from who
// knows Common; it must never run on a network.
//
// A message of it, as long as that of TLS which it stands for:
//
//	 2  length of the whole message
//	32  nonce (Initial level); badge and proof (Handshake level)
//	 n  zeros
type StandIn struct {
	cfg   StandInConfig
	conns map[wire.Index]*standing
}

// StandInConfig says as whom a StandIn speaks.
type StandInConfig struct {
	Rand    io.Reader        // must not fail
	Common  [32]byte         // the same for all nodes of a simulation
	Network identity.Network // that we belong to
	Badge   func(Role) Badge // what we show; zero NotAfter: nothing yet
	Now     func() time.Time // virtual
	Suite   Suite            // of the sessions: SuitePlain, or a real one
}

// Badge stands for a certificate chain.
type Badge struct {
	Peer     Peer
	Network  identity.Network
	NotAfter time.Time
	Chain    int // bytes of the certificates that it stands for; at least 200
}

// Sizes in bytes of what crypto/tls says, packed; TestStandInSizes holds them to
// it. The rest, from EncryptedExtensions or Certificate to Finished, takes about
// as much as the certificates in it would alone.
const (
	clientHelloSize = 1270
	serverHelloSize = 1170
	nodeMore        = 4  // than the certificate of a node
	phoneLess       = 50 // than the two of a phone
)

// standing is one handshake.
type standing struct {
	begin  Begin
	badge  Badge
	own    [32]byte
	theirs [32]byte
	got    [2][]byte
	peer   Badge
}

// NewStandIn returns a stand-in.
func NewStandIn(cfg StandInConfig) *StandIn {
	return &StandIn{cfg: cfg, conns: make(map[wire.Index]*standing)}
}

// Do carries out one request, as TLS.Do does.
func (s *StandIn) Do(r Request) Progress {
	switch r := r.(type) {
	case Begin:
		return s.begin(r)
	case Feed:
		return s.feed(r)
	}
	delete(s.conns, r.Session())
	return Progress{}
}

func (s *StandIn) begin(b Begin) (p Progress) {
	c := &standing{begin: b, badge: s.cfg.Badge(b.Want.Role)}
	if c.badge.NotAfter.IsZero() {
		return Progress{Err: ErrNoCredentials}
	}
	if _, err := io.ReadFull(s.cfg.Rand, c.own[:]); err != nil {
		return Progress{Err: fmt.Errorf("session: no randomness: %w", err)}
	}
	s.conns[b.Index] = c
	if b.Initiator {
		p.Send[Initial] = fill(clientHelloSize, c.own[:])
	}
	return p
}

// fill returns a message of n bytes that holds b.
func fill(n int, b []byte) []byte {
	m := make([]byte, max(n, 2+len(b)))
	binary.BigEndian.PutUint16(m, uint16(len(m)))
	copy(m[2:], b)
	return m
}

// message returns the body of a message when it is whole.
func message(b []byte) ([]byte, bool) {
	if len(b) < 2 || len(b) < int(binary.BigEndian.Uint16(b)) {
		return nil, false
	}
	return b[2:], true
}

func (s *StandIn) feed(f Feed) Progress {
	c := s.conns[f.Index]
	if c == nil {
		return Progress{}
	}
	c.got[f.Level] = append(c.got[f.Level], f.Data...)
	body, whole := message(c.got[f.Level])
	if !whole {
		return Progress{}
	}
	p := s.hear(c, f.Level, body)
	if p.Err != nil || p.Done != nil {
		delete(s.conns, f.Index)
	}
	return p
}

// hear takes a whole message of the peer.
func (s *StandIn) hear(c *standing, l Level, body []byte) (p Progress) {
	if l == Initial {
		if len(body) < len(c.theirs) {
			return Progress{Err: ErrProtocol}
		}
		copy(c.theirs[:], body)
		p.Secrets = &Secrets{Read: s.hash(c, "secret", !c.begin.Initiator), Write: s.hash(c, "secret", c.begin.Initiator)}
		if !c.begin.Initiator {
			p.Send[Initial] = fill(serverHelloSize, c.own[:])
			p.Send[Handshake] = s.show(c)
		}
		return p
	}
	if p.Err = s.check(c, body); p.Err != nil {
		return p
	}
	if c.begin.Initiator {
		p.Send[Handshake] = s.show(c)
	}
	p.Done = &Done{Peer: c.peer.Peer, Keys: Keys{Suite: s.cfg.Suite,
		Send: [secretSize]byte(s.hash(c, "keys", c.begin.Initiator)),
		Recv: [secretSize]byte(s.hash(c, "keys", !c.begin.Initiator))}}
	return p
}

// show returns the message with our badge and proof.
func (s *StandIn) show(c *standing) []byte {
	badge, size := c.badge.append(nil), c.badge.Chain+nodeMore
	if c.badge.Peer.Role == AsPhone {
		size = c.badge.Chain - phoneLess
	}
	return fill(size, append(badge, s.proof(c, badge, c.begin.Initiator)...))
}

// proof takes the place of a signature: it has the length of one.
func (s *StandIn) proof(c *standing, badge []byte, initiator bool) []byte {
	h := sha512.New()
	h.Write(s.hash(c, "proof", initiator))
	h.Write(badge)
	return h.Sum(nil)
}

// hash derives 32 bytes from both nonces, for one direction.
func (s *StandIn) hash(c *standing, label string, initiator bool) []byte {
	first, second := c.own, c.theirs
	if !c.begin.Initiator {
		first, second = second, first
	}
	var room [3*32 + 16]byte
	b := append(append(append(room[:0], s.cfg.Common[:]...), first[:]...), second[:]...)
	b = append(b, label...)
	if initiator {
		b = append(b, 1)
	}
	sum := sha256.Sum256(b)
	return sum[:]
}

// check verifies what the peer shows, in the order of TLS.
func (s *StandIn) check(c *standing, body []byte) error {
	badge, n, ok := parseBadge(body)
	if !ok || len(body) < n+sha512.Size {
		return ErrProtocol
	}
	proof := s.proof(c, body[:n], !c.begin.Initiator)
	c.peer = badge
	switch {
	case !hmac.Equal(proof, body[n:n+sha512.Size]):
		return ErrProtocol
	case badge.Peer.Role != c.begin.Want.Role:
		return fmt.Errorf("session: the peer's certificate: %w", identity.ErrMalformed)
	case badge.Network != s.cfg.Network:
		return fmt.Errorf("session: the peer's certificate: %w", identity.ErrForeign)
	case s.cfg.Now().After(badge.NotAfter):
		return fmt.Errorf("session: the peer's certificate: %w", identity.ErrExpired)
	}
	return judge(badge.Peer.ID, c.badge.Peer.ID, c.begin.Initiator, c.begin.Want)
}

// append writes a badge: role, ID, account, network, expiry in Unix seconds,
// name and number with their lengths.
func (b Badge) append(dst []byte) []byte {
	dst = append(dst, byte(b.Peer.Role))
	dst = append(append(dst, b.Peer.ID[:]...), b.Peer.Phone.Account[:]...)
	dst = append(dst, b.Network[:]...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(b.NotAfter.Unix()))
	dst = append(append(dst, byte(len(b.Peer.Phone.Name))), b.Peer.Phone.Name...)
	return append(append(dst, byte(len(b.Peer.Phone.Number))), b.Peer.Phone.Number...)
}

// badgeHead is the size of a badge before its name, in bytes.
const badgeHead = 1 + 3*32 + 8

// parseBadge reads a badge and returns its size.
func parseBadge(m []byte) (b Badge, n int, ok bool) {
	if len(m) < badgeHead {
		return Badge{}, 0, false
	}
	b.Peer.Role = Role(m[0])
	copy(b.Peer.ID[:], m[1:])
	copy(b.Peer.Phone.Account[:], m[33:])
	copy(b.Network[:], m[65:])
	b.NotAfter = time.Unix(int64(binary.BigEndian.Uint64(m[97:])), 0)
	name, rest, ok := cutText(m[badgeHead:])
	if !ok {
		return Badge{}, 0, false
	}
	number, rest, ok := cutText(rest)
	if b.Peer.Role == AsPhone {
		b.Peer.Phone.Device = b.Peer.ID
		b.Peer.Phone.Name, b.Peer.Phone.Number = identity.Name(name), identity.Number(number)
	}
	return b, len(m) - len(rest), ok
}

func cutText(b []byte) (text string, rest []byte, ok bool) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return "", nil, false
	}
	n := 1 + int(b[0])
	return string(b[1:n]), b[n:], true
}
