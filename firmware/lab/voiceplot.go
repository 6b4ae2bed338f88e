package main

import (
	"fmt"

	"peerphone/firmware/lab/plot"
	"peerphone/node/media"
	"peerphone/node/media/emodel"
	"peerphone/node/media/jitter"
)

// recordPlot draws the record of a call: what one end heard, second by second.
func recordPlot(title string, history []media.Second) plot.Figure {
	series := func(name, color string, kind plot.Kind, of func(media.Second) float64) plot.Series {
		s := plot.Series{Name: name, Color: color, Kind: kind}
		for _, h := range history {
			x := h.At
			if kind == plot.Bars {
				x = h.At - 1
			}
			s.Points = append(s.Points, plot.Point{X: x, Y: of(h)})
		}
		return s
	}
	seconds, mos, delay := 1., 0., 0.
	for _, h := range history {
		seconds = h.At
		mos += h.MOS / float64(len(history))
		delay += h.MouthMS / float64(len(history))
	}
	says := fmt.Sprintf("Mean opinion %.2f of 4.5 by the E-model, %.0f ms from mouth to ear.", mos, delay)
	return plot.Figure{
		Title: title, Subtitle: says, Seconds: seconds, XLabel: "seconds",
		Description: says + " From top to bottom over time: the score, the delay and the sound that waits, what was made up, stretched and lost, the clocks, what was sent, and how loud it was.",
		Panels: []plot.Panel{
			{Title: "Score, R of the E-model", Height: 90, High: emodel.Perfect,
				Series: []plot.Series{series("score", thereColor, plot.Line, func(s media.Second) float64 { return s.Score })}},
			{Title: "Delay, ms", Height: 130, High: 100, Series: []plot.Series{
				series("mouth to ear", thereColor, plot.Line, func(s media.Second) float64 { return s.MouthMS }),
				series("waiting in the buffer", backColor, plot.Line, func(s media.Second) float64 { return s.BufferMS })}},
			{Title: "Made up, ms per second", Height: 60, High: 40, Whole: true, Empty: "none",
				Series: []plot.Series{series("made up", thereColor, plot.Bars, func(s media.Second) float64 { return 10 * float64(s.Concealed) })}},
			{Title: "Stretched, ms per second", Height: 60, High: 40, Whole: true, Empty: "none",
				Series: []plot.Series{series("stretched", backColor, plot.Bars, func(s media.Second) float64 { return float64(s.Stretched) * 1000 / jitter.Rate })}},
			{Title: "Lost, packets per second", Height: 60, High: 4, Whole: true, Empty: "none",
				Series: []plot.Series{series("lost", thereColor, plot.Bars, func(s media.Second) float64 { return float64(s.Lost) })}},
			{Title: "Clocks apart, millionths", Height: 60, Low: -100, High: 100,
				Series: []plot.Series{series("skew", thereColor, plot.Line, func(s media.Second) float64 { return s.SkewPPM })}},
			{Title: "Bytes per second with all headers", Height: 90, High: 5000, Series: []plot.Series{
				series("heard", thereColor, plot.Line, func(s media.Second) float64 { return float64(s.BytesDown) }),
				series("sent", backColor, plot.Line, func(s media.Second) float64 { return float64(s.BytesUp) })}},
			{Title: "Level, dBFS", Height: 70, Low: -70, High: 0, Series: []plot.Series{
				series("heard", thereColor, plot.Line, func(s media.Second) float64 { return max(-70, s.LevelOut) }),
				series("sent", backColor, plot.Line, func(s media.Second) float64 { return max(-70, s.LevelIn) })}},
		},
	}
}
