package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"peerphone/firmware/lab/speech"
	"peerphone/firmware/lab/wav"
	"peerphone/node/media/jitter"
	"peerphone/node/media/trace"
)

// jitterCommand plays traces through the jitter buffer of the phones.
type jitterCommand struct {
	Trace  string  `arg:"" optional:"" help:"Trace to play: a line per packet, \"seq sent_ms arrived_ms\", -1 for lost; 20 ms packets." type:"existingfile"`
	Phase  float64 `help:"When the first 10 ms are pulled, in ms." placeholder:"MS" default:"0"`
	Speech string  `help:"What is said, again and again." type:"existingfile" placeholder:"WAV"`
	Out    string  `help:"Write what was heard." placeholder:"WAV"`
	Plot   string  `help:"Draw delay and buffer." placeholder:"SVG"`

	All   string `help:"Play every trace of a folder and print a table." type:"existingdir" placeholder:"DIR"`
	Make  string `help:"Write a trace of this kind to standard output; an unknown kind lists those that there are." placeholder:"KIND"`
	Seed  uint64 `help:"With --make: which one." default:"1"`
	Secs  int    `name:"seconds" help:"With --make: how long." default:"300"`
	Seeds int    `help:"Play this many fresh traces of each kind and print a table." placeholder:"N"`
}

func (c jitterCommand) Run() error { return c.run(os.Stdout) }

func (c jitterCommand) run(w io.Writer) error {
	switch {
	case c.Make != "":
		return c.write(w)
	case c.Seeds > 0:
		return c.fresh(w)
	case c.All != "":
		return c.folder(w)
	case c.Trace != "":
		return c.play(w)
	}
	return errUsage{errors.New("which trace? Or --all, --make or --seeds")}
}

// write makes a trace.
func (c jitterCommand) write(w io.Writer) error {
	t, err := trace.Make(c.Make, c.Seed, time.Duration(c.Secs)*time.Second)
	if err != nil {
		return errUsage{err}
	}
	_, err = w.Write(t.Append(nil))
	return err
}

// play plays one trace and prints its line.
func (c jitterCommand) play(w io.Writer) error {
	t, err := readTrace(c.Trace)
	if err != nil {
		return err
	}
	said, err := c.said()
	if err != nil {
		return err
	}
	var heard jitterEar
	p := trace.Player{Phase: time.Duration(c.Phase * float64(time.Millisecond)), Speech: said, Listen: heard.listen}
	r := p.Play(t)
	if err := json.NewEncoder(w).Encode(r); err != nil {
		return err
	}
	return heard.save(c, r)
}

// readTrace reads a trace's file.
func readTrace(name string) (trace.Trace, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return trace.Trace{}, err
	}
	t, err := trace.Parse(text)
	if err != nil {
		return trace.Trace{}, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

// said is the speech, at the rate of the engine.
func (c jitterCommand) said() ([]int16, error) {
	file, name := speech.Workshop, "workshop.wav"
	if c.Speech != "" {
		var err error
		if file, err = os.ReadFile(c.Speech); err != nil {
			return nil, err
		}
		name = c.Speech
	}
	s, err := wav.Parse(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s.At(jitter.Rate).PCM, nil
}
