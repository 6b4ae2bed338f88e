package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"peerphone/firmware/lab/judge"
	"peerphone/hal"
	"peerphone/hal/sim"
)

// readStamps reads a file of the simulated sound card: lines of a sample's
// place and its time. Places that begin anew are a stream opened anew; only
// the last stream is returned.
func readStamps(name string) ([]judge.Stamp, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var stamps []judge.Stamp
	for line := range bytes.Lines(text) {
		f := bytes.Fields(line)
		if len(f) != 2 {
			return nil, fmt.Errorf("%s: line %q: want a place and a time", name, line)
		}
		sample, err1 := strconv.ParseInt(string(f[0]), 10, 32)
		at, err2 := strconv.ParseInt(string(f[1]), 10, 64)
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("%s: line %q: want a place and a time", name, line)
		}
		if n := len(stamps); n > 0 && int(sample) <= stamps[n-1].Sample {
			stamps = stamps[:0]
		}
		stamps = append(stamps, judge.Stamp{Sample: int(sample), At: hal.Instant(at)})
	}
	if len(stamps) == 0 {
		return nil, fmt.Errorf("%s: the sound card was never used", name)
	}
	return stamps, nil
}

// readSaid returns what a phone's microphone captured since it was opened last:
// its recording, over and over.
func readSaid(f folder) (judge.Track, error) {
	stamps, err := readStamps(f.path(micStamps))
	if err != nil {
		return judge.Track{}, err
	}
	mic, err := sim.ReadWAV(f.path(micFile))
	if err != nil {
		return judge.Track{}, err
	}
	const period = judge.Rate / 100
	pcm := make([]int16, stamps[len(stamps)-1].Sample+period)
	for i := range pcm {
		pcm[i] = mic.PCM[i%len(mic.PCM)]
	}
	return judge.Track{PCM: pcm, Stamps: stamps}, nil
}

// readHeard returns what a phone's speaker played.
func readHeard(f folder) (judge.Track, error) {
	stamps, err := readStamps(f.path(speakerStamps))
	if err != nil {
		return judge.Track{}, err
	}
	w, err := sim.ReadWAV(f.path(speakerFile))
	if err != nil {
		return judge.Track{}, err
	}
	if w.Rate != judge.Rate {
		return judge.Track{}, fmt.Errorf("%s: %d Hz, want %d", f.path(speakerFile), w.Rate, judge.Rate)
	}
	return judge.Track{PCM: w.PCM, Stamps: stamps}, nil
}
