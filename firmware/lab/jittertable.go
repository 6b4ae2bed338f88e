package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"peerphone/node/media/trace"
)

// rival is what another buffer made of a trace: delay in ms, concealed and
// stretched in percent.
type rival struct {
	neteq, neteqConcealed, neteqStretched float64
	speex, speexConcealed                 float64
}

// rivals were measured once on these traces, by name.
var rivals = map[string]rival{
	"rtp_g722_T2":           {260.4, 1.83, .20, 173.9, 3.62},
	"rtp_g729":              {155.8, 2.60, .28, 132.7, 4.09},
	"rtp_hrtf_pcm16":        {145.5, 1.76, .29, 127.7, 3.38},
	"syn_bufferbloat":       {349.0, .60, 1.63, 412.1, 5.78},
	"syn_burstloss":         {61.2, 3.38, .17, 46.5, 3.87},
	"syn_g1050_B":           {99.7, .17, .13, 63.4, 1.10},
	"syn_g1050_C":           {274.9, 1.74, .36, 191.3, 3.48},
	"syn_lan":               {36.8, .00, .03, 14.6, .00},
	"syn_lan_m300ppm":       {-10.1, .02, .06, -27.8, .03},
	"syn_lan_p300ppm":       {67.0, .01, .05, 57.2, .95},
	"syn_lte":               {100.1, .53, .27, 61.8, .99},
	"syn_reorder":           {87.3, .46, .09, 69.0, .87},
	"syn_route":             {114.4, .09, .40, 81.5, 1.31},
	"syn_wifi_busy":         {135.9, .89, .09, 97.8, 2.14},
	"syn_wifi_good":         {66.3, .10, .03, 34.0, .76},
	"syn_wifi_good_p100ppm": {72.5, .16, .04, 47.7, .97},
	"syn_wifi_scan":         {158.8, 1.56, 1.36, 44.2, 2.62},
}

// jitterTable prints a line per trace, and their means.
type jitterTable struct {
	out   io.Writer
	w     *tabwriter.Writer
	all   tableMean
	pool  tableMean // without bufferbloat and the drifting ones
	neteq tableMean
}

// tableMean sums up lines.
type tableMean struct {
	n                                      float64
	delay, concealed, excess, stretched, r float64
}

func (m *tableMean) add(delay, concealed, lost, stretched float64) {
	m.n++
	m.delay += delay
	m.concealed += concealed
	m.excess += concealed - lost
	m.stretched += stretched
	m.r += trace.R(delay, concealed)
}

func newJitterTable(w io.Writer) *jitterTable {
	t := &jitterTable{out: w, w: tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)}
	fmt.Fprintln(t.w, "trace\tlost %\tdelay ms\tconcealed %\tstretched %\tppm\tR\tNetEQ ms\tconcealed %\tSpeex ms\tconcealed %\tthan NetEQ\t")
	return t
}

func (t *jitterTable) add(name string, lost float64, r trace.Result) {
	fmt.Fprintf(t.w, "%s\t%.2f\t%.1f\t%.2f\t%.2f\t%+.0f\t%.1f\t", name, 100*lost, r.MeanDelay, 100*r.Concealed, 100*r.Stretched, r.SkewPPM, trace.R(r.MeanDelay, r.Concealed))
	t.all.add(r.MeanDelay, r.Concealed, lost, r.Stretched)
	pooled := !strings.Contains(name, "bloat") && !strings.Contains(name, "ppm")
	if pooled {
		t.pool.add(r.MeanDelay, r.Concealed, lost, r.Stretched)
	}
	if v, ok := rivals[name]; ok {
		fmt.Fprintf(t.w, "%.1f\t%.2f\t%.1f\t%.2f\t%s", v.neteq, v.neteqConcealed, v.speex, v.speexConcealed, v.verdict(r)+"\t")
		if pooled {
			t.neteq.add(v.neteq, v.neteqConcealed/100, lost, v.neteqStretched/100)
		}
	}
	fmt.Fprintln(t.w)
}

// verdict compares with NetEQ, at the resolution of its figures.
func (v rival) verdict(r trace.Result) string {
	less, clear := r.MeanDelay < v.neteq, 100*r.Concealed < v.neteqConcealed+.005
	switch {
	case less && clear:
		return "better"
	case !less && !clear:
		return "worse"
	}
	return "other"
}

func (m tableMean) print(w io.Writer, name string) {
	if m.n > 0 {
		fmt.Fprintf(w, "%s: delay %.1f ms, excess %.2f %%, stretched %.2f %%, R %.2f, of %.0f traces\n",
			name, m.delay/m.n, 100*m.excess/m.n, 100*m.stretched/m.n, m.r/m.n, m.n)
	}
}

func (t *jitterTable) end() error {
	if err := t.w.Flush(); err != nil {
		return err
	}
	t.all.print(t.out, "all")
	t.pool.print(t.out, "pool (without bufferbloat and ppm)")
	t.neteq.print(t.out, "NetEQ on that pool")
	return nil
}

// folder plays every trace of a folder.
func (c jitterCommand) folder(w io.Writer) error {
	names, err := filepath.Glob(filepath.Join(c.All, "*.txt"))
	if err != nil || len(names) == 0 {
		return fmt.Errorf("%s: no traces (*.txt)", c.All)
	}
	said, err := c.said()
	if err != nil {
		return err
	}
	table := newJitterTable(w)
	for _, name := range names {
		t, err := readTrace(name)
		if err != nil {
			return err
		}
		table.add(strings.TrimSuffix(filepath.Base(name), ".txt"), t.Lost(), phases(t, said))
	}
	return table.end()
}

// fresh plays traces that nobody has seen, the mean of each kind in a line.
func (c jitterCommand) fresh(w io.Writer) error {
	said, err := c.said()
	if err != nil {
		return err
	}
	table := newJitterTable(w)
	for _, kind := range trace.Kinds() {
		var rs []trace.Result
		lost := 0.
		for seed := range c.Seeds {
			t, err := trace.Make(kind, c.Seed+uint64(seed), time.Duration(c.Secs)*time.Second)
			if err != nil {
				return err
			}
			lost += t.Lost() / float64(c.Seeds)
			rs = append(rs, phases(t, said))
		}
		table.add(kind, lost, trace.Mean(rs))
	}
	return table.end()
}

// phases plays a trace from each phase of the first pull, and takes the mean.
func phases(t trace.Trace, said []int16) trace.Result {
	all := trace.Phases()
	rs := make([]trace.Result, len(all))
	var wait sync.WaitGroup
	for i, phase := range all {
		wait.Go(func() { rs[i] = trace.Player{Phase: phase, Speech: said}.Play(t) })
	}
	wait.Wait()
	return trace.Mean(rs)
}
