package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"peerphone/node/login"
)

// doctorCommand looks at everything that a phone needs and says what is wrong.
type doctorCommand struct{ files }

// finding is what the doctor saw at one place.
type finding struct {
	place string
	note  string
	err   error
}

// errIll says that the doctor found something.
var errIll = errors.New("something is wrong; see above")

func (d doctorCommand) Run() error {
	ill := false
	for _, look := range []func() finding{
		d.lookAtConfig, d.lookAtState, d.lookAtClock, d.lookAtSocket, d.lookAtPage, d.lookAtBoard, d.lookAtServer,
	} {
		f := look()
		if f.place == "" {
			continue // it makes no sense without what failed before
		}
		if f.err != nil {
			ill = true
			fmt.Printf("FAIL  %-12s %v\n", f.place, f.err)
			continue
		}
		fmt.Printf("ok    %-12s %s\n", f.place, f.note)
	}
	if ill {
		return errIll
	}
	return nil
}

func (d doctorCommand) lookAtConfig() finding {
	c, err := LoadConfig(d.Config)
	if err == nil {
		_, err = c.invitation()
	}
	if err == nil {
		_, err = c.password()
	}
	return finding{"config", d.Config + " is good", err}
}

// lookAtState tries whether the folder can be written.
func (d doctorCommand) lookAtState() finding {
	if err := os.MkdirAll(d.State, 0o700); err != nil {
		return finding{"state", "", fmt.Errorf("%w; choose another folder with --state", err)}
	}
	name := filepath.Join(d.State, ".doctor")
	err := os.WriteFile(name, []byte("x"), 0o600)
	os.Remove(name)
	return finding{"state", d.State + " can be written", err}
}

// earliest is a time that no right clock is before: this program was not
// written yet.
var earliest = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func (d doctorCommand) lookAtClock() finding {
	now := time.Now()
	if now.Before(earliest) {
		return finding{"clock", "", fmt.Errorf("%s lies in the past; set the clock, or certificates will be refused", now.Format(time.DateTime))}
	}
	return finding{"clock", now.Format(time.DateTime), nil}
}

func (d doctorCommand) lookAtSocket() finding {
	c, err := LoadConfig(d.Config)
	if err != nil {
		return finding{}
	}
	conn, err := net.ListenPacket("udp", c.Network.Listen)
	if err != nil {
		return finding{"network", "", fmt.Errorf("UDP %s: %w; is peerphone running already?", c.Network.Listen, err)}
	}
	defer conn.Close()
	return finding{"network", "UDP " + conn.LocalAddr().String() + " can be opened", nil}
}

func (d doctorCommand) lookAtPage() finding {
	c, err := LoadConfig(d.Config)
	if err != nil {
		return finding{}
	}
	if c.Page.Listen == "" {
		return finding{"page", "off", nil}
	}
	l, err := net.Listen("tcp", c.Page.Listen)
	if err != nil {
		return finding{"page", "", fmt.Errorf("%w; is peerphone running already? else choose another page.listen", err)}
	}
	defer l.Close()
	return finding{"page", l.Addr().String() + " can be opened", nil}
}

func (d doctorCommand) lookAtBoard() finding {
	c, err := LoadConfig(d.Config)
	if err != nil {
		return finding{}
	}
	p, err := c.Board.profile()
	if err != nil || !p.Telephone() {
		return finding{"board", p.Title, err}
	}
	if _, err := os.Stat(c.file(c.Board.Sim.Mic)); err != nil {
		return finding{"board", "", fmt.Errorf("microphone: %w", err)}
	}
	return finding{"board", p.Title, nil}
}

// lookAtServer shakes hands with the login server, as a login does.
func (d doctorCommand) lookAtServer() finding {
	c, err := LoadConfig(d.Config)
	if err != nil {
		return finding{}
	}
	inv, err := c.invitation()
	if err != nil {
		return finding{}
	}
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
	defer stop()
	start := time.Now()
	if err := login.Reach(ctx, inv); err != nil {
		return finding{"login server", "", fmt.Errorf("%w; a phone that has logged in before works on without it for three weeks", err)}
	}
	return finding{"login server", fmt.Sprintf("answered and proved itself in %d ms", time.Since(start).Milliseconds()), nil}
}
