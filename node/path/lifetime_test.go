package path

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"peerphone/node/wire"
)

// forgetter is a NAT that forgets a flow, between a Lifetime and a Later.
type forgetter struct {
	*testing.T
	now      time.Time
	life     *Lifetime
	later    Later
	lifetime time.Duration // for which it remembers a stream
	young    time.Duration // for which a flow that is no stream yet
	loss     float64
	rand     *rand.Rand

	made  time.Time // when the spare socket first sent
	last  time.Time // when it last did
	stray int       // packets while it should be silent
	open  int       // spare sockets
	mail  []note
	found time.Duration
	due   int
}

// note is a question on its way there, or an answer on its way back.
type note struct {
	at     time.Time
	answer bool
	frame  []byte
}

var spareAddr = netip.MustParseAddrPort("198.51.100.2:31000")

func newForgetter(t *testing.T, lifetime time.Duration, seed uint64) *forgetter {
	return &forgetter{
		T: t, now: time.Unix(1_700_000_000, 0), lifetime: lifetime, young: min(lifetime, 12*time.Second),
		life: NewLifetime(Config{Rand: seeded(byte(seed))}), rand: rand.New(rand.NewPCG(seed, 2)),
	}
}

// run lets time pass until something is found, or d is over.
func (f *forgetter) run(d time.Duration) {
	for end := f.now.Add(d); f.now.Before(end) && f.found == 0; {
		f.settle()
		next := end
		for _, at := range []time.Time{f.life.Next(), f.later.Next(), f.arrives()} {
			if !at.IsZero() && at.Before(next) {
				next = at
			}
		}
		f.now = next
		f.deliver()
		f.life.Advance(f.now)
		f.later.Advance(f.now)
	}
	f.settle()
}

func (f *forgetter) arrives() (at time.Time) {
	for _, m := range f.mail {
		at = earlier(at, m.at)
	}
	return at
}

func (f *forgetter) settle() {
	for _, e := range f.life.Take() {
		switch e := e.(type) {
		case OpenGates:
			f.open++
			f.made = time.Time{}
		case CloseGates:
			f.open--
		case UDP:
			if f.life.State() == Waiting || f.life.State() == Warming {
				f.stray++
			}
			if f.made.IsZero() {
				f.made = f.now
			}
			f.last = f.now
			f.post(false, e.Frame)
		case Lived:
			f.found = e.Lifetime
		case LifetimeDue:
			f.due++
		}
	}
	for _, e := range f.later.Take() {
		f.post(true, e.(UDP).Frame)
	}
}

func (f *forgetter) post(answer bool, frame []byte) {
	if f.rand.Float64() >= f.loss {
		f.mail = append(f.mail, note{f.now.Add(50 * time.Millisecond), answer, frame})
	}
}

func (f *forgetter) deliver() {
	var due []note
	f.mail = slices.DeleteFunc(f.mail, func(m note) bool {
		if m.at.After(f.now) {
			return false
		}
		due = append(due, m)
		return true
	})
	for _, m := range due {
		q, ok := wire.ParseQuestion(m.frame)
		if !ok {
			f.Fatalf("not a question: %x", m.frame)
		}
		switch {
		case !m.answer:
			f.later.Asked(f.now, spareAddr, q, len(m.frame))
		case f.open > 0 && f.now.Sub(f.last) <= f.remembered():
			f.life.Heard(f.now, host, q)
			f.last = f.now
		}
	}
}

// remembered is for how long the NAT knows the flow of the spare socket.
func (f *forgetter) remembered() time.Duration {
	if f.last.Sub(f.made) < 2*time.Second {
		return f.young
	}
	return f.lifetime
}

// The lifetime of a NAT is found, rounded down to a step, whatever gets lost.
func TestLifetimeIsFound(t *testing.T) {
	for _, c := range []struct{ real, want time.Duration }{
		{10 * time.Second, LeastLifetime},
		{22 * time.Second, 20 * time.Second},
		{32 * time.Second, 30 * time.Second},
		{60 * time.Second, 45 * time.Second},
		{90 * time.Second, 65 * time.Second},
		{180 * time.Second, 125 * time.Second},
		{time.Hour, 125 * time.Second},
	} {
		t.Run(fmt.Sprint(c.real), func(t *testing.T) {
			f := newForgetter(t, c.real, 1)
			f.life.Begin(f.now, host)
			f.run(time.Hour)
			if f.found != c.want {
				t.Errorf("found %v, want %v", f.found, c.want)
			}
			if f.stray != 0 || f.open != 0 {
				t.Errorf("%d packets in the silence, %d sockets left open", f.stray, f.open)
			}
		})
	}
}

