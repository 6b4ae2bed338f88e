package node

import (
	"math"

	"peerphone/node/media"
)

// soundWords are what the log says of a call's sound when it is over: totals, and
// means over the seconds that the record has, the last five minutes.
func soundWords(l *media.Leg) []any {
	s, seconds := l.Stats(), l.History()
	mouth, score, mos := 0., 0., 0.
	for _, h := range seconds {
		mouth, score, mos = mouth+h.MouthMS, score+h.Score, mos+h.MOS
	}
	n := float64(max(len(seconds), 1))
	round := func(v float64) float64 { return math.Round(10*v) / 10 }
	return []any{
		"seconds", round(s.Seconds), "sent", s.Sent, "received", s.Received, "lost", s.Lost, "concealed_ms", 10 * s.Concealed,
		"bytes_up", s.BytesUp, "bytes_down", s.BytesDown, "mouth_ms", round(mouth / n), "skew_ppm", round(s.SkewPPM),
		"score", round(score / n), "mos", round(mos / n),
	}
}
