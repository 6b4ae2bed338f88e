package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"peerphone/firmware/lab/speech"
)

// townCommand is a whole town of processes on the loopback interface.
type townCommand struct {
	lifetime
	Supernodes int           `help:"How many, 1 to 200. Default: ${default}." default:"50" placeholder:"N"`
	Phones     int           `help:"How many, 2 to 500. Default: ${default}." default:"100" placeholder:"N"`
	Calls      int           `help:"Calls to try, every other one to a phone that holds the caller as a contact. Default: ${default}." default:"200" placeholder:"N"`
	Kill       float64       `help:"Kill this share of the supernodes at once, without a word, when half of the calls have been begun." placeholder:"SHARE"`
	Together   int           `help:"Calls at a time. Default: ${default}." default:"4" placeholder:"N"`
	Talk       time.Duration `help:"How long a call lasts once both talk. Default: ${default}." default:"3s" placeholder:"TIME"`
	Idle       time.Duration `help:"Leave the town alone for so long before the first call, to count its traffic. Default: ${default}." default:"60s" placeholder:"TIME"`
	Seed       uint64        `help:"Who calls whom, and which supernodes die. Default: ${default}." default:"1" placeholder:"N"`
	JSON       bool          `help:"Print the results as one line of JSON, and the progress on the standard error."`
	Dir        string        `help:"Folder for what each process writes; begun anew. Default: ${default}." default:"out/town" placeholder:"DIR"`
}

// Help is shown by lab town --help.
func (townCommand) Help() string {
	return `Start supernodes and phones as processes of their own, let the phones call each other, and
say how many calls came about: the far phone rang, both talked, both heard speech until the
end, and both were on their hooks again. Calls are counted by what happened to the supernodes:
all of them lived, some died while the call lasted, some were dead when it began.

Memory is what a process shares with nobody. Traffic is what each process counts itself, headers
of IP and UDP included. Exit 1 when a call failed before any supernode had died.`
}

func (c townCommand) Run() error {
	if err := c.check(); err != nil {
		return errUsage{err}
	}
	ctx, stop := c.life()
	defer stop()
	out := io.Writer(os.Stdout)
	if c.JSON {
		out = os.Stderr
	}
	r, err := c.live(ctx, newSteps(out))
	if err != nil {
		return err
	}
	return r.report(os.Stdout, c.JSON)
}

func (c townCommand) check() error {
	for _, f := range []struct {
		name           string
		v, least, most float64
	}{
		{"supernodes", float64(c.Supernodes), 1, 200}, {"phones", float64(c.Phones), 2, 500}, {"calls", float64(c.Calls), 0, 100_000},
		{"kill", c.Kill, 0, 1}, {"together", float64(c.Together), 1, float64(c.Phones / 2)},
		{"talk", c.Talk.Seconds(), 1, 600}, {"idle", c.Idle.Seconds(), 0, 86400},
	} {
		if !(f.v >= f.least && f.v <= f.most) {
			return fmt.Errorf("--%s %v: want %v to %v", f.name, f.v, f.least, f.most)
		}
	}
	return nil
}

// plan is the town: supernodes, and phones in a ring, each of which holds the
// next as a contact.
func (c townCommand) plan() (p plan) {
	for i := range c.Supernodes {
		p.supernodes = append(p.supernodes, station{name: fmt.Sprintf("supernode%d", i+1), number: fmt.Sprint(9001 + i), page: anyPage})
	}
	for i := range c.Phones {
		mic := speech.Kitchen
		if i%2 == 1 {
			mic = speech.Workshop
		}
		p.phones = append(p.phones, station{
			name: phoneName(i), number: fmt.Sprint(1001 + i), contact: phoneName((i + 1) % c.Phones), page: anyPage, mic: mic,
		})
	}
	return p
}

// anyPage is a page at any free port.
const anyPage = "127.0.0.1:0"

func phoneName(i int) string { return fmt.Sprintf("phone%d", i+1) }

