package main

import (
	"context"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// stalls notes when this machine was too busy to run a thread of the town's
// priority in time: what phones did then says nothing about them.
type stalls struct {
	stop context.CancelFunc
	done chan struct{}

	mu   sync.Mutex
	list []stall // guarded by mu
}

// stall is a time in which nothing of ours ran.
type stall struct{ from, to time.Time }

const (
	stallTick  = 2 * time.Millisecond
	leastStall = 10 * time.Millisecond // the timer's own lateness is a tenth of that
)

func watchStalls() *stalls {
	ctx, stop := context.WithCancel(context.Background())
	s := &stalls{stop: stop, done: make(chan struct{})}
	go s.watch(ctx) // owner: s, ended by close
	return s
}

func (s *stalls) watch(ctx context.Context) {
	defer close(s.done)
	runtime.LockOSThread() // for ever: its priority is not for others
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), priority)
	for last := time.Now(); ctx.Err() == nil; {
		sleep := unix.NsecToTimespec(int64(stallTick))
		_ = unix.Nanosleep(&sleep, nil) // not by Go's timers, which wait for another thread
		now := time.Now()
		if now.Sub(last) >= leastStall {
			s.mu.Lock()
			s.list = append(s.list, stall{last, now})
			s.mu.Unlock()
		}
		last = now
	}
}

func (s *stalls) close() {
	s.stop()
	<-s.done
}

// within sums the stalls that touch a time.
func (s *stalls) within(from, to time.Time) (sum time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.list {
		if x.to.After(from) && x.from.Before(to) {
			sum += x.to.Sub(x.from)
		}
	}
	return sum
}
