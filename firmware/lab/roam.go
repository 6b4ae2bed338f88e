package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// roamCommand changes the network of a phone in mid-call.
type roamCommand struct {
	lifetime
	Runs     int           `help:"Changes of each kind. Default: ${default}." default:"20" placeholder:"N"`
	Scene    []string      `help:"One kind of change only; can be given more than once. Default: all." placeholder:"NAME"`
	Short    bool          `help:"One change of each of a few kinds, up to twice more when a call ends. Its pause counts only if this machine stood still at no time in it."`
	Parallel int           `help:"Changes at a time, each in a world of its own. Default: one for each processor." placeholder:"N"`
	RTT      time.Duration `help:"Round trip between two phones, and so through a supernode. Default: ${default}." default:"100ms"`
	Trace    bool          `help:"Write what both interfaces saw of each change, packet by packet, into the folder changes of each scene."`
	JSON     bool          `help:"Print the results as JSON, and the progress on the standard error."`
	Dir      string        `help:"Folder for what each process writes. Default: ${default}." default:"out/roam" placeholder:"DIR"`
}

// Help is shown by lab roam --help.
func (roamCommand) Help() string {
	var b strings.Builder
	b.WriteString("Kinds of change, and the longest pause that each may make (RTT: the round trip):\n\n")
	for _, s := range scenes {
		fmt.Fprintf(&b, "  %-15s %-14s %s\n", s.name, s.limitText(), s.what)
	}
	b.WriteString(`
The pause is that between two new frames of sound, less the usual 20 ms, in the captures of both
phones, whichever is longer; frames are told apart by the packet counter in their header. While
there is no network at all, as when a phone leaves the house, the clock stands still. Detoured:
how often a direct call was still relayed 20 s after a change. Disturbed: how often a change was
made once more because the pause was too long by no more than the time in which this machine was
too busy to run even a thread that does nothing.

Exit 1 when the pause of 99 in 100 changes is longer than its limit, or a call ended. Needs
root, nftables, iproute2, conntrack: make lab-deps.`)
	return b.String()
}

func (r roamCommand) Run() error {
	if r.Runs < 1 || r.Runs > 10_000 || r.Parallel < 0 || r.Parallel > maxWorlds || r.RTT < 0 || r.RTT > 2*time.Second {
		return errUsage{fmt.Errorf("want --runs 1 to 10000, --parallel 1 to %d, --rtt 0 to 2s", maxWorlds)}
	}
	chosen, err := r.scenes()
	if err != nil {
		return errUsage{err}
	}
	if r.Short {
		r.Runs = 1
	}
	ctx, stop := r.life()
	defer stop()
	out := os.Stdout
	if r.JSON {
		out = os.Stderr
	}
	results, err := r.measure(ctx, chosen, newSteps(out))
	if err != nil {
		return err
	}
	return r.report(os.Stdout, results)
}

func (r roamCommand) scenes() (list []scene, err error) {
	names := r.Scene
	if len(names) == 0 && r.Short {
		names = shortScenes
	}
	if len(names) == 0 {
		return scenes, nil
	}
	for _, name := range names {
		i := slices.IndexFunc(scenes, func(s scene) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("--scene %s: there is none; see lab roam --help", name)
		}
		list = append(list, scenes[i])
	}
	return list, nil
}

// measure plays the scenes in worlds that share nothing but the machine.
func (r roamCommand) measure(ctx context.Context, chosen []scene, s *steps) ([]*roamResult, error) {
	course := newRoamCourse(chosen, r)
	errs := make([]error, worldsFor(r.Parallel))
	var worlds sync.WaitGroup
	for i := range errs {
		worlds.Go(func() { // owner: measure
			world := fmt.Sprintf("world%d", i+1)
			for sc, result := course.enter(); result != nil && errs[i] == nil && ctx.Err() == nil; sc, result = course.enter() {
				errs[i] = r.play(ctx, world, sc, result, s)
				course.leave(result)
			}
		})
	}
	worlds.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return course.results, errors.Join(errs...)
}

