package session

import (
	"net/netip"
	"time"

	"peerphone/node/wire"
)

// Our own choices for handshakes.
const (
	handshakeTimeout = 10 * time.Second       // then the peer does not answer; also how long an answered one is remembered
	firstResend      = 200 * time.Millisecond // more than a round trip in most of the world
	longestResend    = 2 * time.Second
	replyGap         = 50 * time.Millisecond // between two replies to the same bytes
	maxEarly         = 4                     // sealed parts kept until there are keys to open them
	youngest         = time.Second           // a half-open handshake is not given up before this age
)

// handshake is what a session needs while its peer may ask for the flights.
type handshake struct {
	// Constant after construction.
	attempt attemptID
	key     macKey
	prefix  netip.Prefix // of the initiator; zero: it came by a lane, or is of our own network

	port portState

	cookie []byte // to show in the first flight
	out    [2]outgoing
	in     [2]incoming
	cover  *cover   // nil before the secrets are known
	early  []frame  // whose sealed parts cannot be opened yet; at most maxEarly
	ahead  [][]byte // session frames that came before there is a channel; at most maxEarly

	received, sent int  // bytes
	proven         bool // the peer has shown that it hears us, by our index

	wait      time.Duration // between the last sending and the next
	resend    time.Time     // when to send again; set by every flight, cleared when the handshake is over
	lastSent  time.Time
	firstSent time.Time // cleared by an answer and by a second sending, after which no round trip can be told
	ends      time.Time // gives up, or forgets; set at the start and when Live
}

// portState is where the handshaker stands with a handshake:
//
//	idle ──Begin──> working ──Progress with Done or Err──> finished
type portState uint8

// The states of the port.
const (
	idle portState = iota
	working
	finished
)

func newHandshake(now time.Time, key macKey, wait time.Duration) *handshake {
	return &handshake{key: key, wait: wait, ends: now.Add(handshakeTimeout)}
}

// begin asks the handshaker to start.
func (t *Table) begin(s *session) {
	s.hs.port = working
	t.emit(Begin{s.ix, s.initiator, s.want})
}

// progress takes what the handshaker has made of the peer's bytes.
func (t *Table) progress(now time.Time, s *session, p Progress) {
	hs := s.hs
	if hs.port != working {
		return
	}
	for l := range p.Send {
		hs.out[l].data = append(hs.out[l].data, p.Send[l]...)
	}
	if p.Secrets != nil && hs.cover == nil {
		hs.cover = newCover(p.Secrets)
	}
	if p.Err != nil {
		hs.port = finished
		t.end(now, s, p.Err, true)
		return
	}
	if p.Done != nil {
		hs.port = finished
		if t.done(now, s, p.Done); s.state == gone {
			return
		}
	}
	t.openEarly(now, s)
	if s.state != gone && s.hs != nil {
		t.pump(now, s)
	}
}

// wipe clears the secrets in p.
func (p *Progress) wipe() {
	if p.Secrets != nil {
		clear(p.Secrets.Read)
		clear(p.Secrets.Write)
	}
	if p.Done != nil {
		p.Done.Keys = Keys{}
	}
}

// done makes the session's channel when the peer is verified here.
func (t *Table) done(now time.Time, s *session, d *Done) {
	s.peer = d.Peer
	t.remember(s)
	s.channel = NewChannel(s.ix, s.remote, d.Keys)
	if s.initiator {
		s.state = Confirming
		if s.ahead() {
			t.pump(now, s) // what is said now comes behind the last flight
			t.emit(Up{s.ix, s.peer, true})
		}
		return
	}
	t.halfOpen = remove(t.halfOpen, s)
	t.live(now, s)
	if s.state == Live {
		s.hs.ends, s.hs.resend = now.Add(handshakeTimeout), time.Time{}
		t.openAhead(now, s)
	}
}

// ahead reports whether we may speak before the peer has verified us: as who calls
// a phone. Between nodes two handshakes may cross, one of which stays; what was said
// in the other one would be lost.
func (s *session) ahead() bool { return s.initiator && s.peer.Role == AsPhone && s.hs != nil }

// Ahead takes a session frame of ix for which there is no channel yet: the caller's
// first words may overtake our check of its certificate.
func (t *Table) Ahead(ix wire.Index, frame []byte) {
	s := t.find(ix)
	if s == nil || s.state != Answering || len(s.hs.ahead) >= maxEarly || len(frame) > wire.MaxInner {
		t.counts.Stray++
		return
	}
	s.hs.ahead = append(s.hs.ahead, append([]byte(nil), frame...))
}

// openAhead takes the messages that had come before their key.
func (t *Table) openAhead(now time.Time, s *session) {
	frames := s.hs.ahead
	s.hs.ahead = nil
	for _, b := range frames {
		if payload, err := s.channel.Open(nil, b); err == nil && s.state == Live {
			t.payload(now, s, payload)
		}
	}
}

// handshakeEnds gives up a handshake, or forgets that of a session that is up.
func (t *Table) handshakeEnds(now time.Time, s *session) {
	if s.state == Live || s.state == Draining {
		t.dropHandshake(s)
		return
	}
	t.end(now, s, ErrTimeout, false)
}

// resendFlight sends again what the peer has not acknowledged. The initiator
// drives: when it has nothing to send again, it asks.
func (t *Table) resendFlight(now time.Time, s *session) {
	hs := s.hs
	hs.wait = min(2*hs.wait, longestResend)
	hs.resend = now.Add(hs.wait)
	hs.firstSent = time.Time{}
	hs.rewind()
	if t.pump(now, s) == 0 && s.initiator && len(hs.out[Initial].data) > 0 {
		t.sendFrame(now, s, 0)
	}
}

// limit returns how large the next frame may be: without a proof of the peer's
// address no more is sent to it than came from it (RFC 9000 section 8.1 allows
// three times as much).
func (s *session) limit() int {
	if s.initiator || s.hs.proven {
		return wire.MaxInner
	}
	return min(wire.MaxInner, s.hs.received-s.hs.sent)
}

// refuse tells the peer why its handshake fails, sealed if possible.
func (t *Table) refuse(s *session, r Refusal) {
	hs := s.hs
	if !s.initiator && !hs.proven && hs.received-hs.sent < smallestFrame {
		return
	}
	if hs.cover == nil {
		f := frame{kind: refuseFrame, to: s.remote, from: s.ix, attempt: hs.attempt, refusal: r}
		t.send(s, hs.key.append(f.append(nil)))
		return
	}
	if !hs.cover.spent() {
		b := s.frame().append(nil)
		t.send(s, hs.key.append(hs.cover.seal(b, part{flags: partRefused, refusal: r})))
	}
}

// confirm tells the initiator that we have verified it.
func (t *Table) confirm(s *session) {
	hs := s.hs
	if !hs.cover.spent() {
		b := s.frame().append(nil)
		t.send(s, hs.key.append(hs.cover.seal(b, part{flags: partDone, ack: hs.in[Handshake].ready})))
	}
}
