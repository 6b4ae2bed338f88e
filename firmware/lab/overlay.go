package main

import (
	"encoding/json"
	"errors"
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
	Supernodes  int           `help:"How many." default:"1000"`
	Phones      int           `help:"How many." default:"2000"`
	Mode        string        `help:"Shape of the network: kazaa (supernodes that know all others), kademlia (supernodes that know a few hundred), napster (one index for all; --supernodes does not count), gnutella (every phone is a supernode; --supernodes does not count)." enum:"kazaa,kademlia,napster,gnutella" default:"kazaa"`
	LookupsOnly bool          `help:"With -mode kademlia: no phones and no time but that of lookups among supernodes whose tables have settled, up to millions; nobody repairs anything. It takes --kill, --malicious, --latency and --loss."`
	Kill        float64       `help:"Let this share of the supernodes vanish at once, before the lookups." placeholder:"SHARE"`
	Storm       string        `help:"restart: everybody restarts and 30 in 100 supernodes do not come back; half: half of the supernodes vanish; cascade: 30 in 100 die while all are nearly full. --kill sets another share." enum:",restart,half,cascade" default:"" placeholder:"STORM"`
	Malicious   float64       `help:"Let this share of the supernodes drop, lie, forge, withhold or eclipse, from the start." placeholder:"SHARE"`
	Churn       time.Duration `help:"Let supernodes come and go for so long (sessions of 5.5 h, median), and make the lookups meanwhile." placeholder:"TIME"`
	Lookups     int           `help:"How often a phone looks for another." default:"1000"`
	Window      time.Duration `help:"Make the lookups within this time; the default is 1 ms for each and at least 5 s, after a kill 5 s." placeholder:"TIME"`
	Idle        time.Duration `help:"Leave the network alone for so long and count its traffic." default:"5m"`
	Heal        time.Duration `help:"Wait so long after a kill for the network to be whole again." default:"5m"`
	Latency     string        `help:"File with a square of round-trip times in ms. Without it they are drawn from PlanetLab's percentiles." type:"existingfile" placeholder:"FILE"`
	Loss        float64       `help:"Share of datagrams that are lost." default:"0.01"`
	Real        bool          `help:"Shake hands by TLS and sign by Ed25519 themselves, not by their stand-ins. The trace stays the same."`
	Seed        uint64        `help:"The same seed gives the same run." default:"1"`
	JSON        bool          `help:"End with a line of JSON, and nothing else on standard output."`
}

// memoryLimit is from where on the collector works harder: a simulation may take
// 20 GB.
const memoryLimit = 17 << 30

func (c overlayCommand) Run() error { return c.run(os.Stdout, os.Stderr) }

func (c overlayCommand) run(w, progress io.Writer) error {
	trial, err := c.trial()
	settled := sim.Settled{Config: trial.Config, Kill: c.Kill, Malicious: c.Malicious, Lookups: c.Lookups}
	switch {
	case err != nil:
	case c.LookupsOnly && (trial.Mode != sim.Kademlia || trial.Storm != sim.Calm || c.Churn > 0):
		err = errLookupsOnly
	case c.LookupsOnly:
		err = settled.Check()
	default:
		err = trial.Check()
	}
	if err != nil {
		return errUsage{err}
	}
	trial.Progress = func(format string, args ...any) { fmt.Fprintf(progress, format+"\n", args...) }
	settled.Progress = trial.Progress
	debug.SetGCPercent(300)
	debug.SetMemoryLimit(memoryLimit)
	run := trial.Run
	if c.LookupsOnly {
		run = settled.Run
	}
	out, err := run()
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(w).Encode(out)
	}
	return c.print(w, out)
}

// errLookupsOnly refuses what lookups alone do not show.
var errLookupsOnly = errors.New("--lookups-only: with -mode kademlia, and without --storm and --churn")

func (c overlayCommand) trial() (t sim.Trial, err error) {
	t = sim.Trial{
		Config: sim.Config{Seed: c.Seed, Supernodes: c.Supernodes, Phones: c.Phones, Loss: c.Loss, Real: c.Real},
		Kill:   c.Kill, Malicious: c.Malicious, Churn: c.Churn, Lookups: c.Lookups, Window: c.Window, Idle: c.Idle, Heal: c.Heal,
	}
	if t.Latencies, err = c.latencies(); err != nil {
		return t, err
	}
	if t.Mode, err = sim.ParseMode(c.Mode); err != nil {
		return t, err
	}
	t.Storm, err = sim.ParseStorm(c.Storm)
	return t, err
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
	if c.LookupsOnly {
		return printLookups(w, o)
	}
	_, err := fmt.Fprintf(w, `%d supernodes, %d phones, %s, seed %d
lookups     %d: %d found, %d wrongly denied, %d cannot tell, %d forgeries believed
took        p50 %.0f ms, p95 %.0f ms, %.2f supernodes asked one after the other
reachable   %.2f %%
traffic     %.0f kB/h a phone, %.0f kB/h a supernode, while nothing happens
record      %.0f bytes of a supernode's memory, %.0f of them its own
trace       %s
it took     %.0f s for %.0f s of virtual time, %d events, %d MB
`, o.Supernodes, o.Phones, o.Mode, o.Seed, o.Lookups, o.Found, o.Wrong, o.CannotTell, o.Forged, o.P50, o.P95, o.Hops,
		100*o.Reachable, o.PhoneBytes/1000, o.SupernodeBytes/1000, o.RecordBytes, o.RecordSize,
		o.TraceHash, o.Wall, o.Virtual, o.Events, o.Memory>>20)
	if err != nil || o.Bound == 0 {
		return err
	}
	_, err = fmt.Fprintf(w, `healed      99 in 100 attached again after %.2f s, all after %.2f s, bound %.2f s; records after %.1f s
load        the fullest supernode %.2f of its limit, %.2f of the attachments it may admit in a second; login asked %d times
`, o.Reattached, o.Back, o.Bound, o.Repaired, o.Load, o.Rush, o.LoginAsks)
	return err
}

func printLookups(w io.Writer, o sim.Outcome) error {
	_, err := fmt.Fprintf(w, `%d supernodes, %s, seed %d
lookups     %d: %d found, %d wrongly denied, %d cannot tell, %d forgeries believed
took        p50 %.0f ms, p95 %.0f ms, %.2f supernodes asked one after the other
asked       %.1f supernodes for each, %.1f kB
trace       %s
it took     %.0f s
`, o.Supernodes, o.Mode, o.Seed, o.Lookups, o.Found, o.Wrong, o.CannotTell, o.Forged, o.P50, o.P95, o.Hops, o.Asks, o.LookupBytes/1000, o.TraceHash, o.Wall)
	return err
}
