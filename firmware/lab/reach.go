package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"peerphone/firmware/lab/child"
	"peerphone/firmware/lab/natlab"
)

// town is a telephone network in a laboratory of networks (package natlab):
// the login server and the supernodes live on public hosts, phones wherever
// they are put, each a real process in the network namespace of its host.
//
//	t, err := openTown(ctx, townPlan{Dir: "out/nat", Supernodes: 4}, steps)
//	defer t.close()
//	home, err := t.lab.Site("home", natlab.PortRestricted)
//	host, err := home.Host("kitchen")
//	kitchen := t.settle("kitchen", host)       // a contact of all others, and all are its
//	...
//	err = t.start(ctx)                         // all that were settled since the last start
//	c, err := kitchen.call(ctx, workshop)      // lifts, dials, waits until the other rings
//	err = c.answer(ctx)
//	...
//	err = c.end(ctx)                           // hangs up; the captures are complete now
//	list := c.to.sounds()                       // what came in, told by the wire
//
// reachnode.go starts the processes, reachcall.go makes calls, reachwire.go
// reads captures.
type town struct {
	// constant after openTown
	plan     townPlan
	folder   folder
	steps    *steps
	programs programs
	lab      *natlab.Lab
	group    *child.Group
	stalls   *stalls
	unlock   func()

	server     *natlab.Public
	supernodes []*supernode
	residents  []*resident
}

// townPlan says what a town has before anybody lives there.
type townPlan struct {
	Dir        string        // everything is in its subfolder town, which is begun anew
	Supernodes int           // 1 to 8
	Delay      time.Duration // of the line of each supernode and of the login server, one way
	Lab        string        // the file beside which the programs are; "": this program's
}

// townFolder holds a folder for each process.
const townFolder = "town"

// Ports of public hosts. The login server has one that every firewall lets
// through. A supernode draws its own at random in real life.
const (
	loginPort     = 443
	supernodePort = 41000
)

func (p townPlan) programs() (programs, error) {
	if p.Lab == "" {
		return findPrograms()
	}
	return programsBeside(p.Lab)
}

// openTown makes the internet and starts the login server and the supernodes.
// Without root or a tool the error wraps natlab.ErrUnavailable and is one line.
func openTown(ctx context.Context, p townPlan, s *steps) (t *town, err error) {
	t = &town{plan: p, folder: folder(folder(p.Dir).path(townFolder)), steps: s, unlock: func() {}, stalls: watchStalls()}
	if t.programs, err = p.programs(); err == nil {
		t.lab, err = natlab.Open(ctx, nil)
	}
	if err != nil {
		t.stalls.close()
		return nil, err
	}
	if err := t.open(ctx); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

func (t *town) open(ctx context.Context) (err error) {
	if t.unlock, err = folder(t.plan.Dir).lock(); err != nil {
		return err
	}
	if err := os.RemoveAll(string(t.folder)); err != nil {
		return err
	}
	if t.group, err = child.NewGroup(t.programs.lab, "keep"); err != nil {
		return err
	}
	if err := t.build(); err != nil {
		return err
	}
	if err := t.startLogin(ctx); err != nil {
		return err
	}
	for _, s := range t.supernodes {
		if err := s.start(); err != nil {
			return err
		}
	}
	for _, s := range t.supernodes {
		if err := s.ready(ctx); err != nil {
			return err
		}
	}
	t.steps.say("town", "a login server and %d supernodes are there", len(t.supernodes))
	return nil
}

// build makes the public hosts.
func (t *town) build() (err error) {
	if t.server, err = t.publicHost("login"); err != nil {
		return err
	}
	for i := range t.plan.Supernodes {
		host, err := t.publicHost(fmt.Sprintf("supernode%d", i+1))
		if err != nil {
			return err
		}
		t.supernodes = append(t.supernodes, &supernode{town: t, Public: host, number: fmt.Sprint(9001 + i)})
	}
	return nil
}

func (t *town) publicHost(name string) (*natlab.Public, error) {
	p, err := t.lab.Public(name)
	if err != nil {
		return nil, err
	}
	return p, p.SetDelay(t.plan.Delay, 0)
}

// startLogin makes the network and runs the login server at its IPv4 and IPv6
// addresses.
func (t *town) startLogin(ctx context.Context) error {
	dir := folder(t.folder.path(loginFolder))
	state := dir.path(loginState)
	if err := dir.write(logFile, nil); err != nil {
		return err
	}
	if _, err := t.programs.tool(ctx, "init", state); err != nil {
		return err
	}
	if _, err := t.programs.tool(ctx, "params", state, "--bootstrap", strings.Join(t.bootstrap(), ",")); err != nil {
		return err
	}
	invite := []string{"invite", state}
	for _, a := range []netip.Addr{t.server.Host.Addr4(), t.server.Host.Addr6()} {
		invite = append(invite, "--addr", netip.AddrPortFrom(a, loginPort).String())
	}
	text, err := t.programs.tool(ctx, invite...)
	if err != nil {
		return err
	}
	if err := t.folder.write(invitationFile, text); err != nil {
		return err
	}
	c, err := t.spawn(t.server.Host, "the login server", dir.path(logFile), t.programs.loginserver,
		"run", state, "--listen", fmt.Sprintf(":%d", loginPort), "--open")
	if err != nil {
		return err
	}
	var line struct{ Listening string }
	return await(ctx, c, &line, func() bool { return line.Listening != "" })
}

// bootstrap lists the supernodes by both of their addresses.
func (t *town) bootstrap() (list []string) {
	for _, s := range t.supernodes {
		list = append(list, netip.AddrPortFrom(s.Host.Addr4(), supernodePort).String())
	}
	for _, s := range t.supernodes {
		list = append(list, netip.AddrPortFrom(s.Host.Addr6(), supernodePort).String())
	}
	return list
}

// priority is the niceness of the town's programs: what else the machine does
// shall not be measured. Their audio threads have a better one still.
const priority = -10

// spawn runs a program on a host.
func (t *town) spawn(host *natlab.Host, name, log, program string, args ...string) (*child.Child, error) {
	line := host.Enter("nice", append([]string{"-n", strconv.Itoa(priority), program}, args...)...)
	return t.group.Start(child.Spec{Name: name, Path: line[0], Args: line[1:], Log: log})
}

// close ends every process, removes every network, and leaves the folder.
func (t *town) close() error {
	var err error
	for _, r := range t.residents {
		if r.phone != nil {
			r.phone.close()
		}
	}
	if t.group != nil {
		err = t.group.Stop()
	}
	err = errors.Join(err, t.lab.Close())
	t.stalls.close()
	t.unlock()
	return err
}
