package session

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"

	"peerphone/node/wire"
)

// pair returns the two ends of a channel.
func pair(s Suite) (a, b *Channel) {
	k := Keys{Suite: s}
	for i := range k.Send {
		k.Send[i], k.Recv[i] = byte(i), byte(100+i)
	}
	back := Keys{Suite: s, Send: k.Recv, Recv: k.Send}
	return NewChannel(0xaaaaaa, 0xbbbbbb, k), NewChannel(0xbbbbbb, 0xaaaaaa, back)
}

func eachSuite(t *testing.T, f func(t *testing.T, a, b *Channel)) {
	for _, s := range []Suite{SuiteAES, SuiteChaCha, SuitePlain} {
		t.Run(s.String(), func(t *testing.T) {
			a, b := pair(s)
			f(t, a, b)
		})
	}
}

func wantOpen(t *testing.T, c *Channel, frame []byte, payload string) {
	t.Helper()
	if got, err := c.Open(nil, frame); err != nil || string(got) != payload {
		t.Fatalf("opened %q, %v, want %q", got, err, payload)
	}
}

func wantDropped(t *testing.T, c *Channel, frame []byte, want error) {
	t.Helper()
	if got, err := c.Open([]byte("dst"), frame); !errors.Is(err, want) || string(got) != "dst" {
		t.Fatalf("opened %q, %v, want %v", got, err, want)
	}
}

func wantCounters(t *testing.T, c *Channel, want Counters) {
	t.Helper()
	if got := c.Counters(); got != want {
		t.Fatalf("counters are %+v, want %+v", got, want)
	}
}

func TestSealOpen(t *testing.T) {
	eachSuite(t, func(t *testing.T, a, b *Channel) {
		for i := range 300 {
			text := fmt.Sprint("payload ", i)
			frame := a.Seal([]byte("before"), []byte(text))[len("before"):]
			if want := wire.SessionHeader + len(text) + wire.Tag; len(frame) != want {
				t.Fatalf("a frame of %d bytes, want %d", len(frame), want)
			}
			wantOpen(t, b, frame, text)
			wantOpen(t, a, b.Seal(nil, []byte(text)), text)
		}
		wantCounters(t, b, Counters{Sealed: 300, Opened: 300})
	})
}

func TestTampered(t *testing.T) {
	eachSuite(t, func(t *testing.T, a, b *Channel) {
		frame := a.Seal(nil, []byte("speech"))
		for i := range frame {
			for bit := range 8 {
				bad := bytes.Clone(frame)
				bad[i] ^= 1 << bit
				if got, err := b.Open(nil, bad); err == nil {
					t.Fatalf("opened %q with bit %d of byte %d changed", got, bit, i)
				}
			}
		}
		if c := b.Counters(); c.Opened != 0 || c.Forged+c.Short != uint64(8*len(frame)) {
			t.Fatalf("counters are %+v", c)
		}
		wantOpen(t, b, frame, "speech") // the original is still good
	})
}

func TestTruncatedAndExtended(t *testing.T) {
	eachSuite(t, func(t *testing.T, a, b *Channel) {
		frame := a.Seal(nil, []byte("speech"))
		for n := range frame {
			if _, err := b.Open(nil, frame[:n]); err == nil {
				t.Fatalf("opened %d of %d bytes", n, len(frame))
			}
		}
		wantDropped(t, b, append(bytes.Clone(frame), 0), ErrForged)
		if c := b.Counters(); c.Opened != 0 || c.Forged+c.Short != uint64(len(frame)+1) {
			t.Fatalf("counters are %+v", c)
		}
	})
}

