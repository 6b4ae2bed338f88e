package main

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"peerphone/firmware/lab/natlab"
	"peerphone/firmware/lab/wav"
	"peerphone/node/wire"
)

// epoch is when the captures of these tests begin.
var epoch = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// far is the other phone's address.
var far = netip.MustParseAddrPort("198.18.9.2:5000")

// udp is a datagram that came in some milliseconds after epoch.
func udp(at int, payload []byte) natlab.Packet {
	data := append(make([]byte, 28), payload...)
	p := natlab.Packet{At: epoch.Add(time.Duration(at) * time.Millisecond), Src: far, Protocol: protocolUDP}
	return withPayload(p, data, 28)
}

// withPayload gives a packet its bytes as a capture does.
func withPayload(p natlab.Packet, data []byte, header int) natlab.Packet {
	q, ok := natlab.ParsePacket(ip4(p, data, header))
	if !ok {
		panic("no packet")
	}
	q.At = p.At
	return q
}

// ip4 writes the header of IPv4 into data, and ports and, for TCP, the length
// of its header.
func ip4(p natlab.Packet, data []byte, header int) []byte {
	data[0], data[9] = 0x45, p.Protocol
	binary.BigEndian.PutUint16(data[2:], uint16(len(data)))
	copy(data[12:], p.Src.Addr().AsSlice())
	binary.BigEndian.PutUint16(data[20:], p.Src.Port())
	if p.Protocol == protocolTCP {
		data[32] = byte((header-20)/4) << 4
	}
	return data
}

// sessionFrame is a session frame of some length.
func sessionFrame(counter uint16, length int) []byte {
	h := wire.AppendHeader(nil, wire.Header{To: 7, Counter: counter})
	return append(h, make([]byte, length-len(h))...)
}

func relayFrame(inner []byte) []byte { return append([]byte{0x40, 1, 2, 3}, inner...) }

func tcp(at int, seq uint32, length int) natlab.Packet {
	data := make([]byte, 52+length)
	binary.BigEndian.PutUint32(data[24:], seq)
	return withPayload(natlab.Packet{At: epoch.Add(time.Duration(at) * time.Millisecond), Src: far, Protocol: protocolTCP}, data, 52)
}

// TestSounds tells sound from what is none, and what is new from what is not.
func TestSounds(t *testing.T) {
	supernode := netip.MustParseAddrPort("198.18.1.2:41000")
	control := natlab.Packet{Src: supernode, Protocol: protocolUDP}
	packets := []natlab.Packet{
		udp(0, sessionFrame(1, 80)),
		udp(1, sessionFrame(1, 80)),             // once more
		udp(2, relayFrame(sessionFrame(1, 80))), // by another way
		udp(3, sessionFrame(2, 34)),             // an acknowledgement
		udp(3, sessionFrame(6, 40)),             // a challenge
		udp(4, sessionFrame(3, 1000)),           // a message
		udp(5, []byte{0, 1, 0, 0}),              // STUN
		withPayload(control, append(make([]byte, 28), sessionFrame(9, 80)...), 28), // a supernode's own
		udp(6, relayFrame(sessionFrame(4, 80))),                                    // new
		udp(7, relayFrame(sessionFrame(5, 34))),                                    // no sound
		tcp(8, 100, 120), tcp(9, 100, 120),                                         // once more
		tcp(10, 220, 120), tcp(11, 340, 10), // no sound
	}
	var got []soundWay
	public := func(a netip.Addr) bool { return a == supernode.Addr() }
	for _, s := range sounds(packets, public, leastSound) {
		got = append(got, s.via)
	}
	want := []soundWay{directWay, relayWay, streamWay, streamWay}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("sound %d came by %v, want %v", i, got[i], want[i])
		}
	}
}

// every makes sounds that come every so many milliseconds.
func every(from, to, step int) (list []sound) {
	for at := from; at < to; at += step {
		list = append(list, sound{at: epoch.Add(time.Duration(at) * time.Millisecond), via: directWay})
	}
	return list
}

func TestTrains(t *testing.T) {
	list := append(every(0, 40, 20), every(1000, 2000, 20)...) // two messages, then sound
	if got := trains(list); len(got) != 50 || got[0].at != epoch.Add(time.Second) {
		t.Errorf("%d sounds from %v on", len(got), got[0].at)
	}
}

// TestBegins: messages do not begin a call's sound.
func TestBegins(t *testing.T) {
	list := append(every(0, 90, 31), every(200, 1000, 20)...)
	if s, ok := begins(list); !ok || s.at != epoch.Add(200*time.Millisecond) {
		t.Errorf("it begins at %v, %v", s.at.Sub(epoch), ok)
	}
	if _, ok := begins(every(0, 100, 20)); ok {
		t.Error("five packets are taken for a call's sound")
	}
}

func TestPauseWithin(t *testing.T) {
	at := func(ms int) time.Time { return epoch.Add(time.Duration(ms) * time.Millisecond) }
	list := append(every(0, 1000, 20), every(1300, 2000, 20)...) // nothing from 980 to 1300
	for _, c := range []struct{ from, to, want int }{
		{0, 900, 0},
		{500, 1900, 300},
		{1000, 1900, 300}, // had begun before
		{500, 1200, 200},  // goes on after
		{1990, 2500, 500}, // never ends
	} {
		if got := pauseWithin(list, at(c.from), at(c.to)); got != time.Duration(c.want)*time.Millisecond {
			t.Errorf("from %d to %d ms: %v, want %d ms", c.from, c.to, got, c.want)
		}
	}
}

// TestBabble: no pause is left, and enough to speak for a while.
func TestBabble(t *testing.T) {
	file, err := babble()
	if err != nil {
		t.Fatal(err)
	}
	s, err := wav.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	if s.Seconds() < 3 {
		t.Errorf("%.1f s of speech", s.Seconds())
	}
	if again := withoutPauses(s.PCM, s.Rate); len(again) != len(s.PCM) {
		t.Errorf("%d of %d samples are of no pause", len(again), len(s.PCM))
	}
	quiet := make([]int16, 16000)
	if got := withoutPauses(quiet, 16000); len(got) != 0 {
		t.Errorf("%d samples of silence are speech", len(got))
	}
}