// live starts the town, lets it talk, and ends it.
func (c townCommand) live(ctx context.Context, s *steps) (r *townResult, err error) {
	p := c.plan()
	if err := beginFolder(folder(c.Dir), p, nil); err != nil {
		return nil, err
	}
	n, err := openNetwork(folder(c.Dir), newSteps(io.Discard))
	if err != nil {
		return nil, err
	}
	defer func() {
		s.say("lab", "ends every process")
		err = errors.Join(err, n.stop())
	}()
	d := &townDay{
		townCommand: c, network: n, steps: s, plan: p, rand: rand.New(rand.NewPCG(c.Seed, 1)),
		result: &townResult{Supernodes: c.Supernodes, Phones: c.Phones}, busy: make([]bool, c.Phones), free: make(chan struct{}, 1),
	}
	for _, part := range []func(context.Context) error{d.start, d.rest, d.talk, d.measure} {
		if err := part(ctx); err != nil {
			return nil, err
		}
	}
	return d.result, nil
}

// townResult is what came of a town.
type townResult struct {
	Supernodes int `json:"supernodes"`
	Phones     int `json:"phones"`
	Killed     int `json:"killed"`

	Tried     int        `json:"tried"`
	Completed int        `json:"completed"`
	Before    *townCalls `json:"before"` // any supernode was killed
	During    *townCalls `json:"during"` // the call lasted when they were
	After     *townCalls `json:"after"`

	AttachedS float64 `json:"attached_s"` // from the kill until every phone had a home that lived; -1: nobody was killed, or not all had

	Phone     townUse `json:"phone"`
	Supernode townUse `json:"supernode"` // of those that were not killed
}

// townCalls are the calls of one time.
type townCalls struct {
	Tried     int            `json:"tried"`
	Completed int            `json:"completed"`
	Direct    int            `json:"direct"` // of those completed
	P50       figure         `json:"setup_p50_ms"`
	P95       figure         `json:"setup_p95_ms"` // from # until the far phone was seen ringing
	Failed    map[string]int `json:"failed,omitempty"`

	setups []float64
}

// report prints the result. A town whose supernodes all live has no excuse.
func (r *townResult) report(w io.Writer, inJSON bool) error {
	if inJSON {
		if err := json.NewEncoder(w).Encode(r); err != nil {
			return err
		}
	} else {
		r.print(w)
	}
	if b := r.Before; b.Completed < b.Tried {
		return fmt.Errorf("%d of %d calls failed although every supernode lived", b.Tried-b.Completed, b.Tried)
	}
	return nil
}

func (r *townResult) print(w io.Writer) {
	fmt.Fprintf(w, "\n%d phones, %d supernodes, of which %d were killed\n\n", r.Phones, r.Supernodes, r.Killed)
	fmt.Fprintf(w, "  %-28s %6s %10s %7s %12s %12s\n", "calls", "tried", "completed", "direct", "ring p50 ms", "p95 ms")
	for _, row := range []struct {
		what  string
		calls *townCalls
	}{{"while all supernodes lived", r.Before}, {"in which some died", r.During}, {"after they had died", r.After}} {
		c := row.calls
		fmt.Fprintf(w, "  %-28s %6d %10d %7d %12v %12v\n", row.what, c.Tried, c.Completed, c.Direct, c.P50, c.P95)
		for why, n := range c.Failed {
			fmt.Fprintf(w, "      %d: %s\n", n, why)
		}
	}
	fmt.Fprintf(w, "\n  %d of %d calls completed", r.Completed, r.Tried)
	if r.AttachedS >= 0 {
		fmt.Fprintf(w, "; every phone had a living home %.1f s after the kill", r.AttachedS)
	}
	fmt.Fprintf(w, "\n\n  %-12s %s\n", "each phone", r.Phone)
	fmt.Fprintf(w, "  %-12s %s\n\n", "supernode", r.Supernode)
}
