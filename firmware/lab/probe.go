package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"peerphone/firmware/lab/natlab"
)

// probeCommand is a stranger who wants to know where somebody lives.
type probeCommand struct {
	lifetime
	Calls int    `help:"Calls by strangers, and half as many to phones that always relay. Every other one is answered. Default: ${default}." default:"1000" placeholder:"N"`
	Ports int    `help:"Ports of each phone that are scanned, UDP and TCP, its own among them. Default: ${default}." default:"65535" placeholder:"N"`
	Short bool   `help:"12 calls, 500 ports; all up to twice more when a call does not come about, for a busy machine can spoil any one."`
	JSON  bool   `help:"Print the results as JSON, and the progress on the standard error."`
	Dir   string `help:"Folder for what each process writes. Default: ${default}." default:"out/probe" placeholder:"DIR"`
}

// Help is shown by lab probe --help.
func (probeCommand) Help() string {
	return `Strangers call phones at home and on the open internet, again and again, and talk when they are
answered. Then every packet that came to or left a stranger's interface is looked through for
an address of a phone that it called: as source, as destination, and in whatever is sent in
the clear; and the memory of the strangers' programs, which have seen what was sealed too. The
same for callers who are contacts, of phones whose owners always relay. A contact of a phone
that does not is called last: there the address must be found, or the search is worth nothing.

Ports of the phones on the open internet are scanned: with nothing, noise, STUN, handshakes of
others and of this network without its secret, and by TCP. Nothing may come back but the
kernel's word that nobody listens.

Exit 1 when an address or an answer was seen. Needs root, nftables, iproute2, conntrack: make
lab-deps.`
}

func (p probeCommand) Run() error {
	if p.Calls < 4 || p.Calls > 100_000 || p.Ports < 1 || p.Ports > 65535 {
		return errUsage{errors.New("want --calls 4 to 100000, --ports 1 to 65535")}
	}
	if p.Short {
		p.Calls, p.Ports = 12, 500
	}
	ctx, stop := p.life()
	defer stop()
	out := os.Stdout
	if p.JSON {
		out = os.Stderr
	}
	s := newSteps(out)
	for again := onceMore; ; again-- {
		r, err := p.probe(ctx, s)
		if err != nil {
			return err
		}
		wrong := r.verdict()
		if wrong == nil || r.told() || !p.Short || again == 0 {
			return errors.Join(r.print(os.Stdout, p.JSON), wrong)
		}
		s.say("lab", "makes all calls once more, for a busy machine can spoil any one: %v", wrong)
	}
}

// probed is what came of it.
type probed struct {
	Groups []*groupProbed `json:"callers"`
	Scans  []*scanned     `json:"scans"`
}

// groupProbed is what one kind of caller did and saw.
type groupProbed struct {
	Callers  string   `json:"callers"`
	Calls    int      `json:"calls"`
	Rang     int      `json:"rang"`
	Lifted   int      `json:"lifted"`   // of those, the receiver was lifted
	Answered int      `json:"answered"` // and heard
	Packets  int      `json:"packets"`  // at the callers' interfaces
	Seen     int      `json:"seen"`     // addresses in them
	Memory   int      `json:"memory"`   // addresses in the callers' memory
	First    []string `json:"first"`    // some of what was seen
	wanted   bool     // to be seen: the counter-check

	mu sync.Mutex
}

// maxFirst bounds First.
const maxFirst = 5

func (g *groupProbed) saw(text string) {
	if len(g.First) < maxFirst {
		g.First = append(g.First, text)
	}
}

// neighbourhood is a phone and those who call it.
type neighbourhood struct {
	callee  place
	callers []*resident
	group   *groupProbed
	calls   int
}

// Callers of a phone take turns: the introductions of one are carried once in
// three seconds.
const callersEach = 3

