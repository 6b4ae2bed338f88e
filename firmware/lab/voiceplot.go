package main

import (
	"fmt"

	"peerphone/firmware/lab/plot"
	"peerphone/node/media"
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
		Description: says + " From top to bottom over time: the score, delay and its target, what was made up, and what was sent.",
		Panels: []plot.Panel{
			{Title: "Mean opinion score, E-model", Height: 90, Low: 1, High: 4.5,
				Series: []plot.Series{series("score", thereColor, plot.Line, func(s media.Second) float64 { return s.MOS })}},
			{Title: "Delay, ms", Height: 130, High: 100, Series: []plot.Series{
				series("mouth to ear", thereColor, plot.Line, func(s media.Second) float64 { return s.MouthMS }),
				series("buffer's target", backColor, plot.Line, func(s media.Second) float64 { return s.TargetMS })}},
			{Title: "Made up, ms per second", Height: 72, High: 40, Whole: true, Empty: "none",
				Series: []plot.Series{series("made up", thereColor, plot.Bars, func(s media.Second) float64 { return 10 * float64(s.Concealed) })}},
			{Title: "Bytes per second with all headers", Height: 110, High: 5000, Series: []plot.Series{
				series("heard", thereColor, plot.Line, func(s media.Second) float64 { return float64(s.BytesDown) }),
				series("sent", backColor, plot.Line, func(s media.Second) float64 { return float64(s.BytesUp) })}},
		},
	}
}
