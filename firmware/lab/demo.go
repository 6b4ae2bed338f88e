package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

// demoCommand makes one call and judges it.
type demoCommand struct {
	lifetime
	Wav     string `help:"Recording that the kitchen says, instead of the lab's own: WAV, 16 bits, mono or stereo, 8 to 192 kHz." placeholder:"FILE"`
	Mute    bool   `help:"Mute the workshop's speaker: the demo must fail."`
	Seconds int    `help:"How long they talk, 4 to 600. Default: ${default}." default:"10" placeholder:"N"`
	Dir     string `help:"Folder for report.json, heard.wav, call.svg, and what each process writes; begun anew. Default: ${default}." default:"out/demo" placeholder:"DIR"`
}

// errCall says that the call came about, but not what was said.
var errCall = errors.New("what was said did not come out")

func (d demoCommand) Run() error {
	if d.Seconds < 4 || d.Seconds > 600 {
		return errUsage{fmt.Errorf("--seconds %d: want 4 to 600", d.Seconds)}
	}
	kitchenMic, workshopMic, err := microphones(d.Wav)
	if err != nil {
		return err
	}
	ctx, stop := d.life()
	defer stop()
	p := newPlan(0, 0, kitchenMic, workshopMic)
	p.phones[1].mute = d.Mute
	if err := beginFolder(folder(d.Dir), p, results); err != nil {
		return err
	}
	s := newSteps(os.Stdout)
	c, err := d.call(ctx, p, s)
	if err != nil {
		return err
	}
	s.say("lab", "listens to what was heard")
	return c.judge(folder(d.Dir), s)
}

// results are the files that the demo makes, besides those of the processes.
var results = []string{reportFile, heardFile, plotFile}

// beginFolder removes what an earlier run left of a plan and its results, and
// nothing else.
func beginFolder(dir folder, p plan, results []string) error {
	unlock, err := dir.lock()
	if err != nil {
		return err
	}
	defer unlock()
	old := append([]string{loginFolder, invitationFile}, results...)
	for _, s := range append(p.supernodes, p.phones...) {
		old = append(old, s.name)
	}
	for _, name := range old {
		if err := os.RemoveAll(dir.path(name)); err != nil {
			return err
		}
	}
	return nil
}

// call starts the network, lets the call happen, and ends every process, which
// completes the files of the sound cards.
func (d demoCommand) call(ctx context.Context, p plan, s *steps) (c *callRecord, err error) {
	n, err := startNetwork(ctx, folder(d.Dir), p, s)
	if err != nil {
		return nil, err
	}
	defer func() {
		err = errors.Join(err, n.stop())
		s.say("lab", "has ended every process")
	}()
	t := &talk{
		steps: s, number: n.live[workshop].number, length: time.Duration(d.Seconds) * time.Second,
		kitchen:  openPhone(ctx, kitchen, n.live[kitchen].page, http.DefaultClient),
		workshop: openPhone(ctx, workshop, n.live[workshop].page, http.DefaultClient),
	}
	defer t.kitchen.close()
	defer t.workshop.close()
	if err := t.run(ctx); err != nil {
		return nil, errors.Join(err, n.group.Err())
	}
	return newRecord(t, n), nil
}
