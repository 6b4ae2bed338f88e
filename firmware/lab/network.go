package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"peerphone/firmware/lab/child"
)

// How long the lab waits, on a machine that may be busy with other things.
const (
	toolTime  = time.Minute // for a command of loginserver that ends by itself
	startTime = time.Minute // for a process to say that it is there
)

// network is a running network of processes. Its start, in the order of the
// functions below: programs, login server, supernodes, phones.
type network struct {
	folder   folder
	programs programs
	steps    *steps
	group    *child.Group
	live     map[string]*live
	unlock   func()
}

// live is a running station.
type live struct {
	station
	folder  folder
	child   *child.Child
	page    string  // its URL, "" without one
	loginMS float64 // from the first packet until it could be called
}

// programs are the files that the network runs.
type programs struct{ lab, peerphone, loginserver string }

// findPrograms looks beside this program, where `make build` puts them.
func findPrograms() (p programs, err error) {
	lab, err := os.Executable()
	if err != nil {
		return p, err
	}
	return programsBeside(lab)
}

func programsBeside(lab string) (p programs, err error) {
	p.lab = lab
	dir := filepath.Dir(lab)
	if p.peerphone, err = firstFile(dir, "peerphone", "peerphone-linux-"+runtime.GOARCH); err != nil {
		return p, err
	}
	p.loginserver, err = firstFile(dir, "loginserver")
	return p, err
}

func firstFile(dir string, names ...string) (string, error) {
	for _, name := range names {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file, nil
		}
	}
	return "", fmt.Errorf("there is no %s in %s, beside lab; do: make build", names[0], dir)
}

// startNetwork starts everything and waits until both phones can be called.
func startNetwork(ctx context.Context, dir folder, p plan, s *steps) (n *network, err error) {
	if n, err = openNetwork(dir, s); err != nil {
		return nil, err
	}
	if err := n.start(ctx, p); err != nil {
		return nil, errors.Join(err, n.stop())
	}
	return n, nil
}

// openNetwork returns a network without a process.
func openNetwork(dir folder, s *steps) (n *network, err error) {
	n = &network{folder: dir, steps: s, live: map[string]*live{}}
	if n.programs, err = findPrograms(); err != nil {
		return nil, err
	}
	if n.unlock, err = dir.lock(); err != nil {
		return nil, err
	}
	if n.group, err = child.NewGroup(n.programs.lab, "keep"); err != nil {
		n.unlock()
		return nil, err
	}
	return n, nil
}

func (n *network) start(ctx context.Context, p plan) error {
	if err := n.giveAddresses(p); err != nil {
		return err
	}
	if err := n.startLogin(ctx, p); err != nil {
		return err
	}
	if err := n.startStations(ctx, p, p.supernodes); err != nil {
		return err
	}
	return n.startStations(ctx, p, p.phones)
}

// giveAddresses gives every station its UDP address.
func (n *network) giveAddresses(p plan) error {
	for i := range p.supernodes {
		var err error
		s := &p.supernodes[i]
		if s.listen, err = freeUDP(listened(folder(n.folder.path(s.name)))); err != nil {
			return err
		}
	}
	for i := range p.phones {
		p.phones[i].listen = netip.AddrPortFrom(loopback, 0) // the phone keeps what it gets
	}
	return nil
}

// Files of the login server.
const (
	loginFolder = "login"
	loginState  = "network" // made by loginserver
	loginListen = "listen"
)

// bootstraps is how many supernodes the parameters name: as many as the first
// Skype had in its program.
const bootstraps = 7

