package main

import (
	"fmt"
	"os"

	"peerphone/firmware/lab/judge"
	"peerphone/firmware/lab/speech"
	"peerphone/firmware/lab/wav"
)

// maxInput bounds a recording of the user's, in bytes: ten minutes of the
// largest format.
const maxInput = 120 << 20

// readInput reads a recording of the user's as a microphone delivers it. Its
// errors are one line with the name of the file and the reason.
func readInput(name string) ([]int16, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: is no file", name)
	case info.Size() > maxInput:
		return nil, fmt.Errorf("%s: is too long: %d MB, the most is %d MB", name, info.Size()>>20, maxInput>>20)
	}
	file, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	s, err := wav.Parse(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s.At(judge.Rate).PCM, nil
}

// microphones returns what the kitchen and the workshop say: the recordings of
// the program, or for the kitchen one of the user's. If that is the very one
// that the workshop would say, the workshop takes the kitchen's, so that the
// two differ.
func microphones(name string) (kitchen, workshop []byte, err error) {
	if name == "" {
		return speech.Kitchen, speech.Workshop, nil
	}
	pcm, err := readInput(name)
	if err != nil {
		return nil, nil, errUsage{err}
	}
	kitchen, workshop = wav.AppendFile(nil, wav.Sound{Rate: judge.Rate, PCM: pcm}), speech.Workshop
	ours, err := wav.Parse(workshop)
	if err != nil {
		return nil, nil, err
	}
	if judge.Alike(pcm, ours.PCM) {
		workshop = speech.Kitchen
	}
	return kitchen, workshop, nil
}
