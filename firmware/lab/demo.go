package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"peerphone/hal"
)

// demoCommand makes a call and judges it; see trials for when it makes another.
type demoCommand struct {
	lifetime
	Wav     string `help:"Recording that the kitchen says, instead of the lab's own: WAV, 16 bits, mono or stereo, 8 to 192 kHz." placeholder:"FILE"`
	Mute    bool   `help:"Mute the workshop's speaker: the demo must fail."`
	Seconds int    `help:"How long they talk, 4 to 600. Default: ${default}." default:"10" placeholder:"N"`
	Dir     string `help:"Folder for report.json, heard.wav, call.svg, and what each process writes; begun anew. Default: ${default}." default:"out/demo" placeholder:"DIR"`
}

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
	s := newSteps(os.Stdout)
	var calls trials
	for again := true; again; again = calls.again() {
		if n := len(calls); n > 0 {
			s.say("lab", "begins anew, with call %d of at most %d; the last one was not as it is to be: %s", n+1, maxCalls, strings.Join(calls[n-1].problems, "; "))
		}
		o, err := d.once(ctx, p, s)
		if err != nil {
			return err
		}
		calls = append(calls, o)
	}
	if err := calls.err(); err != nil {
		return err
	}
	if !calls.judged() {
		s.say("lab", "CANNOT JUDGE how well one hears: this machine was too busy to run a call in each of %d calls.", len(calls))
		s.say("lab", "held to this only: the same safety number, the same codec, sound both ways that is what was said")
		return nil
	}
	dir := folder(d.Dir)
	s.say("lab", "what was said came out, both ways; %s", strings.Join([]string{dir.path(reportFile), dir.path(heardFile), dir.path(plotFile)}, ", "))
	return nil
}

// once makes one call, in a network of its own.
func (d demoCommand) once(ctx context.Context, p plan, s *steps) (trial, error) {
	if err := beginFolder(folder(d.Dir), p, results); err != nil {
		return trial{}, err
	}
	c, err := d.call(ctx, p, s)
	if err != nil {
		return trial{}, err
	}
	s.say("lab", "listens to what was heard")
	return c.judge(folder(d.Dir), s)
}

// Help says when it makes more than one call.
func (demoCommand) Help() string {
	return `A call that was not as it is to be is made again, in a new network, up to twice. Machine stood still:
how long, while both talked, a processor ran nothing of the lab's, threads of which wait on each. When it did
in each of three calls, and none was as it is to be, the demo says that it CANNOT JUDGE how well one hears,
and asks only that the phones show the same safety number, speak the same codec, and that both hear what
was said, however badly. Exit 0 then, too.`
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
	busy := watchProcessors()
	defer busy.close()
	if err := t.run(ctx); err != nil {
		return nil, errors.Join(err, n.group.Err())
	}
	c = newRecord(t, n)
	c.stood = busy.within(wallTime(c.from), wallTime(c.to))
	return c, nil
}

// wallTime is an instant as a time.
func wallTime(i hal.Instant) time.Time { return time.Now().Add(i.Sub(hal.Now())) }
