package child

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Patience is how long a child may take to end when asked to.
const Patience = 5 * time.Second

// Group is a set of children that end together. The zero value does not work;
// use NewGroup.
type Group struct {
	keeper *exec.Cmd
	pipe   io.Closer   // when it closes, the keeper kills the group
	starts chan func() // run by thread, in order

	mu       sync.Mutex
	children []*Child // in the order of their start, guarded by mu
}

// NewGroup starts a keeper: a program that calls Keep, in most cases this one
// with an argument of its own.
func NewGroup(program string, args ...string) (*Group, error) {
	g := &Group{starts: make(chan func())}
	g.keeper = exec.Command(program, args...)
	g.keeper.Stderr = os.Stderr
	// A group of its own, so that a Ctrl-C at the terminal reaches this program
	// only, which then ends the children in order.
	g.keeper.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := g.keeper.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("child: keeper: %w", err)
	}
	g.pipe = pipe
	if err := g.keeper.Start(); err != nil {
		return nil, fmt.Errorf("child: keeper: %w", err)
	}
	go g.thread() // owned by g; ends in Stop
	return g, nil
}

// thread starts the children. The kernel's promise to kill a child holds for
// the thread that started it, so this one must not end before the program does.
func (g *Group) thread() {
	runtime.LockOSThread()
	for start := range g.starts {
		start()
	}
}

// Start runs a child.
func (g *Group) Start(spec Spec) (c *Child, err error) {
	done := make(chan struct{})
	g.starts <- func() {
		defer close(done)
		c, err = start(spec, g.keeper.Process.Pid)
	}
	<-done
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	g.children = append(g.children, c)
	g.mu.Unlock()
	return c, nil
}

// Err returns the *Died of the first child that has ended, or nil.
func (g *Group) Err() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.children {
		if err := c.Err(); err != nil {
			return err
		}
	}
	return nil
}

// Stop ends the children, the last started first, waits for them, and ends the
// keeper. The group cannot be used again.
func (g *Group) Stop() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := len(g.children) - 1; i >= 0; i-- {
		g.children[i].Stop(Patience)
	}
	g.children = nil
	close(g.starts)
	err := g.pipe.Close()
	var killed *exec.ExitError // the keeper kills its group, itself included
	if wait := g.keeper.Wait(); wait != nil && !errors.As(wait, &killed) {
		err = errors.Join(err, wait)
	}
	return err
}

// Keep is the keeper: it waits until its stdin closes, which happens when the
// program that started it ends in whatever way, and then kills its process
// group, with all the children in it. It does not return.
func Keep() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	if syscall.Getpgrp() == os.Getpid() { // else it is not ours to kill
		_ = syscall.Kill(0, syscall.SIGKILL)
	}
	os.Exit(1)
}
