package webui

import (
	"fmt"
	"strconv"
	"time"

	"peerphone/node"
)

// shownLog bounds the calls on the page; the interface for programs has more.
const shownLog = 20

// viewLog shows the last calls, and how each was heard.
func viewLog(p parts, list []node.LoggedCall, now time.Time) {
	rows := [][]string{}
	for _, c := range list[:min(len(list), shownLog)] {
		rows = append(rows, []string{
			directionWords(c.Direction), orElse(c.Name, c.Number), ago(now.Sub(c.At)), talkedWords(c), heardWords(c.Sound),
		})
	}
	p["log"] = rows
	p["log-none"] = map[bool]string{true: "No calls yet."}[len(list) == 0]
}

// directionWords say whose call it was.
func directionWords(d string) string {
	return orElse(map[string]string{"made": "to", "received": "from", "missed": "missed"}[d], d)
}

func talkedWords(c node.LoggedCall) string {
	if c.Seconds == 0 {
		return orElse(c.Reason, "–")
	}
	return clock(c.Seconds)
}

// grades are words for the E-model's R, ITU-T G.109 table 1 brought from 100 to
// the 129 of wideband calls.
var grades = []struct {
	least float64
	word  string
}{{116, "best"}, {103, "good"}, {90, "fair"}, {77, "poor"}, {65, "bad"}, {0, "hardly to be understood"}}

func gradeWord(r float64) string {
	for _, g := range grades {
		if r >= g.least {
			return g.word
		}
	}
	return "–"
}

// heardWords sum up how a call was heard.
func heardWords(s node.Heard) string {
	if s == (node.Heard{}) {
		return "–"
	}
	words := fmt.Sprintf("%s, %.0f; %.0f at worst, at %s; %d\u00a0ms from mouth to ear", gradeWord(s.Score), s.Score, s.Worst, clock(s.WorstAt.Seconds()), s.Mouth.Milliseconds())
	if ms := s.Concealed.Milliseconds(); ms > 0 {
		words += "; " + strconv.FormatInt(ms, 10) + "\u00a0ms made up"
	}
	return words
}
