package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// natCommand makes calls between phones behind every kind of NAT and firewall.
type natCommand struct {
	lifetime
	Runs     int           `help:"Calls of each pair, in turn from either side. Default: ${default}." default:"20" placeholder:"N"`
	Pair     []string      `help:"One pair of kinds only, as port-restricted,symmetric; can be given more than once. Default: all." sep:"none" placeholder:"A,B"`
	Short    bool          `help:"One call of each of a few pairs that between them need everything; up to twice more when it is not as it must be, for a busy machine can spoil any one, and its path counts only if this machine did not stand still."`
	Parallel int           `help:"Calls at a time, each in a world of its own. Default: one for each processor." placeholder:"N"`
	RTT      time.Duration `help:"Round trip between two phones, and so through a supernode. Default: ${default}." default:"100ms"`
	Talk     time.Duration `help:"How long both talk when the path is found: a minute shows whether a relayed call is ever cut off. Default: ${default}." default:"1s"`
	Trace    bool          `help:"Write what both interfaces saw of each call, packet by packet, into the folder calls."`
	JSON     bool          `help:"Print the results as JSON, and the progress on the standard error."`
	Dir      string        `help:"Folder for what each process writes. Default: ${default}." default:"out/nat" placeholder:"DIR"`
}

// Help is shown by lab nat --help.
func (natCommand) Help() string {
	return `Kinds: ` + strings.Join(kindNames(), ", ") + `.
Two phones of the kind hairpin are behind the same router. A world is a login server, four
supernodes and two phones of each kind that is needed, in networks that know nothing of other
worlds; it takes some 5 s to build and 700 MB, and a call a third of a processor.

Each row of the result is a pair. path: by which way sound came in at both ends when the call
ended, how often each. set-up: from the last key until the other phone rang. audio: from the
answer until sound had come in at both ends, in round trips. direct, RTT: from when both ends had
sent to the other's address, which they do when they have its candidates, until both sent their
sound there, in round trips; direct, s: from ringing until it came in there at both. gap: the
longest pause between new frames of sound at either end, less the usual 20 ms, and at the end of
the call before its end. All are read from captures at the phones' interfaces; p50 and the worst are given. late: calls in which audio,
or the direct path of a pair that must be direct, took more than two round trips. again: calls
that are not counted because they were made once more: they were not as they must be, and this
machine was too busy meanwhile to run even a thread that does nothing.

A pair that cannot be direct passes when every call has sound both ways by a relay, and none is
late. One that must be direct passes when it is in every run, or, of a NAT that gives each destination
another random port with one that lets in only who was sent to, within 20 s in 95 of 100.
Exit 1 when a pair fails. Needs root, nftables, iproute2, conntrack: make lab-deps.`
}

func (n natCommand) Run() error {
	if n.Runs < 1 || n.Runs > 10_000 || n.Parallel < 0 || n.Parallel > maxWorlds || n.RTT < 0 || n.RTT > 2*time.Second || n.Talk < time.Second || n.Talk > time.Hour {
		return errUsage{fmt.Errorf("want --runs 1 to 10000, --parallel 1 to %d, --rtt 0 to 2s, --talk 1s to 1h", maxWorlds)}
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

// measure builds the worlds and makes all calls.
func (n natCommand) measure(ctx context.Context, pairs []natPair, s *steps) (m *matrix, err error) {
	runs := n.Runs
	if n.Short {
		runs = 1
	}
	m = newMatrix(pairs, runs, n.RTT)
	m.talk = n.Talk
	if n.Short {
		m.again = onceMore
	}
	if n.Trace {
		m.traces = folder(folder(n.Dir).path("calls"))
	}
	worlds, err := n.open(ctx, pairs, min(worldsFor(n.Parallel), m.calls()), s)
	defer func() { err = errors.Join(err, closeWorlds(worlds)) }()
	if err != nil {
		return nil, err
	}
	return m, m.run(ctx, worlds, s)
}
