package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"peerphone/node/sim"
)

// overlayCommand simulates a whole network: the nodes' own cores on a virtual
// clock.
type overlayCommand struct {
	Supernodes int           `help:"How many." default:"1000"`
	Phones     int           `help:"How many." default:"2000"`
	Kill       float64       `help:"Let this share of the supernodes vanish at once, before the lookups." placeholder:"SHARE"`
	Lookups    int           `help:"How often a phone looks for another." default:"1000"`
	Window     time.Duration `help:"Make the lookups within this time; the default is 1 ms for each, at least 10 s." placeholder:"TIME"`
	Idle       time.Duration `help:"Leave the network alone for so long and count its traffic." default:"5m"`
	Latency    string        `help:"File with a square of round-trip times in ms. Without it they are drawn from PlanetLab's percentiles." type:"existingfile" placeholder:"FILE"`
	Loss       float64       `help:"Share of datagrams that are lost." default:"0.01"`
	Real       bool          `help:"Shake hands by TLS itself, not by its stand-in. The trace stays the same."`
	Seed       uint64        `help:"The same seed gives the same run." default:"1"`
	JSON       bool          `help:"End with a line of JSON, and nothing else on standard output."`
}

func (c overlayCommand) Run() error { return c.run(os.Stdout, os.Stderr) }

func (c overlayCommand) run(w, progress io.Writer) error {
	latencies, err := c.latencies()
	if err != nil {
		return err
	}
	debug.SetGCPercent(40) // memory is what bounds a simulation
	out, err := sim.Trial{
		Config: sim.Config{
			Seed: c.Seed, Supernodes: c.Supernodes, Phones: c.Phones, Latencies: latencies, Loss: c.Loss, Real: c.Real,
		},
		Kill: c.Kill, Lookups: c.Lookups, Window: c.Window, Idle: c.Idle,
		Progress: func(format string, args ...any) { fmt.Fprintf(progress, format+"\n", args...) },
	}.Run()
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(w).Encode(out)
	}
	return c.print(w, out)
}

func (c overlayCommand) latencies() (sim.Latencies, error) {
	if c.Latency == "" {
		return sim.PlanetLab(c.Seed), nil
	}
	f, err := os.Open(c.Latency)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return sim.ReadMatrix(f)
}

// print says it in words.
func (c overlayCommand) print(w io.Writer, o sim.Outcome) error {
	_, err := fmt.Fprintf(w, `%d supernodes, %d phones, seed %d
lookups     %d: %d found, %d wrongly denied, %d cannot tell
took        p50 %.0f ms, p95 %.0f ms
traffic     %.0f kB/h a phone, %.0f kB/h a supernode, while nothing happens
trace       %s
it took     %.0f s for %.0f s of virtual time, %d events, %d MB
`, o.Supernodes, o.Phones, o.Seed, o.Lookups, o.Found, o.Wrong, o.CannotTell, o.P50, o.P95,
		o.PhoneBytes/1000, o.SupernodeBytes/1000, o.TraceHash, o.Wall, o.Virtual, o.Events, o.Memory>>20)
	return err
}