// roamResult is what became of one scene.
type roamResult struct {
	Scene     string        `json:"scene"`
	Passed    bool          `json:"passed"`
	Runs      int           `json:"runs"`
	Ended     int           `json:"ended"`     // changes after which there was no sound any more, or no call to begin with
	Disturbed int           `json:"disturbed"` // changes that were made once more because the machine stood still
	Detoured  int           `json:"detoured"`  // changes after which a direct call stayed relayed for 20 s
	LimitMS   float64       `json:"limit_ms"`
	P50       figure        `json:"p50_ms"`
	P99       figure        `json:"p99_ms"`
	Worst     figure        `json:"worst_ms"`
	Changes   []*roamChange `json:"changes"`

	wanted  int
	lenient bool // pauses count only if the machine did not stand still

	mu     sync.Mutex // of all that changes while worlds play
	left   int        // changes that nobody makes yet
	drawn  int        // changes that were begun
	worlds int        // that play the scene
}

// roamChange is one change of the network.
type roamChange struct {
	HereMS    float64 `json:"here_ms"`    // longest pause at the phone whose network changed
	ThereMS   float64 `json:"there_ms"`   // at the other
	BackMS    float64 `json:"back_ms"`    // at either, while the change was undone
	AbsentS   float64 `json:"absent_s"`   // without any network; not in the above
	StalledMS float64 `json:"stalled_ms"` // in which this machine ran nothing of ours
	Path      string  `json:"path"`       // by which sound came in at the end
	Problem   string  `json:"problem,omitempty"`

	begun time.Time
}

// disturbed reports whether a pause was too long by no more than the machine
// stood still.
func (c *roamChange) disturbed(limit float64) bool {
	over := max(c.HereMS, c.ThereMS) - limit
	return c.Problem == "" && over > 0 && over <= c.StalledMS
}

func (c *roamChange) String() string {
	if c.Problem != "" {
		first, _, _ := strings.Cut(c.Problem, "\n")
		return "FAILED: " + first
	}
	return fmt.Sprintf("nothing new for %.0f ms here, %.0f ms there; then %s", c.HereMS, c.ThereMS, c.Path)
}

// sum counts the changes.
func (r *roamResult) sum() {
	var pauses []float64
	r.Runs = len(r.Changes)
	for _, c := range r.Changes {
		if c.Problem != "" {
			r.Ended++
			continue
		}
		if !r.lenient || c.StalledMS == 0 {
			pauses = append(pauses, max(c.HereMS, c.ThereMS))
		}
	}
	slices.Sort(pauses)
	r.P50, r.P99, r.Worst = quantile(pauses, 0.5), quantile(pauses, 0.99), quantile(pauses, 1)
	r.Passed = r.Ended == 0 && r.Runs >= r.wanted && float64(r.P99) <= r.LimitMS
}

// quantile returns the smallest value that is not less than a share of all; -1
// for none. values are sorted.
func quantile(values []float64, share float64) figure {
	if len(values) == 0 {
		return -1
	}
	n := int(math.Ceil(share*float64(len(values)))) - 1
	return figure(round(values[max(n, 0)], 1))
}

// report prints the results. The error names the scenes that do not pass.
func (r roamCommand) report(w io.Writer, results []*roamResult) error {
	var failed []string
	for _, result := range results {
		result.sum()
		if !result.Passed {
			failed = append(failed, result.Scene)
		}
	}
	if err := r.print(w, results); err != nil {
		return err
	}
	if len(failed) > 0 {
		return errors.New("not as they must be: " + strings.Join(failed, "; "))
	}
	return nil
}

func (r roamCommand) print(w io.Writer, results []*roamResult) error {
	if r.JSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			RTTMS  float64       `json:"rtt_ms"`
			Scenes []*roamResult `json:"scenes"`
		}{ms(r.RTT), results})
	}
	fmt.Fprintf(w, "\n  %-15s %8s %8s %10s %10s %10s %10s %10s %10s\n", "pause, ms", "changes", "ended", "detoured", "disturbed", "p50", "p99", "worst", "wanted p99")
	for _, result := range results {
		fmt.Fprintf(w, "  %-15s %8d %8d %10d %10d %10v %10v %10v %10v%s\n", result.Scene, result.Runs, result.Ended, result.Detoured, result.Disturbed,
			result.P50, result.P99, result.Worst, fmt.Sprintf("<= %.0f", result.LimitMS), mark(result.Passed))
	}
	_, err := fmt.Fprintln(w)
	return err
}
