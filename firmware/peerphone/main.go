// Command peerphone is the telephone: it opens the board, runs the node and
// serves the page. Without phone hardware it is a supernode; on the simulated
// board it is a soft phone.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/alecthomas/kong"
)

// version is set by the linker.
var version = "devel"

// Exit codes (sysexits where they fit).
const (
	exitFailure = 1
	exitUsage   = 2
	exitConfig  = 78
)

const description = `A telephone without a telephone company.

Flash a card, claim the phone, dial a number, talk. The phones form the network
themselves; those that are publicly reachable serve the others.

Flags win over environment (PEERPHONE_CONFIG, PEERPHONE_STATE), which wins over
the configuration file. 112 and 911 cannot be called with this telephone.`

// program is the command line.
type program struct {
	Run         runCommand     `cmd:"" help:"Run the phone until it is told to stop. SIGUSR1 begins it anew, a supernode when its turn comes."`
	Doctor      doctorCommand  `cmd:"" help:"Look at this machine, the configuration and the network, and say what is wrong and what to do."`
	Search      searchCommand  `cmd:"" help:"Look for a number, a name, or words of a display name; the phone has to run."`
	CheckConfig checkCommand   `cmd:"" help:"Check the configuration file; exit 78 when it is bad."`
	Version     versionCommand `cmd:"" help:"Print the version."`
}

// files are the flags that most commands share.
type files struct {
	Config string `help:"Configuration file." default:"/etc/peerphone/config.toml" env:"PEERPHONE_CONFIG"`
	State  string `help:"Folder for keys, certificates and contacts." default:"/var/lib/peerphone" env:"PEERPHONE_STATE"`
}

// errConfig marks errors of the configuration: exit 78, so that a supervisor
// does not start a phone again that cannot start.
type errConfig struct{ error }

func (e errConfig) Unwrap() error { return e.error }

func main() {
	var p program
	parser := kong.Must(&p, kong.Name("peerphone"), kong.Description(description),
		kong.UsageOnError(), kong.Exit(exit))
	ctx, err := parser.Parse(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "peerphone: %v; see peerphone --help\n", err)
		os.Exit(exitUsage)
	}
	if err := ctx.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "peerphone:", err)
		os.Exit(code(err))
	}
}

// exit replaces kong's own idea of exit codes.
func exit(code int) {
	if code != 0 {
		code = exitUsage
	}
	os.Exit(code)
}

func code(err error) int {
	if errors.As(err, &errConfig{}) {
		return exitConfig
	}
	switch {
	case errors.Is(err, errNobody):
		return exitNobody
	case errors.Is(err, errCannotTell):
		return exitCannotTell
	}
	return exitFailure
}

type versionCommand struct{}

func (versionCommand) Run() error {
	fmt.Println("peerphone", version)
	return nil
}

type checkCommand struct{ files }

func (c checkCommand) Run() error {
	config, err := LoadConfig(c.Config)
	if err != nil {
		return errConfig{err}
	}
	if _, err := config.invitation(); err != nil {
		return errConfig{fmt.Errorf("%s: %w", c.Config, err)}
	}
	if _, err := config.password(); err != nil {
		return errConfig{fmt.Errorf("%s: %w", c.Config, err)}
	}
	fmt.Println(c.Config, "is good")
	return nil
}
