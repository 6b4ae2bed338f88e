// Command lab is the workshop: it starts whole networks on one machine, makes
// calls in them without hands, and judges what was heard.
//
// main.go has the command line; up.go and demo.go are the two commands; network.go
// starts the processes that both need, phone.go works a phone through its page,
// talk.go is the script of the demo's call, and report.go says how it went.
//
// town.go starts as many as you like, and lets all of them call each other.
//
// reach.go is a network across real NATs and firewalls, for the commands that
// measure how phones reach each other: nat.go, roam.go,
// probe.go. relay.go compares what relaying costs.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"peerphone/firmware/lab/child"
)

// version is set by the linker.
var version = "devel"

// Exit codes.
const (
	exitFailure = 1
	exitUsage   = 2
)

const description = `A telephone network on one machine.

Every program is a process of its own and talks through real sockets. up and demo use the
loopback interface: a login server, the supernodes north, east and south, and the phones
kitchen (1001) and workshop (1002). nat, roam and probe make networks of their own, with
real NATs and firewalls, and need root. Ctrl-C ends them all.`

// program is the command line.
type program struct {
	Up   upCommand   `cmd:"" help:"Start the network, say where the phones' pages are, and keep it running."`
	Demo demoCommand `cmd:"" help:"Start the network anew, let the kitchen call the workshop, and judge what was heard. Exit 0 only if what was said came out at both ends."`
	Keep keepCommand `cmd:"" hidden:""`

	Town townCommand `cmd:"" help:"Start a town of supernodes and phones, let them call each other, and kill supernodes: how many calls come about, and what does each process take?"`

	Nat   natCommand   `cmd:"" help:"Call between phones behind every kind of NAT and firewall: by which path, how soon, with which gap?"`
	Probe probeCommand `cmd:"" help:"Let strangers call a thousand times and scan ports: do they learn where somebody lives?"`
	Relay relayCommand `cmd:"" help:"Relay with ours, with coturn, and with next to nothing: what does each packet cost?"`
	Floor floorCommand `cmd:"" hidden:""`
	Roam  roamCommand  `cmd:"" help:"Take the network away in mid-call: how long is nothing new heard?"`

	Overlay  overlayCommand  `cmd:"" help:"Simulate a network of thousands: who is found, how fast, and what is left when supernodes vanish?"`
	Paper    paperCommand    `cmd:"" help:"The experiments of the first analysis of Skype, its figures beside ours."`
	Jitter   jitterCommand   `cmd:"" help:"Play a trace of packets' arrivals through the jitter buffer: how long did sound wait, and what was made up?"`
	Voice    voiceCommand    `cmd:"" help:"Let two phones talk over a simulated link with a bottleneck and losses, and say what was heard."`
	Codec    codecCommand    `cmd:"" help:"Send a file through the codec: encode, lose packets, decode, and say what it takes."`
	Opusdec  opusdecCommand  `cmd:"" help:"Decode a file of Opus packets of any kind. Fails on a mono SILK packet whose final range is not the encoder's."`
	Opusinfo opusinfoCommand `cmd:"" help:"Say what each packet of such a file is."`

	Version versionCommand `cmd:"" help:"Print the version."`
}

// lifetime are the flags about the end.
type lifetime struct {
	Parent int `help:"Process that started the lab: end when it is gone. 0: nobody in particular." placeholder:"PID"`
}

// errUsage marks errors of whoever called: exit 2.
type errUsage struct{ error }

func (e errUsage) Unwrap() error { return e.error }

func main() {
	var p program
	parser := kong.Must(&p, kong.Name("lab"), kong.Description(description),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 96}),
		kong.Exit(func(code int) { os.Exit(min(code, exitUsage)) }))
	ctx, err := parser.Parse(doubleDash(os.Args[1:]))
	if err != nil {
		fmt.Fprintf(os.Stderr, "lab: %v; see lab --help\n", err)
		os.Exit(exitUsage)
	}
	if err := ctx.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(code(err))
	}
}

// doubleDash lets -mute stand for --mute: no flag here has one letter.
func doubleDash(args []string) []string {
	args = slices.Clone(args)
	for i, a := range args {
		if len(a) > 2 && a[0] == '-' && a[1] != '-' {
			args[i] = "-" + a
		}
	}
	return args
}

func code(err error) int {
	if errors.As(err, &errUsage{}) {
		return exitUsage
	}
	return exitFailure
}

// errOrphan and errSignal are why a context of life ends.
var (
	errOrphan = errors.New("the process that started this one is gone")
	errSignal = errors.New("interrupted")
)

// life returns a context that ends at the first Ctrl-C, SIGTERM or SIGHUP, or
// when the parent is gone. A second signal ends the program at once; the
// children go with it.
func (l lifetime) life() (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	tick := time.NewTicker(100 * time.Millisecond)
	go func() { // owner: ctx
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
				signal.Stop(signals)
				cancel(errSignal)
			case <-tick.C:
				if l.Parent != 0 && os.Getppid() != l.Parent {
					cancel(errOrphan)
				}
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}

// keepCommand is the keeper of the children; see package child.
type keepCommand struct{}

func (keepCommand) Run() error {
	child.Keep()
	return nil
}

type versionCommand struct{}

func (versionCommand) Run() error {
	fmt.Println("lab", version)
	return nil
}
