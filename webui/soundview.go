package webui

import (
	"fmt"
	"strings"

	"peerphone/node"
	"peerphone/node/media"
)

// viewSound shows how the sound of the call travels: the figures of now, and
// a chart with the table that says the same.
func viewSound(p parts, c node.CallView) {
	m := c.Media
	p["call@data-sound"] = yes(m.Sent+m.Received > 0)
	p["call-delay"] = fmt.Sprintf("%.0f ms", m.MouthMS)
	p["call-buffer"] = fmt.Sprintf("%.0f ms", m.BufferMS)
	p["call-loss"] = fmt.Sprintf("%.1f %%", 100*float64(m.Lost)/float64(max(1, m.Received+m.Lost)))
	p["call-packets"] = fmt.Sprintf("%d packets sent, %d received, %d lost, %d late; %d ms of sound made up.", m.Sent, m.Received, m.Lost, m.Late, 10*m.Concealed)
	p["level-in"], p["bar-in@width"] = levelWords(m.LevelIn), bar(m.LevelIn)
	p["level-out"], p["bar-out@width"] = levelWords(m.LevelOut), bar(m.LevelOut)
	p["call-score"] = scoreWords(m.Now)
	chart(p, c.History)
}

func scoreWords(n media.Now) string {
	if n.MOS == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f", n.MOS)
}

// quietest is the level in dBFS below which the page says silent, and the
// left end of its bars.
const quietest = -70

func levelWords(dBFS float64) string {
	if dBFS <= quietest {
		return "silent"
	}
	return strings.Replace(fmt.Sprintf("%.0f", dBFS), "-", "−", 1)
}

// bar returns the width of a level's bar, in percent.
func bar(dBFS float64) string {
	return fmt.Sprintf("%.0f", 100*(min(max(dBFS, quietest), 0)-quietest)/-quietest)
}

// The chart's plane, in units of its viewBox (page.html).
const (
	chartLeft, chartRight = 34.0, 316.0
	chartTop, chartBottom = 8.0, 100.0
	chartPoints           = 71 // four units each; longer calls are drawn in stretches of some seconds
	tableRows             = 10
	// stretchedMuch is how many samples a second must be added or left out to be
	// worth a tick: 10 ms.
	stretchedMuch = samplesPerSecond / 100
	// samplesPerSecond is the rate at which sound is stretched.
	samplesPerSecond = 16000
)

// panel is a strip of the chart: a curve of one figure between two ends.
type panel struct {
	id          string
	top, bottom float64
	low, high   float64
	of          func(media.Second) float64
}

// panels lie below the plane of delays, in the order of the page.
var panels = []panel{
	{"score", 118, 148, 1, 4.5, func(s media.Second) float64 { return s.MOS }},
	{"up", 166, 196, 0, 8000, func(s media.Second) float64 { return float64(s.BytesUp) }},
	{"down", 166, 196, 0, 8000, func(s media.Second) float64 { return float64(s.BytesDown) }},
	{"skew", 214, 244, -200, 200, func(s media.Second) float64 { return s.SkewPPM }},
	{"you", 262, 292, quietest, 0, func(s media.Second) float64 { return s.LevelIn }},
	{"they", 262, 292, quietest, 0, func(s media.Second) float64 { return s.LevelOut }},
}

// draw returns the panel's curve; what lies beyond its ends is drawn there.
func (a panel) draw(points []media.Second, x func(at float64) float64) string {
	var line strings.Builder
	for _, s := range points {
		v := min(max(a.of(s), a.low), a.high)
		fmt.Fprintf(&line, "%.0f,%.0f ", x(s.At), a.bottom-(a.bottom-a.top)*(v-a.low)/(a.high-a.low))
	}
	return line.String()
}

