package main

import (
	"fmt"
	"io"
	"time"
)

// steps prints what happens as it happens, each line with its time.
type steps struct {
	w     io.Writer
	start time.Time
}

func newSteps(w io.Writer) *steps { return &steps{w: w, start: time.Now()} }

// say prints one step: who, and what happened.
func (s *steps) say(who, format string, args ...any) {
	fmt.Fprintf(s.w, "%8.3f s  %-13s %s\n", time.Since(s.start).Seconds(), who, fmt.Sprintf(format, args...))
}
