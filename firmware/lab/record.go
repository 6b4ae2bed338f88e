package main

import (
	"fmt"
	"time"

	"peerphone/firmware/lab/judge"
	"peerphone/firmware/lab/wav"
	"peerphone/hal"
	"peerphone/node"
)

// callRecord is all that is left of the demo's call when its processes have
// ended.
type callRecord struct {
	from, to          hal.Instant
	kitchen, workshop end
	verified          bool
	stood             time.Duration // for how long a processor ran nothing of ours meanwhile
}

// end is one of its two phones.
type end struct {
	name    string
	folder  folder
	state   node.Snapshot // just before the end of the call
	loginMS float64
}

func newRecord(t *talk, n *network) *callRecord {
	of := func(name string, s node.Snapshot) end {
		l := n.live[name]
		return end{name: name, folder: l.folder, state: s, loginMS: l.loginMS}
	}
	return &callRecord{
		from: t.from, to: t.to, verified: t.verified,
		kitchen: of(kitchen, t.seen[0]), workshop: of(workshop, t.seen[1]),
	}
}

// settle is how long sound may take; what was said less than that before the
// end need not have been heard.
const settle = 500 * time.Millisecond

// way is one direction of the call.
type way struct {
	from, to    string
	captured    judge.Track // while both talked
	said, heard judge.Track // what of it should have been heard, and what was
	verdict     judge.Verdict
	other       float64 // similarity with what the hearing phone itself said
}

// ways compares what was said and heard in both directions.
func (c *callRecord) ways() (there, back *way, err error) {
	if there, err = c.way(c.kitchen, c.workshop); err != nil {
		return nil, nil, err
	}
	if back, err = c.way(c.workshop, c.kitchen); err != nil {
		return nil, nil, err
	}
	there.other = judge.Compare(back.said, there.heard).Similarity
	back.other = judge.Compare(there.said, back.heard).Similarity
	return there, back, nil
}

// way reads one direction. The part is from when both talked; what sounded
// before, the tones, is not part of it.
func (c *callRecord) way(from, to end) (*way, error) {
	said, err := readSaid(from.folder)
	if err != nil {
		return nil, err
	}
	heard, err := readHeard(to.folder)
	if err != nil {
		return nil, err
	}
	w := &way{
		from: from.name, to: to.name,
		captured: said.Between(c.from, c.to),
		said:     said.Between(c.from, c.to.Add(-settle)),
		heard:    heard.Between(c.from, c.to),
	}
	w.verdict = judge.Compare(w.said, w.heard)
	return w, nil
}

// problems lists what is wrong with one direction.
func (w *way) problems() []string {
	all := w.verdict.Problems()
	if w.other > judge.MaxOther {
		all = append(all, fmt.Sprintf("the similarity with what the %s itself said is %.2f, more than %.2f", w.to, w.other, judge.MaxOther))
	}
	return w.each(all)
}

// faults lists those that no busy machine makes.
func (w *way) faults() []string { return w.each(w.verdict.Faults()) }

// each says of each problem in which direction it is.
func (w *way) each(problems []string) []string {
	for i, p := range problems {
		problems[i] = fmt.Sprintf("from the %s to the %s: %s", w.from, w.to, p)
	}
	return problems
}

// judge listens to the call, writes the results, and prints the table. The
// error is about what does not depend on how well one hears.
func (c *callRecord) judge(dir folder, s *steps) (o trial, err error) {
	there, back, err := c.ways()
	if err != nil {
		return o, fmt.Errorf("%w: %w", errCall, err)
	}
	r := c.report(there, back)
	if err := c.write(dir, r, there, back); err != nil {
		return o, err
	}
	c.table(s.w, r, there, back)
	k, w := c.kitchen.state.Call, c.workshop.state.Call
	switch {
	case !c.verified:
		return o, fmt.Errorf("%w: the phones do not show the same safety number: %q and %q", errCall, k.Safety, w.Safety)
	case k.Codec != w.Codec:
		return o, fmt.Errorf("%w: the kitchen speaks %s, the workshop %s", errCall, k.Codec, w.Codec)
	}
	return trial{
		problems: append(there.problems(), back.problems()...),
		faults:   append(there.faults(), back.faults()...),
		stood:    c.stood,
	}, nil
}

// write makes the three results.
func (c *callRecord) write(dir folder, r report, there, back *way) error {
	text, err := r.text()
	if err != nil {
		return err
	}
	heard := wav.AppendFile(nil, wav.Sound{Rate: judge.Rate, PCM: there.heard.PCM})
	for name, content := range map[string][]byte{reportFile: text, heardFile: heard, plotFile: c.plot(there, back)} {
		if err := dir.writeResult(name, content); err != nil {
			return err
		}
	}
	return nil
}
