// Command loginserver keeps the accounts of a peerphone network: it makes a
// network, invites phones into it, and signs their certificates.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes (sysexits.h for the last).
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
	exitState   = 78 // what is in the folder cannot be used; the message says what to do
)

const about = `The login server of a peerphone network: the only central part, small and seldom asked.

Begin with "loginserver init DIR", which makes the network's keys in DIR. Then run it
with "loginserver run DIR", and print the text that lets phones in with
"loginserver invite DIR --addr HOST:PORT".

DIR/root.key is the network itself: keep a copy of it offline, and take it out of DIR
when "loginserver params" is not in use. Whoever has it owns the network.`

type commands struct {
	Init    initCommand    `cmd:"" help:"Make a new network in DIR: its keys, an empty list of accounts, its parameters."`
	Run     runCommand     `cmd:"" help:"Answer phones until it gets SIGINT or SIGTERM."`
	Invite  inviteCommand  `cmd:"" help:"Print the invitation, a text that lets phones into the network."`
	Params  paramsCommand  `cmd:"" help:"Sign the network parameters anew with the root key: for other bootstrap supernodes, and every 90 days."`
	Revoke  revokeCommand  `cmd:"" help:"Close an account, and let nobody believe its certificates any more."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// streams are where commands print.
type streams struct{ out, err io.Writer }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, os.Args[1:], streams{os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// execute runs one command and returns its exit code.
func execute(ctx context.Context, args []string, s streams) int {
	var c commands
	helped := false
	parser, err := kong.New(&c, kong.Name("loginserver"), kong.Description(about),
		kong.Writers(s.out, s.err), kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 96}), kong.UsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(s))
	if err != nil {
		fmt.Fprintln(s.err, "loginserver:", err)
		return exitFailure
	}
	command, err := parser.Parse(args)
	if helped {
		return exitOK
	}
	if err != nil {
		fmt.Fprintf(s.err, "loginserver: %v\nTry \"loginserver --help\".\n", err)
		return exitUsage
	}
	return exitCode(command.Run(), s)
}

func exitCode(err error, s streams) int {
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(s.err, "loginserver:", err)
	switch {
	case errors.Is(err, errState):
		return exitState
	case errors.Is(err, errUsage):
		return exitUsage
	}
	return exitFailure
}
