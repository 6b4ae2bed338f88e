package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

const (
	// minThreads lets Linux, not Go, decide who runs: with one thread a
	// handshake would hold the audio up for as long as it takes.
	minThreads = 4
	// memoryLimit makes the collector work harder rather than let a phone, which
	// needs about 15 MB, grow on a board with 512 MB.
	memoryLimit = 64 << 20
)

// tuneRuntime sets Go up for a small board. The environment (GOMAXPROCS,
// GOMEMLIMIT) wins.
func tuneRuntime() {
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) < minThreads {
		runtime.GOMAXPROCS(minThreads)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}
