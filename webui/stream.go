package webui

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"net/http"
	"time"
)

// Limits of the event streams. A browser opens at most six connections to one
// host, and a page closes its stream while nobody sees it.
const (
	maxStreams  = 8
	streamGap   = 100 * time.Millisecond // between two events at least: later changes are told together
	heartbeat   = 15 * time.Second       // of silence
	streamRetry = 2 * time.Second        // until a client comes back
	writeTime   = 10 * time.Second       // for a client to take one event
)

// stream sends what look returns as Server-Sent Events of the given name: at
// once, and after each change if it differs from what was sent last. The ID of
// an event is a hash of its data, so a client that comes back and has missed
// nothing is sent nothing. With every > 0 it looks as often even if the node
// tells of no change.
func (u *UI) stream(w http.ResponseWriter, r *http.Request, name string, every time.Duration, look func() []byte) {
	select {
	case u.streams <- struct{}{}:
		defer func() { <-u.streams }()
	default:
		w.Header().Set("Retry-After", "30")
		refuse(w, r, http.StatusServiceUnavailable, fmt.Sprintf("%d streams are open already, which is the most. Close a page of this telephone, or ask for the state now and then instead.", maxStreams))
		return
	}
	changed, stop := u.node.Watch()
	defer stop()

	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	s := &sender{w: w, control: http.NewResponseController(w), name: name, last: r.Header.Get("Last-Event-ID"), silent: time.NewTimer(heartbeat)}
	defer s.silent.Stop()
	fmt.Fprintf(w, "retry: %d\n\n", streamRetry.Milliseconds())
	if s.update(look()) != nil {
		return
	}
	u.follow(r, s, changed, every, look)
}

// follow runs until the client goes, the node ends, or the page is closed.
func (u *UI) follow(r *http.Request, s *sender, changed <-chan struct{}, every time.Duration, look func() []byte) {
	var again <-chan time.Time
	if every > 0 {
		t := time.NewTicker(every)
		defer t.Stop()
		again = t.C
	}
	for {
		select {
		case <-r.Context().Done():
			return
		case <-u.closed.Done():
			return
		case <-s.silent.C:
			if s.beat() != nil {
				return
			}
			continue
		case _, ok := <-changed:
			if !ok {
				return
			}
		case <-again:
		}
		if s.update(look()) != nil || !rest(r, streamGap) {
			return
		}
	}
}

// rest waits; changes meanwhile are told together afterwards.
func rest(r *http.Request, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// sender writes events to one client.
type sender struct {
	w       http.ResponseWriter
	control *http.ResponseController
	name    string
	last    string      // ID of the last event the client has
	silent  *time.Timer // fires when a heartbeat is due; set anew by each event
	buf     bytes.Buffer
}

// update sends data unless the client has it already.
func (s *sender) update(data []byte) error {
	hash := fnv.New64a()
	hash.Write(data)
	id := fmt.Sprintf("%016x", hash.Sum64())
	if id == s.last {
		return s.control.Flush() // the first one sends the header
	}
	s.last = id
	fmt.Fprintf(&s.buf, "id: %s\nevent: %s\ndata: %s\n\n", id, s.name, data)
	return s.flush()
}

// beat tells the client and everything between that the stream lives. It is
// an event, not only a comment, so that a script can miss it.
func (s *sender) beat() error {
	s.buf.WriteString(": heartbeat\nevent: beat\ndata: beat\n\n")
	return s.flush()
}

// flush writes what is due. A client that does not take it in time loses the
// stream, not the node its memory.
func (s *sender) flush() error {
	s.control.SetWriteDeadline(time.Now().Add(writeTime)) // not every writer has one
	s.silent.Reset(heartbeat)
	if _, err := s.buf.WriteTo(s.w); err != nil {
		return err
	}
	return s.control.Flush()
}