// startLogin makes the network, unless there is one from an earlier start,
// names supernodes in its parameters, runs the server and writes the
// invitation.
func (n *network) startLogin(ctx context.Context, p plan) error {
	dir := folder(n.folder.path(loginFolder))
	state := dir.path(loginState)
	if !dir.exists(loginState) {
		if _, err := n.programs.tool(ctx, "init", state); err != nil {
			return err
		}
		n.steps.say("login server", "a new network in %s", state)
	}
	var addrs []string
	for _, s := range p.supernodes[:min(len(p.supernodes), bootstraps)] {
		addrs = append(addrs, s.listen.String())
	}
	if _, err := n.programs.tool(ctx, "params", state, "--bootstrap", strings.Join(addrs, ",")); err != nil {
		return err
	}
	addr, err := n.runLogin(ctx, dir)
	if err != nil {
		return err
	}
	text, err := n.programs.tool(ctx, "invite", state, "--addr", addr)
	if err != nil {
		return err
	}
	n.steps.say("login server", "listens on %s", addr)
	return n.folder.write(invitationFile, text)
}

// tool runs a command of loginserver that ends by itself.
func (p programs) tool(ctx context.Context, args ...string) (stdout []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, toolTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.loginserver, args...)
	stdout, err = cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return nil, fmt.Errorf("loginserver %s: %w: %s", args[0], err, strings.TrimSpace(string(failed.Stderr)))
	}
	return stdout, err
}

// runLogin runs the server at the address of the last time, if that is free.
func (n *network) runLogin(ctx context.Context, dir folder) (addr string, err error) {
	last, _ := os.ReadFile(dir.path(loginListen)) // none at the first start
	wanted, _ := netip.ParseAddrPort(string(last))
	listen, err := freeTCP(wanted)
	if err != nil {
		return "", err
	}
	c, err := n.group.Start(child.Spec{
		Name: "the login server", Path: n.programs.loginserver, Log: dir.path(logFile),
		Args: []string{"run", dir.path(loginState), "--listen", listen.String(), "--open"},
	})
	if err != nil {
		return "", err
	}
	var line struct{ Listening string }
	if err := await(ctx, c, &line, func() bool { return line.Listening != "" }); err != nil {
		return "", err
	}
	return line.Listening, dir.write(loginListen, []byte(line.Listening))
}

// startStations starts some stations together and waits until all are ready.
func (n *network) startStations(ctx context.Context, p plan, stations []station) error {
	for _, s := range stations {
		if err := n.startStation(p, s); err != nil {
			return err
		}
	}
	for _, s := range stations {
		if err := n.live[s.name].ready(ctx); err != nil {
			return err
		}
		l := n.live[s.name]
		if l.phone() {
			n.steps.say(l.name, "number %s, ready after %.0f ms; page %s", l.number, l.loginMS, l.page)
		} else {
			n.steps.say(l.name, "supernode on %s, ready after %.0f ms", l.listen, l.loginMS)
		}
	}
	return nil
}

func (n *network) startStation(p plan, s station) error {
	dir := folder(n.folder.path(s.name))
	if err := p.prepare(dir, s); err != nil {
		return err
	}
	who := s.name
	if s.phone() {
		who = "the " + s.name
	}
	spec := child.Spec{
		Name: who, Path: n.programs.peerphone, Log: dir.path(logFile),
		Args: []string{"run", "--config", dir.path(configFile), "--state", dir.path(stateFolder)},
	}
	if len(s.environment) > 0 {
		spec.Path, spec.Args = "/usr/bin/env", slices.Concat(s.environment, []string{spec.Path}, spec.Args)
	}
	c, err := n.group.Start(spec)
	if err != nil {
		return err
	}
	n.live[s.name] = &live{station: s, folder: dir, child: c}
	return nil
}

// ready waits for the two lines that a peerphone prints when it has its
// sockets, and when it can be called.
func (l *live) ready(ctx context.Context) error {
	var line struct {
		Event   string
		Page    string
		LoginMS float64 `json:"login_ms"`
	}
	if err := await(ctx, l.child, &line, func() bool { return line.Event == "listening" }); err != nil {
		return err
	}
	l.page = line.Page
	if err := await(ctx, l.child, &line, func() bool { return line.Event == "ready" }); err != nil {
		return err
	}
	l.loginMS = line.LoginMS
	return nil
}

// stop ends every process and waits for it.
func (n *network) stop() error {
	defer n.unlock()
	return n.group.Stop()
}