// chart draws mouth to ear and buffer over the seconds of the call, a tick where packets
// were lost or sound was made up, a smaller one above where much was stretched,
// and the panels. There are at most chartPoints.
func chart(p parts, points []media.Second) {
	end, top := 0.0, 40.0
	for _, s := range points {
		end, top = max(end, s.At), max(top, s.MouthMS, s.BufferMS)
	}
	end, top = max(end, 10), roundUp(top)
	x := func(at float64) float64 { return chartLeft + (chartRight-chartLeft)*at/end }
	y := func(ms float64) float64 { return chartBottom - (chartBottom-chartTop)*max(ms, 0)/top }

	var delay, buffer, lost, stretched strings.Builder
	for _, s := range points {
		fmt.Fprintf(&delay, "%.0f,%.1f ", x(s.At), y(s.MouthMS))
		fmt.Fprintf(&buffer, "%.0f,%.1f ", x(s.At), y(s.BufferMS))
		if s.Lost+s.Concealed > 0 {
			fmt.Fprintf(&lost, "M%.0f %.0fv-7", x(s.At), chartBottom)
		}
		if s.Stretched > stretchedMuch {
			fmt.Fprintf(&stretched, "M%.0f %.0fv4", x(s.At), chartTop)
		}
	}
	for _, a := range panels {
		p[a.id+"@points"] = a.draw(points, x)
	}
	p["stretched@d"] = stretched.String()
	p["delay@points"], p["buffer@points"], p["lost@d"] = delay.String(), buffer.String(), lost.String()
	p["axis-top"], p["axis-half"], p["axis-end"] = fmt.Sprintf("%.0f ms", top), fmt.Sprintf("%.0f", top/2), clock(end)
	p["chart-says"] = chartWords(points)
	p["seconds"] = table(gather(points, tableRows))
}

func chartWords(points []media.Second) string {
	if len(points) == 0 {
		return "No call's seconds to show yet."
	}
	w := worst(points)
	return fmt.Sprintf("%s of a call: up to %.0f ms from mouth to ear, buffer up to %.0f ms, %d packets lost, %d ms of sound made up, score no worse than %s.",
		clock(w.At), w.MouthMS, w.BufferMS, w.Lost, 10*w.Concealed, scoreWords(w.Now))
}

func table(seconds []media.Second) [][]string {
	rows := make([][]string, len(seconds))
	for i, s := range seconds {
		rows[i] = []string{
			clock(s.At), fmt.Sprintf("%.0f", s.MouthMS), fmt.Sprintf("%.0f", s.BufferMS),
			fmt.Sprint(s.Lost), fmt.Sprint(10 * s.Concealed), fmt.Sprint(s.Stretched * 1000 / samplesPerSecond),
			fmt.Sprintf("%.0f", s.SkewPPM), fmt.Sprint(s.BytesUp), fmt.Sprint(s.BytesDown),
			fmt.Sprintf("%.0f", s.LevelIn), fmt.Sprintf("%.0f", s.LevelOut), fmt.Sprintf("%.0f", s.Score), scoreWords(s.Now),
		}
	}
	return rows
}

// gather brings the seconds of a call down to at most n stretches of equal
// length: the largest delay, buffer and level of each, the sum of its losses,
// the time of its end.
func gather(history []media.Second, n int) []media.Second {
	per := (len(history) + n - 1) / n
	if per <= 1 {
		return history
	}
	out := make([]media.Second, 0, n)
	for len(history) > 0 {
		k := min(per, len(history))
		out = append(out, worst(history[:k]))
		history = history[k:]
	}
	return out
}

func worst(stretch []media.Second) media.Second {
	w := stretch[0]
	for _, s := range stretch[1:] {
		w.At = s.At
		w.DelayMS, w.BufferMS = max(w.DelayMS, s.DelayMS), max(w.BufferMS, s.BufferMS)
		w.LevelIn, w.LevelOut = max(w.LevelIn, s.LevelIn), max(w.LevelOut, s.LevelOut)
		w.MouthMS, w.TargetMS = max(w.MouthMS, s.MouthMS), max(w.TargetMS, s.TargetMS)
		w.RTTMS, w.LossUp = max(w.RTTMS, s.RTTMS), max(w.LossUp, s.LossUp)
		w.BytesUp, w.BytesDown = max(w.BytesUp, s.BytesUp), max(w.BytesDown, s.BytesDown)
		if max(s.SkewPPM, -s.SkewPPM) > max(w.SkewPPM, -w.SkewPPM) {
			w.SkewPPM = s.SkewPPM
		}
		w.Stretched += s.Stretched
		if s.MOS > 0 && (w.MOS == 0 || s.MOS < w.MOS) {
			w.Score, w.MOS = s.Score, s.MOS
		}
		w.Lost += s.Lost
		w.Concealed += s.Concealed
	}
	return w
}

// roundUp returns the end of an axis that reaches at least to v: 1, 2, 4 or 8
// times a power of ten.
func roundUp(v float64) float64 {
	for base := 10.0; ; base *= 10 {
		for _, f := range []float64{1, 2, 4, 8} {
			if f*base >= v || base > 1e9 {
				return f * base
			}
		}
	}
}
