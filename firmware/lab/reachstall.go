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
	done sync.WaitGroup // of the threads

	mu   sync.Mutex
	list []stall // guarded by mu
}

// stall is a time in which nothing of ours ran.
type stall struct{ from, to time.Time }

const (
	stallTick  = 2 * time.Millisecond
	leastStall = 10 * time.Millisecond // the timer's own lateness is a tenth of that
)

// watchStalls watches with a thread that may run on any processor.
func watchStalls() *stalls {
	s, ctx := newStalls()
	s.done.Go(func() { s.watch(ctx, nil) }) // owner: s, ended by close
	return s
}

// watchProcessors watches with a thread on each processor: the sound of a call
// waits for whichever of them stands still.
func watchProcessors() *stalls {
	s, ctx := newStalls()
	var all unix.CPUSet
	_ = unix.SchedGetaffinity(0, &all) // without it nothing is watched, and nothing excused
	for i := range len(all) * 64 {
		if all.IsSet(i) {
			var one unix.CPUSet
			one.Set(i)
			s.done.Go(func() { s.watch(ctx, &one) }) // owner: s, ended by close
		}
	}
	return s
}

func newStalls() (*stalls, context.Context) {
	ctx, stop := context.WithCancel(context.Background())
	return &stalls{stop: stop}, ctx
}

// watch is one thread, on the processor that it is given.
func (s *stalls) watch(ctx context.Context, on *unix.CPUSet) {
	runtime.LockOSThread() // for ever: its priority is not for others
	if on != nil {
		_ = unix.SchedSetaffinity(0, on)
	}
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
	s.done.Wait()
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
