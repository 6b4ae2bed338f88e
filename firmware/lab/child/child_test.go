package child

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMain lets this test program play every part: a keeper, children of
// several characters, and a parent to be killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		play(os.Args[1], os.Args[2:])
	}
	os.Exit(m.Run())
}

func play(part string, args []string) {
	switch part {
	case "keeper":
		Keep()
	case "obedient": // prints its ID and waits for a signal
		fmt.Println("ready", os.Getpid())
		time.Sleep(time.Hour)
	case "stubborn": // does not end when asked to
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ready", os.Getpid())
		time.Sleep(time.Hour)
	case "deaf": // has told the kernel not to kill it with its parent
		if err := unix.Prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0); err != nil {
			panic(err)
		}
		fmt.Println("ready", os.Getpid())
		time.Sleep(time.Hour)
	case "failing":
		fmt.Fprintln(os.Stderr, "first words")
		fmt.Fprintln(os.Stderr, "the door is locked")
		os.Exit(3)
	case "chatty":
		fmt.Println(strings.Repeat("x", maxLine+1))
		fmt.Println(strings.Repeat("y", 10*maxLine))
		os.Exit(0)
	case "parent": // of the children named, in a folder; prints their IDs
		parent(args[0], args[1:])
	}
}

func parent(dir string, parts []string) {
	g, err := NewGroup(os.Args[0], "keeper")
	if err != nil {
		panic(err)
	}
	for _, part := range parts {
		c, err := g.Start(Spec{Name: part, Path: os.Args[0], Args: []string{part}, Log: filepath.Join(dir, part+".log")})
		if err != nil {
			panic(err)
		}
		if err := c.Await(context.Background(), ready); err != nil {
			panic(err)
		}
		fmt.Println(c.Pid())
	}
	fmt.Println("started")
	time.Sleep(time.Hour)
}

func ready(line []byte) bool { return bytes.HasPrefix(line, []byte("ready")) }

type groupTest struct {
	*testing.T
	*Group
	dir string
}

func newTest(t *testing.T) *groupTest {
	t.Helper()
	g, err := NewGroup(os.Args[0], "keeper")
	if err != nil {
		t.Fatal(err)
	}
	return &groupTest{T: t, Group: g, dir: t.TempDir()}
}

func (t *groupTest) start(part string) *Child {
	t.Helper()
	c, err := t.Start(Spec{Name: part, Path: os.Args[0], Args: []string{part}, Log: filepath.Join(t.dir, part+".log")})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (t *groupTest) await(c *Child) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := c.Await(ctx, ready); err != nil {
		t.Fatal(err)
	}
}

func (t *groupTest) stop() {
	t.Helper()
	if err := t.Stop(); err != nil {
		t.Errorf("Stop: %v", err)
	}
}

// alive reports whether a process runs; one that has ended but was not yet
// waited for does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	after := stat[bytes.LastIndexByte(stat, ')')+1:]
	return !strings.HasPrefix(strings.TrimSpace(string(after)), "Z")
}

// wantGone waits up to ten seconds.
func wantGone(t *testing.T, pid int, who string) {
	t.Helper()
	for range 1000 {
		if !alive(pid) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%s (process %d) still runs", who, pid)
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

func TestStopEndsAll(t *testing.T) {
	g := newTest(t)
	first, second := g.start("obedient"), g.start("obedient")
	g.await(first)
	g.await(second)
	g.stop()
	for _, c := range []*Child{first, second} {
		if alive(c.Pid()) {
			t.Errorf("process %d runs after Stop", c.Pid())
		}
	}
}

func TestStubbornChildIsKilled(t *testing.T) {
	g := newTest(t)
	defer g.stop()
	c := g.start("stubborn")
	g.await(c)
	c.Stop(50 * time.Millisecond)
	if alive(c.Pid()) {
		t.Error("it still runs")
	}
}

func TestDied(t *testing.T) {
	g := newTest(t)
	defer g.stop()
	c := g.start("failing")
	err := c.Await(context.Background(), ready)
	var died *Died
	if !errors.As(err, &died) {
		t.Fatalf("Await: %v, want a *Died", err)
	}
	if died.Name != "failing" || died.Status != "exit status 3" {
		t.Errorf("got %q, %q", died.Name, died.Status)
	}
	if n := len(died.Last); n != 2 || died.Last[1] != "the door is locked" {
		t.Errorf("last lines %q", died.Last)
	}
	if !strings.Contains(err.Error(), "the door is locked") {
		t.Errorf("%q does not tell the last line", err)
	}
	if g.Err() == nil {
		t.Error("the group does not know that a child has died")
	}
}

func TestAwaitIsBounded(t *testing.T) {
	g := newTest(t)
	defer g.stop()
	c := g.start("obedient")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := c.Await(ctx, func([]byte) bool { return false }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Await: %v, want the deadline", err)
	}
}

// TestLongLine: a child that prints without end must not block, nor fill us.
func TestLongLine(t *testing.T) {
	g := newTest(t)
	defer g.stop()
	c := g.start("chatty")
	select {
	case <-c.Done():
	case <-time.After(time.Minute):
		t.Fatal("it is blocked")
	}
}

func TestNoProgram(t *testing.T) {
	g := newTest(t)
	defer g.stop()
	_, err := g.Start(Spec{Name: "ghost", Path: "/no/such/program", Log: filepath.Join(g.dir, "log")})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Start: %v, want ErrNotExist", err)
	}
}

// TestParentKilled kills a parent with SIGKILL: its children must go with it,
// by the kernel's promise or, where that does not hold, by the keeper.
func TestParentKilled(t *testing.T) {
	for _, part := range []string{"obedient", "stubborn", "deaf"} {
		t.Run(part, func(t *testing.T) { killParent(t, part) })
	}
}

func killParent(t *testing.T, part string) {
	cmd := exec.Command(os.Args[0], "parent", t.TempDir(), part, "obedient")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []int
	for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "started"; {
		pid, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	if len(pids) != 2 || !alive(pids[0]) || !alive(pids[1]) {
		t.Fatalf("children %v do not run", pids)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	for _, pid := range pids {
		wantGone(t, pid, "a child of the dead parent")
	}
}

func TestTail(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	text := strings.Repeat("a line of some length\n", 5000) + "last\n"
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := Tail(name, 2)
	if len(got) != 2 || got[1] != "last" || got[0] != "a line of some length" {
		t.Errorf("got %q", got)
	}
	if got := Tail(name+"x", 2); got != nil {
		t.Errorf("a missing file has %q", got)
	}
}
