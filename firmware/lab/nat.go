package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"peerphone/firmware/lab/natlab"
)

// natCommand makes calls between phones behind every kind of NAT and firewall.
type natCommand struct {
	lifetime
	Runs     int           `help:"Calls of each pair, in turn from either side. Default: ${default}." default:"20" placeholder:"N"`
	Pair     []string      `help:"One pair of kinds only, as port-restricted,symmetric; can be given more than once. Default: all." sep:"none" placeholder:"A,B"`
	Short    bool          `help:"One call of each of a few pairs that between them need everything; up to twice more when it is not as it must be, for a busy machine can spoil any one, and its path counts only if this machine did not stand still."`
	Parallel int           `help:"Calls at a time. Default: ${default}." default:"2" placeholder:"N"`
	RTT      time.Duration `help:"Round trip between two phones, and so through a supernode. Default: ${default}." default:"100ms"`
	Trace    bool          `help:"Write what both interfaces saw of each call, packet by packet, into the folder calls."`
	JSON     bool          `help:"Print the results as JSON, and the progress on the standard error."`
	Dir      string        `help:"Folder for what each process writes. Default: ${default}." default:"out/nat" placeholder:"DIR"`
}

// Help is shown by lab nat --help.
func (natCommand) Help() string {
	return `Kinds: ` + strings.Join(kindNames(), ", ") + `.
Two phones of the kind hairpin are behind the same router.

Each row of the result is a pair. path: by which way sound came in at both ends when the call
ended, how often each. set-up: from the last key until the other phone rang. audio: from the
answer until sound had come in at both ends, in round trips. direct, RTT: from when both ends had
sent to the other's address, which they do when they have its candidates, until both sent their
sound there, in round trips; direct, s: from ringing until it came in there at both. gap: the
longest pause between new frames of sound at either end, less the usual 20 ms. All are read
from captures at the phones' interfaces; p50 and the worst are given. late: calls in which audio,
or the direct path of a pair that must be direct, took more than two round trips. again: calls
that are not counted because they were made once more: they were not as they must be, and this
machine was too busy meanwhile to run even a thread that does nothing.

A pair that cannot be direct passes when every call has sound both ways by a relay, and none is
late. One that must be direct passes when it is in every run, or, of a NAT that gives each destination
another random port with one that lets in only who was sent to, within 20 s in 95 of 100.
Exit 1 when a pair fails. Needs root, nftables, iproute2, conntrack: make lab-deps.`
}

func (n natCommand) Run() error {
	if n.Runs < 1 || n.Runs > 10_000 || n.Parallel < 1 || n.Parallel > 32 || n.RTT < 0 || n.RTT > 2*time.Second {
		return errUsage{errors.New("want --runs 1 to 10000, --parallel 1 to 32, --rtt 0 to 2s")}
	}
	pairs, err := n.pairs()
	if err != nil {
		return errUsage{err}
	}
	ctx, stop := n.life()
	defer stop()
	out := os.Stdout
	if n.JSON {
		out = os.Stderr
	}
	m, err := n.measure(ctx, pairs, newSteps(out))
	if err != nil {
		return err
	}
	if err := m.print(os.Stdout, n.JSON); err != nil {
		return err
	}
	return m.verdict()
}

// pairs are those that were asked for.
func (n natCommand) pairs() (list []natPair, err error) {
	texts := n.Pair
	switch {
	case len(texts) > 0:
	case n.Short:
		texts = shortPairs
	default:
		return allPairs(), nil
	}
	for _, text := range texts {
		p, err := parsePair(text)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// measure builds the town and makes all calls.
func (n natCommand) measure(ctx context.Context, pairs []natPair, s *steps) (m *matrix, err error) {
	t, err := openTown(ctx, townPlan{Dir: n.Dir, Supernodes: 4}, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	ends, err := n.people(t, pairs)
	if err != nil {
		return nil, err
	}
	n.start(ctx, t)
	runs := n.Runs
	if n.Short {
		runs = 1
	}
	m = newMatrix(pairs, runs, n.RTT)
	if n.Short {
		m.again = onceMore
	}
	if n.Trace {
		m.traces = folder(folder(n.Dir).path("calls"))
	}
	return m, m.run(ctx, ends, n.Parallel, s)
}

// start starts the phones. The calls of those that cannot be called fail.
func (natCommand) start(ctx context.Context, t *town) {
	if err := t.start(ctx); err != nil {
		t.steps.say("town", "FAILED: %v", err)
		return
	}
	t.steps.say("town", "%d phones can be called", len(t.residents))
}

// place is a phone of the matrix and the site where it lives.
type place struct {
	*resident
	site *natlab.Site
}

// places are the two phones of each kind, at two sites, but of hairpin.
type places map[natlab.Kind]*[2]place

// people puts two phones of each kind that is needed into the town.
func (n natCommand) people(t *town, pairs []natPair) (places, error) {
	all := places{}
	for _, p := range pairs {
		for _, k := range []natlab.Kind{p.a, p.b} {
			if all[k] != nil {
				continue
			}
			var err error
			if all[k], err = twoOf(t, k, n.RTT/4); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// twoOf makes two sites of a kind with a phone each. An open site has IPv6
// besides, as a server has.
func twoOf(t *town, k natlab.Kind, delay time.Duration) (*[2]place, error) {
	var two [2]place
	for i := range two {
		name := fmt.Sprintf("%v-%d", k, i+1)
		if k == natlab.Hairpin && i == 1 {
			two[i].site = two[0].site
		} else {
			var options []natlab.Option
			if k == natlab.NoNAT {
				options = append(options, natlab.IPv6())
			}
			site, err := t.lab.Site(name, k, options...)
			if err != nil {
				return nil, err
			}
			if err := site.SetDelay(delay, 0); err != nil {
				return nil, err
			}
			two[i].site = site
		}
		host, err := two[i].site.Host(name)
		if err != nil {
			return nil, err
		}
		two[i].resident = t.settle(name, host)
	}
	return &two, nil
}
