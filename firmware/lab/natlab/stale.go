package natlab

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// markName is the variable that programs of a lab carry. Its value says which
// process the lab belongs to, in four numbers: process ID, start time in clock
// ticks since boot, process ID namespace, and time of Open.
const markName = "PEERPHONE_NATLAB"

// newMark is unique to each lab of this machine since it started.
func newMark() (string, error) {
	started, alive := startTime(os.Getpid())
	pidSpace, err := pidSpace()
	if err != nil || !alive {
		return "", fmt.Errorf("natlab: /proc is not as it should be: %w", err)
	}
	return fmt.Sprintf("%d-%d-%d-%d", os.Getpid(), started, pidSpace, time.Now().UnixNano()), nil
}

// pidSpace is the namespace in which this process has its ID: those of others,
// as of a container, mean other processes.
func pidSpace() (uint64, error) {
	var st unix.Stat_t
	err := unix.Stat("/proc/self/ns/pid", &st)
	return st.Ino, err
}

// startTime reads field 22 of proc_pid_stat(5). alive is false when there is
// no such process, or it has ended and was not yet waited for.
func startTime(pid int) (ticks uint64, alive bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, !os.IsNotExist(err)
	}
	// The name, in parentheses, may hold anything; what follows does not.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const state, start = 0, 22 - 3 // field 3 is the first after the name
	if len(fields) <= start {
		return 0, true
	}
	ticks, _ = strconv.ParseUint(fields[start], 10, 64)
	return ticks, fields[state] != "Z" && fields[state] != "X"
}

// orphaned reports whether a process belongs to a lab whose process is gone.
// In doubt it does not.
func orphaned(p process) bool {
	var owner int
	var started, space, opened uint64
	if n, _ := fmt.Sscanf(p.mark(), "%d-%d-%d-%d", &owner, &started, &space, &opened); n != 4 || owner <= 0 {
		return false
	}
	if ours, err := pidSpace(); err != nil || space != ours {
		return false
	}
	ticks, alive := startTime(owner)
	return !alive || ticks != started
}

// process is a process ID.
type process int

// mark returns the mark that p was started with, or nothing.
func (p process) mark() string {
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p))
	if err != nil {
		return ""
	}
	for v := range bytes.SplitSeq(environ, []byte{0}) {
		if mark, ok := bytes.CutPrefix(v, []byte(markName+"=")); ok {
			return string(mark)
		}
	}
	return ""
}

// inside reports whether p runs in one of the namespaces.
func (p process) inside(spaces []*space) bool {
	var st unix.Stat_t
	if unix.Stat(fmt.Sprintf("/proc/%d/ns/net", p), &st) != nil {
		return false
	}
	return slices.ContainsFunc(spaces, func(s *space) bool { return s.inode == st.Ino })
}

// sweep kills every process but this one that belongs, and returns how many
// did.
func sweep(belongs func(process) bool) (n int) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil || pid == os.Getpid() || !belongs(process(pid)) {
			continue
		}
		if unix.Kill(pid, unix.SIGKILL) == nil {
			n++
		}
	}
	return n
}

// endPrograms kills what belongs to the lab, programs that were started in it
// and what those have started, and waits until it is gone.
func endPrograms(belongs func(process) bool) error {
	for range 500 {
		if sweep(belongs) == 0 {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("natlab: %d programs do not end", sweep(belongs))
}