// Where packets get lost the result is never too long, and rarely too short.
func TestLifetimeWithLoss(t *testing.T) {
	short := 0
	for seed := range uint64(100) {
		f := newForgetter(t, 70*time.Second, seed)
		f.loss = 0.05
		f.life.Begin(f.now, host)
		f.run(3 * time.Hour)
		switch {
		case f.found > 65*time.Second:
			t.Errorf("seed %d: found %v of 70s", seed, f.found)
		case f.found < 65*time.Second:
			short++
		}
	}
	if short > 10 {
		t.Errorf("found less than 65s in %d of 100 runs", short)
	}
}

// A supernode that does not answer is given up, and one is asked for again later;
// what was found is measured anew after a day, and at once in another network.
func TestLifetimeIsMeasuredAgain(t *testing.T) {
	f := newForgetter(t, time.Minute, 1)
	f.loss = 1
	f.life.Begin(f.now, host)
	f.run(lifetimeAgain)
	if f.open != 0 || f.due != 0 {
		t.Fatalf("%d sockets left open, %d times due", f.open, f.due)
	}
	f.run(time.Minute)
	if f.due != 1 {
		t.Fatalf("due %d times, want once", f.due)
	}
	f.loss = 0
	f.life.Begin(f.now, host)
	f.run(time.Hour)
	if f.found != 45*time.Second {
		t.Fatalf("found %v", f.found)
	}
	f.found, f.lifetime = 0, 30*time.Second
	f.life.Begin(f.now, host)
	f.run(lifetimeRenew - time.Hour)
	if f.found != 0 || f.due != 1 {
		t.Fatalf("found %v again, due %d times", f.found, f.due)
	}
	f.run(2 * time.Hour)
	if f.due != 2 {
		t.Fatalf("due %d times in the next day", f.due-1)
	}
	f.life.Begin(f.now, host)
	f.run(30 * time.Second)
	f.life.Stop()
	f.settle()
	if f.open != 0 || f.life.State() != LifetimeIdle || !f.life.Next().IsZero() {
		t.Errorf("stopped: %d sockets open, %v", f.open, f.life.State())
	}
}

// Both answers together are no more than the question, and a short one has none.
func TestLaterAmplifiesNothing(t *testing.T) {
	var l Later
	now := time.Unix(1_700_000_000, 0)
	ask := func(frame []byte) (answers int) {
		q, _ := wire.ParseQuestion(frame)
		l.Asked(now, spareAddr, q, len(frame))
		l.Advance(now.Add(time.Minute))
		l.Advance(now.Add(time.Minute)) // it is not owed twice
		bytes := 0
		for _, e := range l.Take() {
			bytes += len(e.(UDP).Frame) + 48
			answers++
		}
		if bytes > len(frame)+48 {
			t.Errorf("%d bytes are answered by %d", len(frame)+48, bytes)
		}
		return answers
	}
	long := appendLater(nil, false, 7, time.Minute)
	if n := ask(long); n != 2 {
		t.Errorf("%d answers, want two", n)
	}
	if n := ask(long[:laterSize-1]); n != 0 {
		t.Errorf("%d answers to a short question", n)
	}
	if n := ask(appendLater(nil, false, 7, MaxLaterWait+time.Second)); n != 0 {
		t.Errorf("%d answers to who wants to wait for ever", n)
	}
	for nonce := range uint64(2 * maxLater) {
		q, _ := wire.ParseQuestion(appendLater(nil, false, nonce, time.Minute))
		l.Asked(now, spareAddr, q, laterSize)
	}
	if len(l.owed) != maxLater {
		t.Errorf("%d answers are owed, want %d at most", len(l.owed), maxLater)
	}
}
