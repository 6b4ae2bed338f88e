package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"peerphone/node"
)

// restarts waits for SIGUSR1 and then for a time at which the node may end, and ends
// it by stop. What it returns holds whether it has, once ctx is done.
func restarts(ctx context.Context, stop func(), n *node.Node, log *slog.Logger) <-chan bool {
	turn := make(chan bool, 1)
	usr := make(chan os.Signal, 1)
	signal.Notify(usr, syscall.SIGUSR1)
	go func() { // owner: ctx
		defer signal.Stop(usr)
		select {
		case <-ctx.Done():
			turn <- false
			return
		case <-usr:
		}
		log.Info("asked to restart; waiting for our turn")
		err := n.AwaitRestart(ctx)
		turn <- err == nil
		stop()
	}()
	return turn
}

// beginAnew puts the program, perhaps a newer one, in the place of this one.
func beginAnew() error {
	path, err := os.Executable()
	if err == nil {
		err = syscall.Exec(path, os.Args, os.Environ())
	}
	return fmt.Errorf("restart: %w", err)
}
