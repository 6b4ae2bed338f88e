package session

import (
	"errors"
	"net"
	"slices"
	"testing"
)

// piece notes what is written to it, and is not there to be read from.
type piece struct {
	net.Conn
	written []string
}

func (p *piece) Write(b []byte) (int, error) {
	p.written = append(p.written, string(b))
	return len(b), nil
}

var errDry = errors.New("nothing to read")

func (p *piece) Read([]byte) (int, error) { return 0, errDry }

// TestFlightsLeaveInOnePiece: what is said before the answer is read for is one
// write; after the handshake nothing waits.
func TestFlightsLeaveInOnePiece(t *testing.T) {
	p := &piece{}
	f := &flights{Conn: p}
	say := func(words ...string) {
		for _, w := range words {
			if n, err := f.Write([]byte(w)); n != len(w) || err != nil {
				t.Fatalf("writing %q: %d, %v", w, n, err)
			}
		}
	}
	want := func(when string, pieces ...string) {
		t.Helper()
		if !slices.Equal(p.written, pieces) {
			t.Errorf("%s: %q was written, want %q", when, p.written, pieces)
		}
	}
	say("hello")
	want("before it is read")
	if _, err := f.Read(nil); err != errDry {
		t.Fatal(err)
	}
	say("finished", " and ", "preface")
	f.Read(nil)
	want("after two flights", "hello", "finished and preface")
	say("last")
	if err := f.land(); err != nil {
		t.Fatal(err)
	}
	say("sound", "more")
	want("after the handshake", "hello", "finished and preface", "last", "sound", "more")
}
