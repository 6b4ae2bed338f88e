package main

import (
	"fmt"
	"math"

	"peerphone/firmware/lab/judge"
	"peerphone/firmware/lab/plot"
	"peerphone/node/media"
)

// Colours of the two directions, which differ for most eyes and in grey.
const (
	thereColor = "#1d6fb8"
	backColor  = "#d9730d"
	saidColor  = "#ccd6df"
)

// plot draws the call: delay, buffer, loss, and levels.
func (c *callRecord) plot(there, back *way) []byte {
	arrow := func(w *way) string { return w.from + " → " + w.to }
	seconds := c.to.Sub(c.from).Seconds()
	series := func(kind plot.Kind, of func(media.Second) float64) []plot.Series {
		return []plot.Series{
			{Name: arrow(there), Color: thereColor, Kind: kind, Points: c.history(c.workshop, of)},
			{Name: arrow(back), Color: backColor, Kind: kind, Points: c.history(c.kitchen, of)},
		}
	}
	return plot.Figure{
		Title:       fmt.Sprintf("A call from %s to %s", c.kitchen.name, c.workshop.name),
		Subtitle:    c.summary(there, back),
		Description: c.summary(there, back) + " From top to bottom over the time of the call: delay from mouth to ear, sound waiting in the jitter buffers, lost packets and concealed frames, and the levels of what was said and heard in both directions.",
		Seconds:     seconds,
		XLabel:      "seconds since both talk",
		Panels: []plot.Panel{
			{Title: "Delay from mouth to ear, ms", Height: 130, High: 100,
				Limits: []plot.Limit{{Y: earGoal, Label: "at most 120 ms"}},
				Series: []plot.Series{
					{Name: arrow(there), Color: thereColor, Points: delays(there)},
					{Name: arrow(back), Color: backColor, Points: delays(back)},
				}},
			{Title: "Sound waiting in the jitter buffer, ms", Height: 90, High: 60,
				Series: series(plot.Step, func(s media.Second) float64 { return s.BufferMS })},
			{Title: "Lost packets and concealed frames, per second", Height: 72, High: 5, Whole: true, Empty: "none",
				Series: series(plot.Bars, func(s media.Second) float64 { return float64(s.Lost + s.Concealed) })},
			levels("Level, "+arrow(there)+", dBFS", there, thereColor),
			levels("Level, "+arrow(back)+", dBFS", back, backColor),
		},
	}.SVG()
}

// summary is the call in a line.
func (c *callRecord) summary(there, back *way) string {
	r := c.report(there, back)
	path := "a direct path"
	if r.Relayed {
		path = "a supernode"
	}
	return fmt.Sprintf("%.1f s over %s, %s, %.1f kB/s each way; %.0f ms from mouth to ear; similarity %.3f; %d frames concealed.",
		c.to.Sub(c.from).Seconds(), path, r.Codec, r.BytesUpPerS/1000, r.MouthToEarMS, r.Similarity, r.Concealed)
}

// history returns one figure of each second of the call. A phone counts from
// when its sound began, which was just before both talked.
func (c *callRecord) history(e end, of func(media.Second) float64) []plot.Point {
	began := c.to.Sub(c.from).Seconds() - e.state.Call.Media.Seconds
	var points []plot.Point
	for _, s := range e.state.Call.History {
		points = append(points, plot.Point{X: max(0, began+s.At-1), Y: of(s)}) // At is when the second was over
	}
	return points
}

func delays(w *way) []plot.Point {
	var points []plot.Point
	for _, d := range w.verdict.Delays {
		points = append(points, plot.Point{X: d.At.Seconds(), Y: ms(d.Delay)})
	}
	return points
}

// quietest is the lower edge of the levels, in dBFS.
const quietest = -60.0

// levels shows what was said as an area and what was heard as a line over it,
// later by the delay.
func levels(title string, w *way, color string) plot.Panel {
	return plot.Panel{
		Title: title, Height: 96, Low: quietest, High: 0,
		Series: []plot.Series{
			{Name: "said", Color: saidColor, Kind: plot.Area, Points: envelope(w.captured)},
			{Name: "heard", Color: color, Points: envelope(w.heard)},
		},
	}
}

// envelope returns the level of a track each 40 ms.
func envelope(t judge.Track) []plot.Point {
	const step = judge.Rate / 25
	var points []plot.Point
	for at := 0; at+step <= len(t.PCM); at += step {
		points = append(points, plot.Point{X: float64(at) / judge.Rate, Y: max(quietest, judge.Level(t.PCM[at:at+step]))})
	}
	return thinned(points)
}

// thinned keeps a long call's drawing small: the loudest of as many points as
// share a pixel.
func thinned(points []plot.Point) []plot.Point {
	const most = 1000
	n := (len(points) + most - 1) / most
	if n <= 1 {
		return points
	}
	var few []plot.Point
	for i := 0; i < len(points); i += n {
		loudest := plot.Point{X: points[i].X, Y: math.Inf(-1)}
		for _, p := range points[i:min(i+n, len(points))] {
			loudest.Y = max(loudest.Y, p.Y)
		}
		few = append(few, loudest)
	}
	return few
}
