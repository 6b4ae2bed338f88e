package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	"peerphone/firmware/lab/judge"
)

// Files of the demo.
const (
	reportFile = "report.json"
	heardFile  = "heard.wav" // what the workshop's speaker played
	plotFile   = "call.svg"
)

// report is what report.json holds, in this order and nothing else. Where the
// two phones or directions differ it is the worse figure, so that a limit on
// the figure is one on both.
type report struct {
	LoginMS         float64 `json:"login_ms"`         // from a phone's first packet until it could be called
	SearchMS        float64 `json:"search_ms"`        // for the workshop's number in the index
	SetupMS         float64 `json:"setup_ms"`         // from # until the workshop rang
	MouthToEarMS    float64 `json:"mouth_to_ear_ms"`  // mean over the call
	HeardS          float64 `json:"heard_s"`          // seconds that were not silent
	Similarity      float64 `json:"similarity"`       // with what was said to that phone
	SimilarityOther float64 `json:"similarity_other"` // with what that phone itself said
	Concealed       uint64  `json:"concealed"`        // frames of 10 ms, of both phones
	BytesUpPerS     float64 `json:"bytes_up_per_s"`   // of the kitchen, IP and UDP headers included
	BytesDownPerS   float64 `json:"bytes_down_per_s"`
	Codec           string  `json:"codec"`
	Relayed         bool    `json:"relayed"`  // still through a supernode at the end of the call
	Verified        bool    `json:"verified"` // both phones show the same safety number
}

func (c *callRecord) report(there, back *way) report {
	k, w := c.kitchen.state, c.workshop.state
	media := k.Call.Media
	return report{
		LoginMS:         round(max(c.kitchen.loginMS, c.workshop.loginMS), 1),
		SearchMS:        round(k.Timing.Search, 1),
		SetupMS:         round(k.Timing.Setup, 1),
		MouthToEarMS:    round(max(ms(there.verdict.Delay), ms(back.verdict.Delay)), 1),
		HeardS:          round(min(there.verdict.Heard, back.verdict.Heard), 2),
		Similarity:      round(min(there.verdict.Similarity, back.verdict.Similarity), 3),
		SimilarityOther: round(max(there.other, back.other), 3),
		Concealed:       media.Concealed + w.Call.Media.Concealed,
		BytesUpPerS:     round(float64(media.BytesUp)/max(media.Seconds, 1), 0),
		BytesDownPerS:   round(float64(media.BytesDown)/max(media.Seconds, 1), 0),
		Codec:           k.Call.Codec,
		Relayed:         k.Call.Path != "direct" || w.Call.Path != "direct",
		Verified:        c.verified,
	}
}

func (r report) text() ([]byte, error) {
	text, err := json.MarshalIndent(r, "", "  ")
	return append(text, '\n'), err
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func round(v float64, digits int) float64 {
	p := math.Pow(10, float64(digits))
	return math.Round(v*p) / p
}

// The figures that a call over the loopback interface is to keep.
const (
	loginGoal  = 500.0 // ms
	searchGoal = 50.0
	setupGoal  = 200.0
	earGoal    = 120.0
)

// table prints the report, each figure beside what it should be.
func (c *callRecord) table(w io.Writer, r report, there, back *way) {
	row := func(what, value, wanted string, good bool) {
		mark := ""
		if !good {
			mark = "  <-- not kept"
		}
		fmt.Fprintf(w, "  %-22s %-34s %-12s%s\n", what, value, wanted, mark)
	}
	both := func(format string, a, b float64) string {
		return fmt.Sprintf(format+", back "+format, a, b)
	}
	v, u := there.verdict, back.verdict
	fmt.Fprintf(w, "\n  %-22s %-34s %-12s\n", "", "measured", "wanted")
	row("login", fmt.Sprintf("%.1f ms", r.LoginMS), "<= 500 ms", r.LoginMS <= loginGoal)
	row("search", fmt.Sprintf("%.1f ms", r.SearchMS), "<= 50 ms", r.SearchMS <= searchGoal)
	row("from # to ringing", fmt.Sprintf("%.1f ms", r.SetupMS), "<= 200 ms", r.SetupMS <= setupGoal)
	row("mouth to ear", both("%.1f ms", ms(v.Delay), ms(u.Delay)), "<= 120 ms", r.MouthToEarMS <= earGoal)
	row("  it varied by", both("%.1f ms", ms(v.Wander), ms(u.Wander)), "", true)
	row("concealed", fmt.Sprintf("%d frames", r.Concealed), "0", r.Concealed == 0)
	row("heard", both("%.1f s", v.Heard, u.Heard), fmt.Sprintf(">= 90 %% of %.1f s", v.Said), true)
	row("similarity", both("%.3f", v.Similarity, u.Similarity), ">= 0.900", r.Similarity >= judge.MinSimilarity)
	row("  its worst second", both("%.3f", v.Worst, u.Worst), "", true)
	row("  with the other's", both("%.3f", there.other, back.other), "<= 0.500", r.SimilarityOther <= judge.MaxOther)
	row("bytes per second", fmt.Sprintf("%.0f up, %.0f down", r.BytesUpPerS, r.BytesDownPerS), "", true)
	row("codec", r.Codec, "", true)
	row("relayed", yes(r.Relayed), "no", !r.Relayed)
	row("verified", yes(r.Verified), "yes", r.Verified)
	row("machine stood still", fmt.Sprintf("%.1f ms", ms(c.stood)), "0.0 ms", c.stood == 0)
	fmt.Fprintln(w)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
