package judge

import (
	"fmt"
	"time"
)

// What a call must reach. The limits have been tried with the Opus codec: a
// telephone call in wide band, of 12 kb/s and more, passes them; in narrow
// band it does not.
const (
	MinSimilarity = .9
	MaxOther      = .5                     // against what somebody else said
	minWorst      = .85                    // of any second: a hole of a few frames is the most that passes
	minHeard      = .9                     // of the seconds that were said
	minPauses     = 25.0                   // dB; a word of somebody else in a pause is louder
	maxWander     = 200 * time.Millisecond // what a jitter buffer may come to; a wrong speed comes to more in seconds

	// What is left of it when the machine stood still again and again: most of
	// what was said, and nothing that something else could be taken for.
	atLeastHeard      = .5
	atLeastSimilarity = .6
)

// Problems lists in words what is wrong with what was heard; none if it is
// what was said.
func (v Verdict) Problems() []string {
	var all []string
	fail := func(bad bool, format string, args ...any) {
		if bad {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	fail(v.Said == 0, "nothing was said")
	fail(v.Heard < minHeard*v.Said, "%.1f s were heard of %.1f s that were said", v.Heard, v.Said)
	fail(v.Similarity < MinSimilarity, "the similarity is %.2f, less than %.2f", v.Similarity, MinSimilarity)
	fail(v.Similarity >= MinSimilarity && v.Worst < minWorst, "the similarity of one second is %.2f, less than %.2f", v.Worst, minWorst)
	fail(v.Heard > 0 && v.Pauses < minPauses, "there are sounds in the pauses, %.0f dB below the speech", v.Pauses)
	fail(v.Wander > maxWander, "the delay varies by %v", v.Wander.Round(time.Millisecond))
	fail(v.Said > 0 && len(v.Delays) == 0, "no delay could be measured")
	return all
}

// Faults lists in words what no busy machine makes of a call: that little was
// heard, or something else than what was said.
func (v Verdict) Faults() []string {
	var all []string
	switch {
	case v.Said == 0:
		all = append(all, "nothing was said")
	case v.Heard < atLeastHeard*v.Said:
		all = append(all, fmt.Sprintf("%.1f s were heard of %.1f s that were said", v.Heard, v.Said))
	case v.Similarity < atLeastSimilarity:
		all = append(all, fmt.Sprintf("the similarity is %.2f, less than %.2f", v.Similarity, atLeastSimilarity))
	}
	return all
}
