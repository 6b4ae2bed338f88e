package sim

import (
	"net/netip"
	"testing"
	"time"

	"peerphone/node/wire"
)

// Strangers' calls ring, and talk through relays to their end.
func TestStrangers(t *testing.T) {
	w := town(t, Config{Seed: *seed, Supernodes: 5, Phones: 10, Strangers: true, MediaEvery: mediaEvery()}, 30*time.Minute)
	r := w.Report()
	t.Logf("seed %d: %d dialled, %d answered, %d failed, sound %d of %d, %d frames relayed, trace %s",
		r.Seed, r.Dialled, r.Answered, r.Failed, r.SoundIn, r.SoundOut, r.Relayed, r.TraceHash)
	if r.Answered == 0 || r.Answered*2 < r.Dialled || r.Failed > 0 {
		t.Errorf("of %d calls %d were answered and %d failed, want half answered and none failed", r.Dialled, r.Answered, r.Failed)
	}
	if r.Relayed < r.SoundIn || r.SoundIn*1000 < r.SoundOut*990 {
		t.Errorf("%d packets of sound sent, %d arrived, %d frames relayed, want all relayed", r.SoundOut, r.SoundIn, r.Relayed)
	}
	for _, s := range w.Snapshots() {
		if s.Call.Path == "direct" {
			t.Errorf("%s met a stranger directly", s.Self.Name)
		}
	}
	wantQuiet(t, w)
}

// victim is where nobody of the network is.
var victim = netip.MustParseAddr("198.51.100.200")

// forgery is a datagram, or all of a handshake's, with the victim's address as
// its source, and what came back to it, both in bytes with their headers.
type forgery struct {
	kind     wire.FrameKind
	in, back int
}

// forger gives datagrams the victim's address as their source as they are sent,
// so that they are fresh and their seals are good.
type forger struct {
	w          *World
	list       []*forgery // by port of the victim
	handshakes map[string]uint16
	seen       map[wire.FrameKind]int
}

func (f *forger) forge(from *Node, to netip.AddrPort, frame []byte) *Node {
	if to.Addr() == victim {
		f.list[to.Port()-1].back += len(frame) + ipUDP
		return from
	}
	port := f.port(to, frame)
	if port == 0 {
		return from
	}
	f.list[port-1].in += len(frame) + ipUDP
	forged := *from
	forged.addr = netip.AddrPortFrom(victim, port)
	return &forged
}

// port returns from where a datagram is made to come; 0: it is let through. A
// handshake is forged from its first flight on: it is one answer's price.
func (f *forger) port(to netip.AddrPort, frame []byte) uint16 {
	kind := wire.KindOf(frame)
	handshake := kind == wire.HandshakeFrame && frame[0] == wire.HandshakeByte
	if handshake {
		if port, known := f.handshakes[string(frame[7:15])]; known {
			return port
		}
		f.handshakes[string(frame[7:15])] = 0
	}
	f.seen[kind]++
	if f.seen[kind]%17 != 0 || len(f.list) == 60000 || f.w.nodeAt(to) == nil || kind == wire.HandshakeFrame && !(handshake && frame[1]|frame[2]|frame[3] == 0) {
		return 0
	}
	f.list = append(f.list, &forgery{kind: kind})
	if handshake {
		f.handshakes[string(frame[7:15])] = uint16(len(f.list))
	}
	return uint16(len(f.list))
}

// Whoever forges a source gets no more sent there than it sends itself: a
// handshake, a question or a session frame, whose source is challenged, is
// answered with no more bytes, and a relay frame with none, although it is a
// phone's own, with a good channel. (STUN's answers are larger by nature and
// limited per prefix.)
func TestForgedSources(t *testing.T) {
	w, err := New(Config{Seed: *seed, Supernodes: 5, Phones: 10, Strangers: true, MediaEvery: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	f := &forger{w: w, handshakes: map[string]uint16{}, seen: map[wire.FrameKind]int{}}
	w.forge = f.forge
	w.Start()
	w.Run(20 * time.Minute)
	type sum struct{ forged, in, back int }
	total := map[wire.FrameKind]sum{}
	for _, x := range f.list {
		s := total[x.kind]
		total[x.kind] = sum{s.forged + 1, s.in + x.in, s.back + x.back}
		switch {
		case x.kind != wire.STUNFrame && x.back > x.in:
			t.Errorf("kind %d: %d bytes are answered by %d", x.kind, x.in, x.back)
		case x.kind == wire.RelayFrame && x.back > 0:
			t.Errorf("a relay frame from nowhere is answered by %d bytes", x.back)
		}
	}
	for _, kind := range []wire.FrameKind{wire.STUNFrame, wire.HandshakeFrame, wire.RelayFrame, wire.SessionFrame, wire.QuestionFrame} {
		s := total[kind]
		t.Logf("kind %d: %d forged, %d bytes in, %d back", kind, s.forged, s.in, s.back)
		if s.forged == 0 {
			t.Errorf("nothing of kind %d was forged", kind)
		}
	}
}
