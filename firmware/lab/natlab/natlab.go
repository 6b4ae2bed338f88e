// Package natlab is an internet in a box: public hosts, and sites whose hosts
// live behind real kernel NATs and firewalls, in network namespaces of one
// Linux machine.
//
// Open makes the internet, a router that joins all lines. Public adds a host
// with public addresses, Site a router of a chosen Kind and the network behind
// it. Lines have delay, jitter, loss and rate, and can be pulled. Hosts run
// Go functions (Do, and sockets by ListenUDP, Listen and Dial) and programs
// (Command), and are captured packet by packet.
//
// The namespaces have no names: each lives while this process holds it open,
// so that the kernel removes them, with every interface, rule and mapping,
// however the process ends. Programs that run in them carry a mark in their
// environment; Close ends them, and Open ends those that a killed lab left.
// Nothing outside is touched, and any number of labs can run side by side.
//
// # Addresses
//
// Each line has a number i from 1 to MaxLines and, so that limits per prefix
// see strangers, prefixes of its own:
//
//	198.18+i/256.i%256.0/25     line: .1 the internet, .2 host or router, then renumbered ones
//	198.18+i/256.i%256.128/25   hosts of a NoNAT site: .129 the router, .130 the first
//	2001:db8:i::/64             line: ::1 and ::2
//	2001:db8:i:1::/64           hosts: ::1 the router, ::10 the first
//	10.i/256.i%256.0/24         hosts behind a NAT: .1 the router, .10 the first
//	100.64+i/256.i%256.0/24     homes behind a carrier that a Kind brings along
package natlab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
)

// Bounds of one lab: the address plan holds them.
const (
	MaxLines = 500 // public hosts and sites at one time
	maxLAN   = 200 // interfaces in the network of one site
)

var (
	errClosed = errors.New("natlab: the lab is closed")
	errFull   = errors.New("natlab: no line is free")
)

// Lab is one internet. The zero value does not work; use Open. Its methods,
// and those of what it makes, can be called by any goroutine.
type Lab struct {
	log  *slog.Logger
	mark string // in the environment of every program that runs here
	inet *space // the router that joins all lines
	stop func() bool

	once sync.Once
	err  error // of Close, after once

	mu     sync.Mutex
	closed bool               // guarded by mu
	lines  [MaxLines + 1]bool // in use, guarded by mu; 0 never
	spaces []*space           // guarded by mu
	open   []io.Closer        // captures and lags, guarded by mu
}

// Open makes an internet without anything attached. The lab closes itself when
// ctx is done. Without root or a tool the error wraps ErrUnavailable and says
// in one line what to do. log takes changes of state; nil: none.
func Open(ctx context.Context, log *slog.Logger) (*Lab, error) {
	if err := available(); err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	mark, err := newMark()
	if err != nil {
		return nil, err
	}
	if n := sweep(orphaned); n > 0 {
		log.Info("ended programs of a lab that is gone", "count", n)
	}
	l := &Lab{log: log, mark: mark}
	if l.inet, err = l.newSpace("internet"); err != nil {
		return nil, err
	}
	if err := l.prepare(); err != nil {
		l.Close()
		return nil, err
	}
	l.stop = context.AfterFunc(ctx, func() { l.Close() })
	return l, nil
}

// prepare makes the joining router forward.
func (l *Lab) prepare() error {
	if err := l.inet.forward(true); err != nil {
		return err
	}
	// net finds out once in a process, at the first socket, which IP versions
	// there are: here both are, at some hosts one only.
	return l.inet.do(func() error {
		c, err := net.ListenPacket("udp", ":0")
		if err != nil {
			return fmt.Errorf("natlab: %w", err)
		}
		return c.Close()
	})
}

// Close ends every program that runs in the lab and removes all of it. It can
// be called more than once.
func (l *Lab) Close() error {
	l.once.Do(func() {
		if l.stop != nil {
			l.stop()
		}
		l.mu.Lock()
		l.closed = true
		spaces, open := slices.Clone(l.spaces), slices.Clone(l.open) // others take from them while they close
		l.mu.Unlock()
		l.err = endPrograms(func(p process) bool { return p.inside(spaces) || p.mark() == l.mark })
		for _, c := range slices.Backward(open) {
			l.err = errors.Join(l.err, c.Close())
		}
		for _, s := range slices.Backward(spaces) {
			l.err = errors.Join(l.err, s.close())
		}
		l.log.Debug("lab closed", "spaces", len(spaces))
	})
	return l.err
}

// newSpace makes a namespace that Close will close.
func (l *Lab) newSpace(name string) (*space, error) {
	l.mu.Lock()
	closed := l.closed
	l.mu.Unlock()
	if closed {
		return nil, errClosed
	}
	s, err := newSpace(name)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed { // meanwhile
		return nil, errors.Join(errClosed, s.close())
	}
	l.spaces = append(l.spaces, s)
	return s, nil
}

// dropSpaces ends the programs in namespaces and closes them before the lab
// ends.
func (l *Lab) dropSpaces(spaces ...*space) error {
	l.mu.Lock()
	l.spaces = slices.DeleteFunc(l.spaces, func(s *space) bool { return slices.Contains(spaces, s) })
	l.mu.Unlock()
	err := endPrograms(func(p process) bool { return p.inside(spaces) })
	for _, s := range spaces {
		err = errors.Join(err, s.close())
	}
	return err
}

// keep has Close close c.
func (l *Lab) keep(c io.Closer) error {
	l.mu.Lock()
	closed := l.closed
	if !closed {
		l.open = append(l.open, c)
	}
	l.mu.Unlock()
	if closed {
		return errors.Join(errClosed, c.Close()) // which forgets c
	}
	return nil
}

// forget undoes keep.
func (l *Lab) forget(c io.Closer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = slices.DeleteFunc(l.open, func(o io.Closer) bool { return o == c })
}

// takeLine reserves the lowest number that is free.
func (l *Lab) takeLine() (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := 1; i <= MaxLines; i++ {
		if !l.lines[i] {
			l.lines[i] = true
			return i, nil
		}
	}
	return 0, errFull
}

func (l *Lab) freeLine(i int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines[i] = false
}
