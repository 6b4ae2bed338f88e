package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"peerphone/firmware/lab/plot"
	"peerphone/firmware/lab/wav"
	"peerphone/node/media/jitter"
	"peerphone/node/media/trace"
)

// jitterEar keeps what a Player's listener hears.
type jitterEar struct {
	pcm    []int16
	buffer []plot.Point // what waits, and what should
	target []plot.Point
	made   []plot.Point // concealed, per second
	before uint64
}

func (e *jitterEar) listen(at time.Duration, s jitter.Sound, pcm []int16, b *jitter.Buffer) {
	e.pcm = append(e.pcm, pcm...)
	x := at.Seconds()
	if n := len(e.pcm) / jitter.Unit; n%10 == 0 {
		e.target = append(e.target, plot.Point{X: x, Y: ms(b.Target())})
		e.buffer = append(e.buffer, plot.Point{X: x, Y: ms(s.Buffer)})
	}
	if n := len(e.pcm) / jitter.Unit; n%100 == 0 {
		c := b.Counters().MadeUp
		e.made = append(e.made, plot.Point{X: x - 1, Y: float64(c-e.before) * 1e3 / jitter.Rate})
		e.before = c
	}
}

// save writes the files that were asked for.
func (e *jitterEar) save(c jitterCommand, r trace.Result) error {
	if c.Out != "" {
		file := wav.AppendFile(nil, wav.Sound{Rate: jitter.Rate, PCM: e.pcm})
		if err := os.WriteFile(c.Out, file, 0o644); err != nil {
			return err
		}
	}
	if c.Plot == "" {
		return nil
	}
	name := strings.TrimSuffix(filepath.Base(c.Trace), filepath.Ext(c.Trace))
	return os.WriteFile(c.Plot, e.plot(name, r), 0o644)
}

func (e *jitterEar) plot(name string, r trace.Result) []byte {
	says := fmt.Sprintf("Mean delay %.1f ms, %.2f %% concealed, %.2f %% stretched.", r.MeanDelay, 100*r.Concealed, 100*r.Stretched)
	return plot.Figure{
		Title:       "The jitter buffer on " + name,
		Subtitle:    says,
		Description: says + " From top to bottom over time: how long sound is meant to wait above the fastest packet, how much waits, and what was made up.",
		Seconds:     float64(len(e.pcm)) / jitter.Rate,
		XLabel:      "seconds",
		Panels: []plot.Panel{
			{Title: "Wait aimed at, above the fastest packet, ms", Height: 130, High: 60,
				Series: []plot.Series{{Name: "target", Color: thereColor, Points: e.target}}},
			{Title: "Sound waiting, ms", Height: 90, High: 60,
				Series: []plot.Series{{Name: "buffer", Color: backColor, Points: e.buffer}}},
			{Title: "Made up, ms per second", Height: 72, High: 40, Whole: true, Empty: "none",
				Series: []plot.Series{{Name: "made up", Color: thereColor, Kind: plot.Bars, Points: e.made}}},
		},
	}.SVG()
}
