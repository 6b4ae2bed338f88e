package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// matrix is the calls of all pairs, and what became of them.
type matrix struct {
	rtt    time.Duration
	pairs  []*pairRuns
	talk   time.Duration // in each call
	traces folder        // of each call; "": none
	again  int           // calls of each pair that may be made once more when they are not as they must be; 0: those that were disturbed, as many as are wanted

	mu   sync.Mutex
	open int // calls under way, guarded by mu
	done int // guarded by mu
}

// pairRuns is a pair and its calls.
type pairRuns struct {
	natPair
	want int       // calls
	left int       // not begun yet, guarded by matrix.mu
	redo int       // made once more, guarded by matrix.mu
	runs []*natRun // in the order of their beginning, guarded by matrix.mu
}

// dialRest lies between two calls that one phone makes: its supernodes carry
// the introductions of a caller once in three seconds.
const dialRest = 3 * time.Second

// onceMore is how often a short form repeats what was not as it must be, stood
// for how long this machine may have stood still in a call whose path counts
// there, in milliseconds.
const (
	onceMore = 2
	stood    = 100
)

func newMatrix(pairs []natPair, runs int, rtt time.Duration) *matrix {
	m := &matrix{rtt: rtt}
	for _, p := range pairs {
		m.pairs = append(m.pairs, &pairRuns{natPair: p, want: runs, left: runs})
	}
	return m
}

// job is a call to be made.
type job struct {
	world    *natWorld
	pair     *pairRuns
	run      *natRun
	from, to place
}

