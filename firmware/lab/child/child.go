// Package child runs the processes of a network so that none outlives the
// program that started it: not a Ctrl-C, not a panic, not a SIGKILL.
//
// Three things see to that. Every child asks the kernel for a SIGKILL when the
// thread that started it ends (Pdeathsig), and that thread lives as long as
// the program. All children are in the process group of one keeper, which
// holds the end of a pipe and kills the group when the other end closes,
// whatever closed it. And Stop ends them in order and waits.
package child

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Spec says what to run.
type Spec struct {
	Name string   // for people
	Path string   // of the program
	Args []string // without the program's name
	Log  string   // file that takes what it writes to stderr; begun anew
}

// Child is one running process.
type Child struct {
	// constant after Start
	spec Spec
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended and all it printed was read

	mu      sync.Mutex
	lines   [][]byte      // printed on stdout, guarded by mu
	printed chan struct{} // closed and replaced at each line, guarded by mu
	status  error         // how it ended, guarded by mu
}

// maxLines bounds what is kept of a child's stdout; further lines are dropped.
const maxLines = 10_000

// Died says that a child has ended by itself.
type Died struct {
	Name   string
	Status string   // as the operating system tells it
	Last   []string // lines of its log
	Log    string   // the file
}

func (d *Died) Error() string {
	s := fmt.Sprintf("%s has ended (%s)", d.Name, d.Status)
	if len(d.Last) > 0 {
		s += "; the last lines of " + d.Log + ":\n" + indent(d.Last)
	}
	return s
}

func indent(lines []string) string { return "    " + strings.Join(lines, "\n    ") }

// tailLines is how much of a log is told to a person.
const tailLines = 12

// start runs on the group's own thread.
func start(spec Spec, group int) (*Child, error) {
	log, err := os.Create(spec.Log)
	if err != nil {
		return nil, fmt.Errorf("child: %s: %w", spec.Name, err)
	}
	defer log.Close() // the child has its own
	c := &Child{spec: spec, done: make(chan struct{}), printed: make(chan struct{})}
	c.cmd = exec.Command(spec.Path, spec.Args...)
	c.cmd.Stderr = log
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: group, Pdeathsig: syscall.SIGKILL}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("child: %s: %w", spec.Name, err)
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("child: %s: %w", spec.Name, err)
	}
	go c.follow(out) // owned by c; ends with the process, Stop waits for it
	return c, nil
}

// add keeps one line of stdout.
func (c *Child) add(line []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.lines) < maxLines {
		c.lines = append(c.lines, line)
	}
	close(c.printed)
	c.printed = make(chan struct{})
}

func (c *Child) ended(err error) {
	c.mu.Lock()
	c.status = err
	c.mu.Unlock()
	close(c.done)
}

// since returns the lines from one on, and what will be closed at the next.
func (c *Child) since(n int) ([][]byte, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lines[n:], c.printed
}

// Await waits for the first line on stdout, from its start, that match
// accepts. It returns a *Died if the child ends before, or the context's error.
func (c *Child) Await(ctx context.Context, match func(line []byte) bool) error {
	for seen := 0; ; {
		over := false
		select {
		case <-c.done:
			over = true
		default:
		}
		lines, next := c.since(seen)
		for _, line := range lines {
			if match(line) {
				return nil
			}
		}
		seen += len(lines)
		if over {
			return c.Err()
		}
		select {
		case <-next:
		case <-c.done:
		case <-ctx.Done():
			return fmt.Errorf("child: %s: %w", c.spec.Name, ctx.Err())
		}
	}
}

// Done is closed when the child has ended.
func (c *Child) Done() <-chan struct{} { return c.done }

// Name is what Spec called it.
func (c *Child) Name() string { return c.spec.Name }

// Tail returns the last lines of its log, for a message.
func (c *Child) Tail() string { return indent(Tail(c.spec.Log, tailLines)) }

// Pid is the child's process ID.
func (c *Child) Pid() int { return c.cmd.Process.Pid }

// Err returns a *Died once the child has ended, else nil.
func (c *Child) Err() error {
	select {
	case <-c.done:
	default:
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	status := "exit status 0"
	if c.status != nil {
		status = c.status.Error()
	}
	return &Died{Name: c.spec.Name, Status: status, Last: Tail(c.spec.Log, tailLines), Log: c.spec.Log}
}

// Stop asks the child to end, kills it when it has not after patience, and
// waits for it.
func (c *Child) Stop(patience time.Duration) {
	c.signal(syscall.SIGTERM)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-c.done:
		return
	case <-timer.C:
	}
	c.signal(syscall.SIGKILL)
	<-c.done
}

func (c *Child) signal(s syscall.Signal) {
	if err := c.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		fmt.Fprintf(os.Stderr, "child: %s: %v\n", c.spec.Name, err)
	}
}
