package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"peerphone/firmware/lab/speech"
)

// upCommand starts the network and keeps it.
type upCommand struct {
	lifetime
	KitchenPort  uint16 `help:"Port of the kitchen's page; 0: any free one. Default: ${default}." default:"8081" placeholder:"PORT"`
	WorkshopPort uint16 `help:"Port of the workshop's page; 0: any free one. Default: ${default}." default:"8082" placeholder:"PORT"`
	Dir          string `help:"Folder for accounts, keys, logs and sound of each process; used again at the next start. Default: ${default}." default:"out/run" placeholder:"DIR"`
}

func (u upCommand) Run() error {
	ctx, stop := u.life()
	defer stop()
	if err := u.checkPorts(); err != nil {
		return err
	}
	s := newSteps(os.Stdout)
	n, err := startNetwork(ctx, folder(u.Dir), newPlan(u.KitchenPort, u.WorkshopPort, speech.Kitchen, speech.Workshop), s)
	if errors.Is(err, errSignal) {
		s.say("lab", "interrupted; everything has ended")
		return nil
	}
	if err != nil {
		return err
	}
	u.tell(n)
	err = n.watch(ctx)
	fmt.Println()
	s.say("lab", "ending every process")
	if err := errors.Join(err, n.stop()); err != nil {
		return err
	}
	s.say("lab", "all have ended")
	return nil
}

func (u upCommand) checkPorts() error {
	if u.KitchenPort == u.WorkshopPort && u.KitchenPort != 0 {
		return errUsage{fmt.Errorf("both pages cannot have port %d", u.KitchenPort)}
	}
	return errors.Join(
		checkPort(kitchen, u.KitchenPort, "--kitchen-port (make run KITCHEN_PORT=...)"),
		checkPort(workshop, u.WorkshopPort, "--workshop-port (make run WORKSHOP_PORT=...)"))
}

// tell says where to look and what to do.
func (u upCommand) tell(n *network) {
	k, w := n.live[kitchen], n.live[workshop]
	fmt.Printf(`
Two telephones are ready:

  kitchen    %s    %s
  workshop   %s    %s

Open both pages. Lift the kitchen's receiver, dial %s#, and lift the workshop's when it
rings. Put a receiver back to hang up. Each says a recording; what a phone's speaker plays
goes into %s, its log is %s.

Ctrl-C ends everything.
`, k.number, k.page, w.number, w.page, w.number, n.folder.path("NAME", speakerFile), n.folder.path("NAME", logFile))
}

// watch waits for the end: nil if it was asked for, else which process ended
// by itself.
func (n *network) watch(ctx context.Context) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := n.group.Err(); err != nil {
				return err
			}
		}
	}
}