func TestReplayed(t *testing.T) {
	eachSuite(t, func(t *testing.T, a, b *Channel) {
		frame := a.Seal(nil, []byte("speech"))
		wantOpen(t, b, frame, "speech")
		wantDropped(t, b, frame, ErrReplay)
		for range windowSize - 1 {
			wantOpen(t, b, a.Seal(nil, []byte("x")), "x")
			wantDropped(t, b, frame, ErrReplay)
		}
		late := a.Seal(nil, []byte("late"))
		for range windowSize {
			wantOpen(t, b, a.Seal(nil, []byte("x")), "x")
		}
		wantDropped(t, b, late, ErrReplay) // new, but too old to tell
		wantCounters(t, b, Counters{Opened: 2 * windowSize, Replayed: windowSize + 1})
	})
}

func TestReordered(t *testing.T) {
	eachSuite(t, func(t *testing.T, a, b *Channel) {
		var frames [][]byte
		for i := range windowSize {
			frames = append(frames, a.Seal(nil, fmt.Append(nil, i)))
		}
		for i := len(frames) - 1; i >= 0; i-- {
			wantOpen(t, b, frames[i], fmt.Sprint(i))
		}
		for _, f := range frames {
			wantDropped(t, b, f, ErrReplay)
		}
		wantCounters(t, b, Counters{Opened: windowSize, Replayed: windowSize})
	})
}

func TestReflectedAndMisdirected(t *testing.T) {
	eachSuite(t, func(t *testing.T, a, b *Channel) {
		frame := a.Seal(nil, []byte("speech"))
		wantDropped(t, a, frame, ErrShort) // to another index
		bad := bytes.Clone(frame)
		copy(bad[1:4], []byte{0xaa, 0xaa, 0xaa})
		wantDropped(t, a, bad, ErrForged) // readdressed to its sender: each direction has its key
		wantCounters(t, a, Counters{Sealed: 1, Short: 1, Forged: 1})
		other := NewChannel(0xbbbbbb, 0xaaaaaa, Keys{Suite: a.suite})
		wantDropped(t, other, frame, ErrForged)
	})
}

// TestLongLoss loses all but every n-th packet: the truncated counter is found
// from the newest.
func TestLongLoss(t *testing.T) {
	a, b := pair(SuiteAES)
	for _, lost := range []int{1, 1000, 30000, 32000, 100} {
		for range 7 {
			a.count.Add(uint64(lost))
			wantOpen(t, b, a.Seal(nil, []byte("x")), "x")
		}
	}
}

// at moves a sender to a packet counter, as if the packets before were lost.
func (c *Channel) at(counter uint64) { c.count.Store(counter) }

func TestKeyUpdate(t *testing.T) {
	eachSuite(t, func(t *testing.T, a, b *Channel) {
		for epoch := range uint64(4) {
			edge := (epoch + 1) * epochPackets
			b.mu.Lock() // the receiver has followed until shortly before the edge
			b.window.advance(edge - 100)
			b.window.mark(edge - 100)
			b.mu.Unlock()
			a.at(edge - 2)
			last, overtaken := a.Seal(nil, []byte("last")), a.Seal(nil, []byte("overtaken"))
			first := a.Seal(nil, []byte("first"))
			if last[0]&wire.PhaseBit == first[0]&wire.PhaseBit {
				t.Fatal("the phase bit did not change")
			}
			wantOpen(t, b, last, "last")
			forged := bytes.Clone(first)
			forged[len(forged)-1] ^= 1
			wantDropped(t, b, forged, ErrForged) // does not move the receiver on
			wantOpen(t, b, first, "first")
			wantOpen(t, b, overtaken, "overtaken")
			wantDropped(t, b, last, ErrReplay)
			flipped := a.Seal(nil, []byte("phase"))
			flipped[0] ^= wire.PhaseBit
			wantDropped(t, b, flipped, ErrForged)
		}
		if b.recv.cur.epoch != 4 || a.send.Load().cur.epoch != 4 {
			t.Fatalf("epochs are %d and %d", a.send.Load().cur.epoch, b.recv.cur.epoch)
		}
	})
}