// run makes all calls, one at a time in each world.
func (m *matrix) run(ctx context.Context, worlds []*natWorld, s *steps) error {
	var workers sync.WaitGroup
	for _, w := range worlds {
		workers.Go(func() { m.work(ctx, w, s) }) // owner: run
	}
	workers.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// work makes calls in a world until there are no more.
func (m *matrix) work(ctx context.Context, w *natWorld, s *steps) {
	for ctx.Err() == nil {
		j, more := m.next(w, time.Now())
		switch {
		case j != nil:
			*j.run = j.pair.once(ctx, j.from, j.to, m.talk, m.traces)
			n := m.finish(j, time.Now())
			if ctx.Err() == nil {
				s.say("lab", "%4d of %d  %v: %v", n, m.calls(), j.pair.natPair, *j.run)
			}
		case !more:
			return
		default: // all that is left waits for a phone of this world
			time.Sleep(lookEvery)
		}
	}
}

// next takes a call whose phones in a world have rested, of the pair that has
// most left. more: there may be some later.
func (m *matrix) next(w *natWorld, now time.Time) (j *job, more bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var best *pairRuns
	for _, p := range m.pairs {
		more = more || p.left > 0
		if p.left > 0 && (best == nil || p.left > best.left) && w.rested(p, now) {
			best = p
		}
	}
	if best == nil {
		return nil, more || m.open > 0 // one under way may have to be made once more
	}
	from, to := best.sides(w.places)
	j = &job{world: w, pair: best, run: &natRun{}, from: from, to: to}
	best.left--
	best.runs = append(best.runs, j.run)
	m.open++
	w.rest[from.resident] = now.Add(dialRest)
	return j, true
}

// sides says who calls whom next: in turn.
func (p *pairRuns) sides(all places) (from, to place) {
	from, to = all[p.a][0], all[p.b][1]
	if (p.want-p.left)%2 == 1 {
		return to, from
	}
	return from, to
}

func (w *natWorld) rested(p *pairRuns, now time.Time) bool {
	from, _ := p.sides(w.places)
	return !now.Before(w.rest[from.resident]) && !now.Before(w.words[p])
}

func (m *matrix) finish(j *job, now time.Time) (done int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open--
	p := j.pair
	j.world.words[p] = now.Add(lastWords)
	if m.onceMore(p, j.run) {
		p.redo++
		p.left++
		p.runs = without(p.runs, j.run)
		return m.done
	}
	m.done++
	return m.done
}

// onceMore reports whether a call is made once more instead of being counted.
func (m *matrix) onceMore(p *pairRuns, r *natRun) bool {
	if m.again > 0 {
		return p.redo < m.again && !p.outcome().keptBy(r)
	}
	return p.redo < p.want && r.disturbed(p.outcome(), m.rtt)
}

func without(runs []*natRun, run *natRun) []*natRun {
	return slices.DeleteFunc(runs, func(r *natRun) bool { return r == run })
}

func (m *matrix) calls() (n int) {
	for _, p := range m.pairs {
		n += p.want
	}
	return n
}

// natRow is what is said of a pair.
type natRow struct {
	Pair     string    `json:"pair"`
	Wanted   string    `json:"wanted"`
	Passed   bool      `json:"passed"`
	Runs     int       `json:"runs"`
	Failed   int       `json:"failed"` // calls without sound both ways
	Direct   int       `json:"direct"`
	Relay    int       `json:"relay"`
	Stream   int       `json:"stream"`
	SetupMS  [2]figure `json:"setup_ms"`    // p50 and worst
	Audio    [2]figure `json:"audio_rtts"`  // round trips
	DirectIn [2]figure `json:"direct_rtts"` // round trips
	Excused  int       `json:"excused"`     // not direct, in a short form, while the machine stood still
	Late     int       `json:"late"`        // calls in which sound or the direct path took more than two round trips
	Again    int       `json:"again"`       // calls that are not counted, as they were made once more
	WithinS  [2]figure `json:"within_s"`    // from ringing until direct
	GapMS    [2]figure `json:"gap_ms"`
	Calls    []*natRun `json:"calls"`
}

// figure is a number that is rounded for people; -1: none.
type figure float64

// row sums a pair up.
func (m *matrix) row(p *pairRuns) natRow {
	r := natRow{Pair: p.String(), Wanted: p.outcome().String(), Runs: len(p.runs), Again: p.redo, Calls: p.runs}
	rtts := func(v float64) float64 { return v / max(ms(m.rtt), 1) }
	var setup, audio, direct, within, gaps []float64
	for _, run := range p.runs {
		if run.Problem != "" {
			r.Failed++
			continue
		}
		setup, audio, gaps = append(setup, run.SetupMS), append(audio, rtts(run.AudioMS)), append(gaps, run.GapMS)
		if run.late(p.outcome(), m.rtt) {
			r.Late++
		}
		if m.again > 0 && run.Path != directWay.String() && run.StalledMS >= stood {
			r.Excused++
		}
		switch run.Path {
		case directWay.String():
			r.Direct++
			direct, within = append(direct, rtts(run.DirectMS)), append(within, run.WithinMS/1000)
		case relayWay.String():
			r.Relay++
		case streamWay.String():
			r.Stream++
		}
	}
	r.SetupMS, r.Audio, r.GapMS = middleAndWorst(setup, 0), middleAndWorst(audio, 1), middleAndWorst(gaps, 0)
	r.DirectIn, r.WithinS = middleAndWorst(direct, 1), middleAndWorst(within, 1)
	r.Passed = p.outcome().kept(r) && (m.again > 0 || r.Late == 0)
	return r
}

// kept reports whether a pair is as it must be.
func (o outcome) kept(r natRow) bool {
	switch {
	case r.Failed > 0 || r.Runs == 0:
		return false
	case o == reach:
		return r.Direct+r.Excused == r.Runs
	case o == mostlyReach:
		return 100*r.Direct >= 95*r.Runs
	}
	return true
}

// keptBy reports whether one call is as it must be.
func (o outcome) keptBy(r *natRun) bool {
	return r.Problem == "" && (o != reach || r.Path == directWay.String())
}

// middleAndWorst returns the median and the largest, -1 for none.
func middleAndWorst(values []float64, digits int) [2]figure {
	if len(values) == 0 {
		return [2]figure{-1, -1}
	}
	slices.Sort(values)
	return [2]figure{figure(round(values[len(values)/2], digits)), figure(round(values[len(values)-1], digits))}
}

func (m *matrix) rows() (list []natRow) {
	for _, p := range m.pairs {
		list = append(list, m.row(p))
	}
	return list
}

// print writes the result.
func (m *matrix) print(w io.Writer, asJSON bool) error {
	rows := m.rows()
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			RTTMS float64  `json:"rtt_ms"`
			Pairs []natRow `json:"pairs"`
		}{ms(m.rtt), rows})
	}
	fmt.Fprintf(w, "\n  %-34s %-11s %-22s %14s %12s %12s %12s %14s %5s %5s\n", "pair", "wanted", "path",
		"set-up, ms", "audio, RTT", "direct, RTT", "direct, s", "gap, ms", "late", "again")
	for _, r := range rows {
		fmt.Fprintf(w, "  %-34s %-11s %-22s %14v %12v %12v %12v %14v %5d %5d%s\n", r.Pair, r.Wanted, r.paths(),
			spread(r.SetupMS), spread(r.Audio), spread(r.DirectIn), spread(r.WithinS), spread(r.GapMS), r.Late, r.Again, mark(r.Passed))
	}
	_, err := fmt.Fprintln(w)
	return err
}

// paths says which, how often.
func (r natRow) paths() string {
	var list []string
	for _, p := range []struct {
		name string
		n    int
	}{{"direct", r.Direct}, {"relay", r.Relay}, {"stream", r.Stream}, {"failed", r.Failed}} {
		if p.n > 0 {
			list = append(list, fmt.Sprintf("%d %s", p.n, p.name))
		}
	}
	return strings.Join(list, ", ")
}

type spread [2]figure

func (s spread) String() string {
	if s[0] < 0 {
		return "-"
	}
	return fmt.Sprintf("%v / %v", s[0], s[1])
}

func mark(passed bool) string {
	if passed {
		return ""
	}
	return "  <-- failed"
}

// verdict is an error that names the pairs which are not as they must be.
func (m *matrix) verdict() error {
	var failed []string
	for _, r := range m.rows() {
		if !r.Passed {
			failed = append(failed, r.Pair)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return errors.New("not as they must be: " + strings.Join(failed, "; "))
}
