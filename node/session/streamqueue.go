package session

import (
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"peerphone/node/wire"
)

// The way out of a stream: Send puts a copy of the frame into the queue, the
// writer takes as many as fit into one record of TLS and writes them.
//
// The kernel is asked to hold little that it has not sent (node does), so what
// the network does not take waits here, where it can go stale and be dropped.

// Our own choices for streams.
const (
	maxStreamQueue = 64               // frames that wait to be written
	maxRecord      = 1280             // bytes that are written at once: about a segment of TCP
	streamPatience = 10 * time.Second // for one write; as long as an unacknowledged message waits
	endPatience    = time.Second      // for the last words
)

// ErrStreamFull says that a frame was dropped.
var ErrStreamFull = errors.New("session: too many frames wait to be written")

// slot is a frame that waits to be written, its length before it.
type slot struct {
	frame   *[2 + wire.MaxDatagram]byte
	size    int
	expires time.Time // zero: never
}

func (s *slot) stale(now time.Time) bool { return !s.expires.IsZero() && !now.Before(s.expires) }

// slots lends the room for frames, so that sound allocates nothing.
var slots = sync.Pool{New: func() any { return new([2 + wire.MaxDatagram]byte) }}

// frameQueue is a ring of frames. It grows with need and is emptied whole, so
// that a stream at rest holds none.
type frameQueue struct {
	ring  []slot // of maxStreamQueue, or nil
	first int
	count int
}

func (q *frameQueue) at(i int) *slot { return &q.ring[(q.first+i)%maxStreamQueue] }

// push copies frame to the end of the queue, in which there is room.
func (q *frameQueue) push(frame []byte, expires time.Time) {
	if q.ring == nil {
		q.ring = make([]slot, maxStreamQueue)
	}
	s := q.at(q.count)
	s.frame, s.size, s.expires = slots.Get().(*[2 + wire.MaxDatagram]byte), 2+len(frame), expires
	binary.BigEndian.PutUint16(s.frame[:], uint16(len(frame)))
	copy(s.frame[2:], frame)
	q.count++
}

// pop forgets the first frame.
func (q *frameQueue) pop() {
	s := q.at(0)
	slots.Put(s.frame)
	*s = slot{}
	q.first = (q.first + 1) % maxStreamQueue
	q.count--
}

// dropStale makes room by removing the frames that are too old.
func (q *frameQueue) dropStale(now time.Time) {
	kept := 0
	for i := range q.count {
		s := q.at(i)
		if s.stale(now) {
			slots.Put(s.frame)
			continue
		}
		*q.at(kept) = *s
		kept++
	}
	for i := kept; i < q.count; i++ {
		*q.at(i) = slot{}
	}
	q.count = kept
}

// take appends to dst the frames at the head of the queue that fit into one
// record, without those that are stale.
func (q *frameQueue) take(now time.Time, dst []byte) []byte {
	for q.count > 0 {
		s := q.at(0)
		if s.stale(now) {
			q.pop()
			continue
		}
		if len(dst) > 0 && len(dst)+s.size > maxRecord {
			break
		}
		dst = append(dst, s.frame[:s.size]...)
		q.pop()
	}
	return dst
}

// Send queues a whole frame, which is copied, to be written unless expires
// passes before; zero means never. It neither blocks nor, in the steady state,
// allocates: when the queue is full, expired frames make room, else the frame
// is dropped with ErrStreamFull.
func (s *Stream) Send(now time.Time, frame []byte, expires time.Time) error {
	if len(frame) == 0 || len(frame) > wire.MaxDatagram {
		return errFrameSize
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queue.count == maxStreamQueue {
		s.queue.dropStale(now)
	}
	if s.queue.count == maxStreamQueue || s.ended {
		return ErrStreamFull
	}
	s.queue.push(frame, expires)
	s.rouse()
	return nil
}

// End lets what is queued be written and then closes the connection. It does
// not block.
func (s *Stream) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.ended = true
		s.conn.SetWriteDeadline(time.Now().Add(endPatience))
		s.rouse()
	}
}

// rouse wakes the writer.
func (s *Stream) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// write writes what is queued until End, Close or an error, which Receive will
// see.
func (s *Stream) write() {
	defer close(s.written)
	defer s.conn.NetConn().Close()
	record := make([]byte, 0, maxRecord)
	for {
		select {
		case <-s.done:
			return
		case <-s.wake:
		}
		for more := true; more; {
			record, more = s.next(record[:0])
			if len(record) == 0 {
				break
			}
			if _, err := s.conn.Write(record); err != nil {
				return
			}
		}
		if s.over() {
			return
		}
	}
}

// next returns what to write next and sets how long that may take.
func (s *Stream) next(dst []byte) (record []byte, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	record = s.queue.take(now, dst)
	if !s.ended {
		s.conn.SetWriteDeadline(now.Add(streamPatience))
	}
	return record, s.queue.count > 0
}

func (s *Stream) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended && s.queue.count == 0
}

// Close closes the connection and waits for the writer. Receive fails then. TLS
// says no good-bye, which would wait for a peer that does not read: a session
// has its own.
func (s *Stream) Close() error {
	s.close.Do(func() { close(s.done) })
	err := s.conn.NetConn().Close()
	<-s.written
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = frameQueue{}
	return err
}
