package media

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// audioNice is the priority of the two audio threads: above everything else
// that runs here, below what the kernel needs.
const audioNice = -15

// Urgent binds the goroutine to a thread of its own and asks for its priority.
// Without the right to ask, the thread stays as it is. The thread ends with the
// goroutine, so the priority does not leak. The reader of a socket that carries
// sound does well to be as urgent as the two goroutines of the sound card; the
// README has what was measured.
func Urgent() {
	runtime.LockOSThread()
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), audioNice)
}
