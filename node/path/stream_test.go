package path

import (
	"slices"
	"testing"
	"time"

	"peerphone/node/wire"
)

// streaming returns a script whose session goes by stream 7; the peer takes UDP
// at mapped.
func streaming(t *testing.T) *script {
	s := newScript(t)
	s.table.OpenStream(s.now, ours, 7, mapped)
	s.wantState(Streaming)
	return s
}

func TestASessionGoesByItsStream(t *testing.T) {
	s := streaming(t)
	s.table.Send(s.now, ours, []byte("x"))
	if got := s.table.Take(); len(got) != 1 || got[0].(StreamFrame).Stream != 7 {
		t.Errorf("sent %+v, want a frame in stream 7", got)
	}
	if w, ok := s.table.Way(ours); !ok || w != (Way{Stream: 7}) {
		t.Errorf("the way is %v", w)
	}
	s.table.StreamLost(s.now, ours)
	s.wantState(Stranded)
	if w, ok := s.table.Way(ours); ok {
		t.Errorf("without its stream the way is %v", w)
	}
	s.advance(time.Hour)
	s.want()
}

func TestUDPIsTriedNowAndThen(t *testing.T) {
	s := streaming(t)
	var tries []time.Duration
	for s.at() < 4*time.Minute {
		s.advance(time.Second)
		if events := s.table.Take(); slices.ContainsFunc(events, isProbe) {
			if n := len(tries); n == 0 || s.at()-tries[n-1] > 4*time.Second {
				tries = append(tries, s.at())
			}
		}
	}
	want := []time.Duration{5 * time.Second, 15 * time.Second, 35 * time.Second, 75 * time.Second, 135 * time.Second, 195 * time.Second}
	if !slices.Equal(tries, want) {
		t.Errorf("tried at %v, want %v", tries, want)
	}
	s.wantState(Streaming)
}

// What lies before three streams is one firewall: after the first try of each
// one looks for UDP on behalf of all, and when it gets through all try.
func TestOneStreamTriesForAll(t *testing.T) {
	s := streaming(t)
	s.table.OpenStream(s.now, ours+1, 8, other)
	s.table.OpenStream(s.now, ours+2, 9, host)
	tries := map[wire.Index]int{}
	for s.at() < 10*time.Minute {
		s.advance(time.Second)
		for _, e := range s.table.Take() {
			if p, ok := e.(Probe); ok {
				tries[p.Index]++
			}
		}
	}
	if n := tries[ours]; n < 10*tryUDPTimes || n > 14*tryUDPTimes {
		t.Errorf("the first asks %d times in ten minutes", n)
	}
	if tries[ours+1] != tryUDPTimes || tries[ours+2] != tryUDPTimes {
		t.Errorf("the others ask %d and %d times, want %d", tries[ours+1], tries[ours+2], tryUDPTimes)
	}
	s.table.TryUDP(s.now)
	s.table.Take()
	s.respond(mapped, mapped)
	others := 0
	for _, e := range s.table.Take() {
		if p, ok := e.(Probe); ok && p.Index != ours {
			others++
		}
	}
	s.advance(tryUDPPause)
	for _, e := range s.table.Take() {
		if p, ok := e.(Probe); ok && p.Index != ours {
			others++
		}
	}
	if others < 2 {
		t.Errorf("the others ask %d times when the first gets through", others)
	}
}

func isProbe(e Event) bool {
	_, ok := e.(Probe)
	return ok
}

func TestASessionMovesToUDPAndGivesItsStreamUp(t *testing.T) {
	s := streaming(t)
	s.advance(5 * time.Second)
	s.table.Take()
	s.respond(mapped, mapped)
	s.want("moved " + mapped.String())
	s.table.Send(s.now, ours, []byte("x"))
	if got := s.table.Take(); got[0].(UDP).Addr != mapped {
		t.Errorf("sent %+v", got)
	}
	s.advance(streamLinger - time.Millisecond)
	s.table.Take()
	s.advance(time.Millisecond)
	if got := s.table.Take(); len(got) != 1 || got[0] != (StreamEnd{Stream: 7}) {
		t.Errorf("got %+v, want the end of the stream", got)
	}
	s.table.StreamLost(s.now, ours)
	s.wantState(Direct)
}

// Who was dialled follows the dialler's challenge, and keeps the stream: the
// dialler closes it.
func TestWhoWasDialledFollows(t *testing.T) {
	s := newScript(t)
	s.table.OpenStream(s.now, ours, 9, other)
	s.table.OpenStream(s.now, ours, 7, Way{}.Addr)
	s.advance(time.Hour)
	s.want()
	s.challenged(mapped)
	s.want("return " + mapped.String())
	s.respond(mapped, mapped)
	s.want("moved " + mapped.String())
	s.wantState(Direct)
	s.advance(time.Hour)
	s.want()
}
