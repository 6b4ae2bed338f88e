package webui

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"peerphone/node"
)

// listener reads a stream of events inside a bubble, without a network.
type listener struct {
	t      *testing.T
	header http.Header
	status int
	end    context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex
	text   strings.Builder
	broken error // what writing returns
}

func (l *listener) Header() http.Header  { return l.header }
func (l *listener) WriteHeader(code int) { l.status = code }
func (l *listener) Flush()               {}
func (l *listener) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return 0, l.broken
	}
	return l.text.Write(b)
}

// listen opens a stream and waits for what comes at once.
func listen(t *testing.T, u *UI, path string, change ...func(*http.Request)) *listener {
	ctx, cancel := context.WithCancel(t.Context())
	l := &listener{t: t, header: make(http.Header), status: 200, end: cancel, done: make(chan struct{})}
	r := httptest.NewRequestWithContext(ctx, "GET", path, nil)
	r.Host = "phone.test"
	for _, c := range change {
		c(r)
	}
	go func() { // ends with the stream; ended waits for it
		defer close(l.done)
		u.ServeHTTP(l, r)
	}()
	synctest.Wait()
	return l
}

// take returns what came since the last call.
func (l *listener) take() string {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.text.String()
	l.text.Reset()
	return s
}

// wantEvents checks the number of events of this name since the last call and
// returns the last one's data.
func (l *listener) wantEvents(name string, want int) string {
	l.t.Helper()
	text := l.take()
	if got := strings.Count(text, "event: "+name+"\n"); got != want {
		l.t.Fatalf("%d events %q, want %d, in:\n%s", got, name, want, text)
	}
	_, data, _ := strings.Cut(text[strings.LastIndex(text, "event: "+name+"\n")+1:], "data: ")
	data, _, _ = strings.Cut(data, "\n")
	return data
}

func (l *listener) ended() bool {
	synctest.Wait()
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone()
		u := p.page(t)
		l := listen(t, u, "/api/v1/events")
		if kind := l.header.Get("Content-Type"); kind != "text/event-stream" {
			t.Errorf("Content-Type %q", kind)
		}
		if c := l.header.Get("Cache-Control"); c != "no-store" {
			t.Errorf("Cache-Control %q", c)
		}
		first := l.take()
		if !strings.HasPrefix(first, "retry: 2000\n\nid: ") || !strings.HasSuffix(first, "}\n\n") {
			t.Fatalf("the stream begins with %q", first)
		}

		p.become(ringing)
		var s node.Snapshot
		if err := json.Unmarshal([]byte(l.wantEvents("state", 1)), &s); err != nil || !s.Face.Ringing {
			t.Errorf("got %+v, %v", s, err)
		}

		p.become(func(*node.Snapshot) {}) // told of a change, but there is none
		time.Sleep(time.Second)
		l.wantEvents("state", 0)

		if l.end(); !l.ended() || p.watched() != 0 {
			t.Errorf("the client went: ended %v, %d still watch the node", l.ended(), p.watched())
		}
	})
}

// TestStreamTellsChangesTogether changes the node a thousand times in a
// second: nobody gets more than ten events or misses the last.
func TestStreamTellsChangesTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone()
		l := listen(t, p.page(t), "/api/v1/events")
		l.take()
		for i := range 1000 {
			p.become(func(s *node.Snapshot) { s.Counts.DatagramsIn = uint64(i) })
			time.Sleep(time.Millisecond)
		}
		time.Sleep(streamGap)
		text := l.take()
		if n := strings.Count(text, "event: state\n"); n < 9 || n > 11 {
			t.Errorf("%d events in a second, want 10", n)
		}
		if !strings.Contains(text, `"datagrams_in":999,`) {
			t.Error("the last change was not told")
		}
		l.end()
	})
}

func TestStreamHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone()
		l := listen(t, p.page(t), "/api/v1/events")
		l.take()
		time.Sleep(heartbeat - time.Millisecond)
		if s := l.take(); s != "" {
			t.Errorf("before its time: %q", s)
		}
		time.Sleep(time.Millisecond)
		if s := l.take(); s != ": heartbeat\nevent: beat\ndata: beat\n\n" {
			t.Errorf("the heartbeat is %q", s)
		}
		time.Sleep(10 * time.Second)
		p.become(ringing)
		l.wantEvents("state", 1)
		time.Sleep(heartbeat - time.Second) // an event is a sign of life, too
		l.wantEvents("beat", 0)
		time.Sleep(time.Second)
		l.wantEvents("beat", 1)
		l.end()
	})
}

// TestStreamResumes comes back with the last ID: what has been missed is
// sent, and nothing else.
func TestStreamResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone()
		u := p.page(t)
		l := listen(t, u, "/api/v1/events")
		_, id, _ := strings.Cut(l.take(), "id: ")
		id, _, _ = strings.Cut(id, "\n")
		l.end()

		back := listen(t, u, "/api/v1/events", with("Last-Event-ID", id))
		back.wantEvents("state", 0)
		back.end()

		p.become(ringing)
		back = listen(t, u, "/api/v1/events", with("Last-Event-ID", id))
		back.wantEvents("state", 1)
		back.end()
	})
}

func TestTooManyStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone()
		u := p.page(t)
		var open []*listener
		for i := range maxStreams {
			open = append(open, listen(t, u, []string{"/api/v1/events", "/page/events"}[i%2]))
		}
		ninth := listen(t, u, "/api/v1/events")
		if !ninth.ended() || ninth.status != http.StatusServiceUnavailable || ninth.header.Get("Retry-After") == "" {
			t.Fatalf("the ninth stream: status %d, ended %v", ninth.status, ninth.ended())
		}
		wantProblem(t, []byte(ninth.take()), http.StatusServiceUnavailable, "8 streams")

		open[3].end() // its place is free again
		synctest.Wait()
		open[3] = listen(t, u, "/page/events")
		open[3].wantEvents("page", 1)

		u.Close()
		for i, l := range open {
			if !l.ended() {
				t.Errorf("stream %d goes on after Close", i)
			}
		}
		if l := listen(t, u, "/page/events"); !l.ended() {
			t.Error("a stream was opened after Close")
		}
	})
}

func TestStreamEndsWithTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone()
		l := listen(t, p.page(t), "/api/v1/events")
		if p.end(); !l.ended() {
			t.Error("the stream goes on after the node's end")
		}
	})
}

func TestStreamEndsWithItsClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone()
		l := listen(t, p.page(t), "/api/v1/events")
		l.mu.Lock()
		l.broken = fmt.Errorf("the connection is gone")
		l.mu.Unlock()
		if p.become(ringing); !l.ended() {
			t.Error("the stream goes on though nothing can be written")
		}
	})
}

// TestStreamIsBounded holds the size of an event after an hour of talk.
func TestStreamIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone()
		p.become(inCall(3600))
		u := p.page(t)
		state, page := listen(t, u, "/api/v1/events"), listen(t, u, "/page/events")
		s, g := len(state.take()), len(page.take())
		t.Logf("after an hour of a call: a state has %d bytes, a page %d", s, g)
		if s > 16<<10 || g > 12<<10 {
			t.Errorf("a state has %d bytes, a page %d", s, g)
		}
		state.end()
		page.end()
	})
}

// TestPageStreamCounts shows the duration of a call though the node tells of
// no change.
func TestPageStreamCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone()
		p.become(inCall(5))
		l := listen(t, p.page(t), "/page/events")
		l.take()
		time.Sleep(2*time.Second + streamGap)
		if data := l.wantEvents("page", 2); !strings.Contains(data, `"Talking for 0:07"`) {
			t.Errorf("got %s", data)
		}
		p.become(func(s *node.Snapshot) { *s = newPhone().snapshot })
		time.Sleep(time.Minute)
		l.take()
		time.Sleep(time.Minute)
		l.wantEvents("page", 0) // nothing goes on, so nothing is sent
		l.end()
	})
}
