package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// procUsage is what a process has used.
type procUsage struct {
	cpu    time.Duration // of all its threads
	memory int64         // bytes that it shares with nobody and has written to
}

// usageOf reads proc(5): the scheduler's account of each thread, which is
// exact where utime and stime are sampled, and smaps_rollup.
func usageOf(pid int) (u procUsage, err error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(threads) == 0 {
		return u, fmt.Errorf("process %d: no schedstat in /proc", pid)
	}
	for _, name := range threads {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // the thread has ended
		}
		ran, err := strconv.ParseInt(string(bytes.Fields(text)[0]), 10, 64)
		if err != nil {
			return u, fmt.Errorf("%s: %w", name, err)
		}
		u.cpu += time.Duration(ran)
	}
	u.memory, err = privateMemory(pid)
	return u, err
}

func privateMemory(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(text) {
		if f := bytes.Fields(line); len(f) == 3 && string(f[0]) == "Private_Dirty:" {
			kB, err := strconv.ParseInt(string(f[1]), 10, 64)
			return kB << 10, err
		}
	}
	return 0, fmt.Errorf("process %d: no Private_Dirty in smaps_rollup", pid)
}
