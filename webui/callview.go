package webui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"peerphone/node"
)

// The phases of a call that the page tells apart.
type callPhase uint8

const (
	idle callPhase = iota // also for a word that the page does not know
	searching
	connecting
	farRinging
	hereRinging
	talking
	ended
)

// phases are the words of call.State.
var phases = map[string]callPhase{
	"idle":         idle,
	"searching":    searching,
	"connecting":   connecting,
	"inviting":     connecting,
	"ringing far":  farRinging,
	"ringing here": hereRinging,
	"talking":      talking,
	"ended":        ended,
}

// reasons are the words of call.Reason, in a sentence.
var reasons = map[string]string{
	"":                   "it ended",
	"none":               "it ended",
	"busy":               "the other telephone is busy",
	"declined":           "it was declined",
	"no answer":          "nobody answered",
	"not found":          "nobody has this number",
	"unreachable":        "the other telephone cannot be reached",
	"vanished":           "the other telephone went silent",
	"we hung up":         "this telephone hung up",
	"hung up":            "the other telephone hung up",
	"no codec in common": "the two telephones have no codec in common",
}

func reasonWords(reason string) string { return orElse(reasons[reason], reason) }

// paths say in plain words how the packets of a call go.
var paths = map[string]string{
	"":       "none yet",
	"direct": "direct, from telephone to telephone",
	"lane":   "through a home supernode, until a direct path stands",
	"relay":  "relayed by a supernode, which cannot listen",
}

// viewCall shows the current call, or the last one.
func viewCall(p parts, s node.Snapshot, now time.Time) {
	c := s.Call
	ph := phases[c.State]
	p["call@data-some"] = yes(ph != idle)
	p["call-state"] = stateWords(c, now)
	p["call-rest@value"] = strconv.FormatBool(!c.HeldHere())
	p["call-rest"], p["call-holds"] = orElse(map[bool]string{true: "Take back"}[c.HeldHere()], "Hold"), holdWords[c.Hold]
	p["call-peer"] = orElse(peerOrNone(c), "–")
	p["call-path"] = orElse(paths[c.Path], c.Path)
	p["call-codec"] = orElse(c.Codec, "–")
	p["call-safety"] = orElse(c.Safety, "–")
	p["call-compare"] = compareWords(c)
	p["call-took"] = tookWords(s.Timing)
}

// holdWords say who holds a call, by the words of call.Hold.
var holdWords = map[string]string{
	"":                  "You hear each other.",
	"held here":         "You hold the call: neither of you hears the other.",
	"held there":        "The other telephone holds the call: neither of you hears the other.",
	"held at both ends": "Both of you hold the call.",
}

func compareWords(c node.CallView) string {
	switch {
	case c.Safety == "":
		return ""
	case c.Contact:
		return "It is the key that is kept for this contact. The other telephone shows the same digits."
	}
	return "The other telephone shows the same digits. Compare them once, by voice."
}

func stateWords(c node.CallView, now time.Time) string {
	var since string
	if d := now.Sub(c.Since); !c.Since.IsZero() && d >= 0 {
		since = " for " + clock(d.Seconds())
	}
	switch phases[c.State] {
	case idle:
		return "No call."
	case ended:
		return "Over: " + reasonWords(c.Reason) + "."
	case talking:
		return "Talking" + since
	case searching:
		return "Searching" + since
	case connecting:
		return "Connecting" + since
	case hereRinging:
		return "Ringing here" + since
	}
	return "Ringing there" + since
}

// peerWords names the other telephone in a sentence.
func peerWords(c node.CallView) string { return orElse(peerOrNone(c), "someone") }

func peerOrNone(c node.CallView) string {
	switch {
	case c.Peer == "":
		return c.Number
	case c.Number == "":
		return c.Peer
	}
	return c.Peer + " (" + c.Number + ")"
}

// tookWords tells how long things took, those that happened.
func tookWords(t node.Timing) string {
	var words []string
	for _, step := range []struct {
		name string
		ms   float64
	}{{"login", t.Login}, {"search", t.Search}, {"until it rang", t.Setup}, {"until direct", t.Direct}} {
		switch {
		case step.ms >= 10:
			words = append(words, fmt.Sprintf("%s %.0f\u00a0ms", step.name, step.ms))
		case step.ms > 0:
			words = append(words, fmt.Sprintf("%s %.1f\u00a0ms", step.name, step.ms))
		}
	}
	return orElse(strings.Join(words, ", "), "–")
}

// clock writes seconds as minutes and seconds, or with hours before them.
func clock(seconds float64) string {
	n := int(min(max(seconds, 0), 1e8))
	if n >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", n/3600, n/60%60, n%60)
	}
	return fmt.Sprintf("%d:%02d", n/60, n%60)
}
