package session

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// pipes returns two ends of a stream over an unbuffered pipe.
func pipes(t testing.TB) (sa, sb *Stream) {
	w := newWorld(t, 1)
	a, b := w.join("kitchen"), w.join("workshop")
	ca, cb := net.Pipe()
	sa, sb, ea, eb := streams(a, b, ca, cb, 1, 2, Want{Role: AsNode, Peer: b.node.ID()})
	must(t, errors.Join(ea, eb))
	return sa, sb
}

// Sound is dropped when it has waited too long behind something else, also
// when it was fresh as that began to be written.
func TestStreamDropsWhatWentStaleInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sa, sb := pipes(t)
		defer sa.Close()
		defer sb.Close()
		big := make([]byte, wire.MaxDatagram)
		must(t, sa.Send(time.Now(), big, time.Time{})) // is being written
		synctest.Wait()
		must(t, sa.Send(time.Now(), big, time.Time{}))
		must(t, sa.Send(time.Now(), append([]byte("\x80 old"), make([]byte, 100)...), time.Now().Add(100*time.Millisecond)))
		time.Sleep(99 * time.Millisecond) // virtual
		buf := make([]byte, wire.MaxDatagram)
		for range 2 {
			if got, err := sb.Receive(buf); err != nil || len(got) != len(big) {
				t.Fatalf("got %d bytes, %v", len(got), err)
			}
			time.Sleep(time.Millisecond)
		}
		must(t, sa.Send(time.Now(), []byte("\x80 new"), time.Now().Add(100*time.Millisecond)))
		if got, err := sb.Receive(buf); err != nil || string(got) != "\x80 new" {
			t.Fatalf("got %q, %v, want the new frame only", got, err)
		}
	})
}

// What was queued before End arrives, then the connection is closed.
func TestStreamEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sa, sb := pipes(t)
		for range 3 {
			must(t, sa.Send(time.Now(), []byte("\x80 bye"), time.Time{}))
		}
		sa.End()
		if err := sa.Send(time.Now(), []byte("\x80 more"), time.Time{}); err == nil {
			t.Error("sent after the end")
		}
		buf := make([]byte, wire.MaxDatagram)
		for range 3 {
			if got, err := sb.Receive(buf); err != nil || string(got) != "\x80 bye" {
				t.Fatalf("got %q, %v", got, err)
			}
		}
		if _, err := sb.Receive(buf); err == nil {
			t.Error("the connection stays open")
		}
		sa.Close()
		sb.Close()
	})
}

// A peer that reads nothing does not keep a stream that has ended.
func TestStreamEndsWithoutTheReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sa, sb := pipes(t)
		must(t, sa.Send(time.Now(), []byte("\x80 bye"), time.Time{}))
		began := time.Now()
		sa.End()
		<-sa.written
		if d := time.Since(began); d > endPatience {
			t.Errorf("closed after %v", d)
		}
		sa.Close()
		sb.Close()
	})
}

func TestStreamSendDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools")
	}
	s := &Stream{wake: make(chan struct{}, 1)}
	frame, record := make([]byte, 120), make([]byte, 0, maxRecord)
	now := time.Now()
	if n := testing.AllocsPerRun(1000, func() {
		if s.Send(now, frame, now.Add(time.Second)) != nil {
			t.Fatal("not sent")
		}
		record = s.queue.take(now, record[:0])
	}); n > 0 {
		t.Errorf("%v allocations for each frame", n)
	}
}

// A full queue of every mixture keeps the order of what stays.
func TestFrameQueue(t *testing.T) {
	var q frameQueue
	now := time.Now()
	for round := range 200 {
		for i := q.count; i < maxStreamQueue; i++ {
			expires := time.Time{}
			if (i+round)%3 == 0 {
				expires = now.Add(-time.Millisecond)
			}
			q.push([]byte{byte(round), byte(i)}, expires)
		}
		q.dropStale(now)
		for i := range q.count {
			if s := q.at(i); s.stale(now) || i > 0 && string(q.at(i - 1).frame[2:4]) == string(s.frame[2:4]) {
				t.Fatalf("round %d: slot %d is %x", round, i, s.frame[:4])
			}
		}
		for range q.count / 2 {
			q.pop()
		}
	}
	var id identity.ID
	if q.push(id[:], now); q.count == 0 || q.at(q.count-1).size != 2+len(id) {
		t.Error("the last frame is not the last")
	}
}