func TestKeysDiffer(t *testing.T) {
	a, _ := pair(SuiteAES)
	d := a.send.Load().cur
	next := d.next(SuiteAES)
	if d.secret == next.secret || d.iv == next.iv {
		t.Fatal("the ratchet stands still")
	}
	x := d.aead.Seal(nil, make([]byte, nonceSize), []byte("same"), nil)
	y := next.aead.Seal(nil, make([]byte, nonceSize), []byte("same"), nil)
	if bytes.Equal(x, y) {
		t.Fatal("two epochs have one key")
	}
}

func TestClosedChannel(t *testing.T) {
	a, b := pair(SuiteAES)
	frame := a.Seal(nil, []byte("x"))
	send, recv := a.send.Load().cur, b.recv.cur
	a.Close()
	b.Close()
	if got := a.Seal(nil, []byte("x")); len(got) != 0 {
		t.Fatalf("sealed %x without keys", got)
	}
	wantDropped(t, b, frame, ErrWiped)
	if send.secret != [secretSize]byte{} || recv.secret != [secretSize]byte{} {
		t.Fatal("a secret is left")
	}
	a.Close()
}

// TestChannelFromManyGoroutines seals and opens at once, over a key change.
func TestChannelFromManyGoroutines(t *testing.T) {
	const senders, each = 4, 400
	a, b := pair(SuiteChaCha)
	edge := uint64(epochPackets - senders*each/2)
	a.at(edge)
	b.window.advance(edge - 1)
	frames := make(chan []byte, 64)
	var sealing, opening sync.WaitGroup
	for range senders {
		sealing.Go(func() {
			for range each {
				frames <- a.Seal(nil, []byte("speech"))
			}
		})
		opening.Go(func() {
			for f := range frames {
				if _, err := b.Open(nil, f); err != nil {
					t.Error(err)
				}
				if _, err := b.Open(nil, f); !errors.Is(err, ErrReplay) {
					t.Errorf("a second time: %v", err)
				}
			}
		})
	}
	sealing.Wait()
	close(frames)
	opening.Wait()
	wantCounters(t, b, Counters{Opened: senders * each, Replayed: senders * each})
}

func TestNoAllocation(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools")
	}
	for _, s := range []Suite{SuiteAES, SuiteChaCha} {
		a, b := pair(s)
		payload, frame, out := make([]byte, 60), make([]byte, 0, wire.MaxDatagram), make([]byte, 0, wire.MaxDatagram)
		if n := testing.AllocsPerRun(2000, func() {
			frame = a.Seal(frame[:0], payload)
			got, err := b.Open(out[:0], frame)
			if err != nil || len(got) != 60 {
				t.Fatal(err)
			}
			b.Open(out[:0], frame) // a replay
		}); n != 0 {
			t.Errorf("%v: %v allocations per packet", s, n)
		}
	}
}

// BenchmarkPacket seals and opens a packet of 60 bytes.
func BenchmarkPacket(b *testing.B) {
	for _, s := range []Suite{SuiteAES, SuiteChaCha} {
		from, to := pair(s)
		payload, frame, out := make([]byte, 60), make([]byte, 0, wire.MaxDatagram), make([]byte, 0, wire.MaxDatagram)
		b.Run(s.String()+"/seal", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				frame = from.Seal(frame[:0], payload)
			}
		})
		from, to = pair(s)
		b.Run(s.String()+"/both", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				frame = from.Seal(frame[:0], payload)
				if _, err := to.Open(out[:0], frame); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestTwoReadersOnePacket lets two readers get as far as decryption with the
// same packet: one of them has it.
func TestTwoReadersOnePacket(t *testing.T) {
	a, b := pair(SuiteAES)
	h, _ := wire.ParseHeader(a.Seal(nil, []byte("speech")))
	first, d, err := b.expect(h)
	must(t, err)
	second, _, err := b.expect(h)
	must(t, err)
	if !b.accept(first, d) || b.accept(second, d) {
		t.Fatal("not exactly one reader has the packet")
	}
	wantCounters(t, b, Counters{Sealed: 0, Opened: 1, Replayed: 1})
}