// probe builds the town, makes the calls, and scans.
func (p probeCommand) probe(ctx context.Context, s *steps) (r *probed, err error) {
	t, err := openTown(ctx, townPlan{Dir: p.Dir, Supernodes: 4}, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	r = &probed{}
	all, err := p.neighbours(t, r)
	if err != nil {
		return nil, err
	}
	if err := t.start(ctx); err != nil {
		return nil, err
	}
	if err := p.callAll(ctx, all, s); err != nil {
		return nil, err
	}
	for _, n := range all {
		if n.callee.site.Kind() != natlab.NoNAT {
			continue
		}
		scan, err := p.scan(ctx, t, n.callee)
		if err != nil {
			return nil, err
		}
		r.Scans = append(r.Scans, scan)
		s.say("lab", "%v", scan)
	}
	return r, nil
}

// neighbours puts the phones into the town: strangers of one at home and one
// on the open internet, contacts of two that always relay, and one contact of
// a phone that does not.
func (p probeCommand) neighbours(t *town, r *probed) (all []*neighbourhood, err error) {
	strangers, shy, check := &groupProbed{Callers: "strangers"}, &groupProbed{Callers: "contacts, always relay"}, &groupProbed{Callers: "contact", wanted: true}
	r.Groups = []*groupProbed{strangers, shy, check}
	for _, k := range []natlab.Kind{natlab.PortRestricted, natlab.NoNAT} {
		for _, g := range []*groupProbed{strangers, shy} {
			n := &neighbourhood{group: g, calls: p.Calls / 2}
			options := []option{asStranger()}
			callers := callersEach
			if g == shy {
				n.calls, options, callers = p.Calls/4, []option{configured(alwaysRelay)}, 2
			}
			if err := n.build(t, fmt.Sprintf("%v-%d", k, len(all)), k, callers, options); err != nil {
				return nil, err
			}
			all = append(all, n)
		}
	}
	n := &neighbourhood{group: check, calls: 1}
	return append(all, n), n.build(t, "check", natlab.NoNAT, 1, nil)
}

// alwaysRelay is the owner's wish to be found by nobody.
func alwaysRelay(c *phoneConfig) { c.Network.AlwaysRelay = true }

// build makes the callee's site, and its callers on public hosts. ofCallee
// holds for a callee with contacts; strangers are strangers themselves.
func (n *neighbourhood) build(t *town, name string, k natlab.Kind, callers int, options []option) error {
	site, err := t.lab.Site(name, k, natlab.IPv6())
	if err != nil {
		return err
	}
	host, err := site.Host(name)
	if err != nil {
		return err
	}
	ofCaller, ofCallee := options, options
	if n.group.Callers == "strangers" {
		ofCallee = nil
	} else {
		ofCaller = nil
	}
	n.callee = place{t.settle(name, host, ofCallee...), site}
	for i := range callers {
		caller := fmt.Sprintf("%s-caller%d", name, i+1)
		public, err := t.lab.Public(caller)
		if err != nil {
			return err
		}
		n.callers = append(n.callers, t.settle(caller, public.Host, ofCaller...))
	}
	return nil
}

// callAll lets all neighbourhoods call at the same time.
func (p probeCommand) callAll(ctx context.Context, all []*neighbourhood, s *steps) error {
	errs := make([]error, len(all))
	var workers sync.WaitGroup
	for i, n := range all {
		workers.Go(func() { errs[i] = n.work(ctx, s) }) // owner: callAll
	}
	workers.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return errors.Join(errs...)
}

// work makes the calls of one phone, and looks for its address.
func (n *neighbourhood) work(ctx context.Context, s *steps) error {
	address, err := n.callee.secret(ctx)
	if err != nil {
		return err
	}
	captures := map[*resident]*natlab.Capture{}
	for _, c := range n.callers {
		if captures[c], err = c.town.lab.Capture(c.host); err != nil {
			return err
		}
	}
	begun := time.Now()
	for i := range n.calls {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if i%len(n.callers) == 0 && i > 0 {
			time.Sleep(time.Until(begun.Add(dialRest)))
			begun = time.Now()
		}
		n.once(ctx, n.callers[i%len(n.callers)], i%2 == 0)
		if (i+1)%50 == 0 {
			s.say(n.callee.residence, "%d of %d calls", i+1, n.calls)
		}
	}
	for _, c := range n.callers {
		if err := n.inspect(c, captures[c], address); err != nil {
			return err
		}
	}
	return nil
}

// once makes a call. What does not come about is no failure here: whoever is
// refused learns nothing either.
func (n *neighbourhood) once(ctx context.Context, caller *resident, answer bool) {
	c, err := caller.call(ctx, n.callee.resident)
	n.group.mu.Lock()
	n.group.Calls++
	if err == nil {
		n.group.Rang++
	} else {
		n.group.saw(err.Error())
	}
	n.group.mu.Unlock()
	if err != nil {
		return
	}
	if answer {
		n.answered(c.heard(ctx))
	}
	if err := c.end(ctx); err != nil && ctx.Err() == nil {
		n.group.mu.Lock()
		n.group.saw(err.Error())
		n.group.mu.Unlock()
	}
}

// answered counts a call that was to be answered and heard.
func (n *neighbourhood) answered(err error) {
	n.group.mu.Lock()
	defer n.group.mu.Unlock()
	n.group.Lifted++
	if err != nil {
		n.group.saw("not heard: " + err.Error())
		return
	}
	n.group.Answered++
}

// heard lifts the far receiver, and says why sound does not come in at both ends
// then, if it does not.
func (c *townCall) heard(ctx context.Context) error {
	if err := c.answer(ctx); err != nil {
		return err
	}
	if err := c.talk(ctx, afterwards); err != nil {
		return err
	}
	if c.lastWay() == noWay {
		return fmt.Errorf("no sound within %v of the answer", afterwards)
	}
	return nil
}

// inspect looks for the callee's addresses in all that a caller has seen.
func (n *neighbourhood) inspect(caller *resident, c *natlab.Capture, a secret) error {
	if err := c.Close(); err != nil {
		return err
	}
	if c.Lost() > 0 {
		return fmt.Errorf("%s: %d packets were not recorded", caller.residence, c.Lost())
	}
	found, err := a.inMemory(caller.child.Pid())
	if err != nil {
		return err
	}
	n.group.mu.Lock()
	defer n.group.mu.Unlock()
	n.group.Memory += found
	packets := c.Packets()
	n.group.Packets += len(packets)
	for _, p := range packets {
		if what := a.inPacket(p); what != "" {
			n.group.Seen++
			n.group.saw(what)
		}
	}
	return nil
}

func (r *probed) print(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	fmt.Fprintf(w, "\n  %-24s %8s %8s %8s %9s %10s %16s %16s\n", "callers", "calls", "rang", "lifted", "heard", "packets", "addresses seen", "in memory")
	for _, g := range r.Groups {
		fmt.Fprintf(w, "  %-24s %8d %8d %8d %9d %10d %16d %16d%s\n", g.Callers, g.Calls, g.Rang, g.Lifted, g.Answered, g.Packets, g.Seen, g.Memory, mark(g.problem() == ""))
		for _, line := range g.First {
			first, _, _ := strings.Cut(line, "\n")
			fmt.Fprintf(w, "      %s\n", first)
		}
	}
	for _, s := range r.Scans {
		fmt.Fprintf(w, "  %v%s\n", s, mark(s.Answers == 0))
	}
	_, err := fmt.Fprintln(w)
	return err
}

// problem says why the calls of a group are not as they must be.
func (g *groupProbed) problem() string {
	switch seen := g.Seen + g.Memory; {
	case g.wanted && (g.Seen == 0 || g.Memory == 0):
		return "the address of a contact's phone was not found where it must be"
	case !g.wanted && seen > 0:
		return fmt.Sprintf("%s saw %d addresses", g.Callers, seen)
	case 10*g.Rang < 9*g.Calls || 10*g.Answered < 9*g.Lifted || g.Answered == 0:
		return fmt.Sprintf("of %d calls by %s %d rang, and of %d that were answered %d were heard", g.Calls, g.Callers, g.Rang, g.Lifted, g.Answered)
	}
	return ""
}

// told reports whether anybody learnt what he must not.
func (r *probed) told() bool {
	return slices.ContainsFunc(r.Groups, func(g *groupProbed) bool { return !g.wanted && g.Seen+g.Memory > 0 }) ||
		slices.ContainsFunc(r.Scans, func(s *scanned) bool { return s.Answers > 0 })
}

// verdict is an error that says what was seen.
func (r *probed) verdict() error {
	var all []string
	for _, g := range r.Groups {
		all = append(all, g.problem())
	}
	for _, s := range r.Scans {
		if s.Answers > 0 {
			all = append(all, s.String())
		}
	}
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" })
	if len(all) == 0 {
		return nil
	}
	return errors.New(strings.Join(all, "; "))
}
