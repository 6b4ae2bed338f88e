package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The tests here run the programs as a person does. They take some seconds
// each; go test -short leaves them out.

// built makes the three programs once, with what make has compiled, and returns
// their folder.
var built = sync.OnceValues(func() (dir string, err error) {
	if err := lookAtSources(); err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp("", "lab-test-"); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", dir+"/", "peerphone/firmware/peerphone", "peerphone/firmware/loginserver", "peerphone/firmware/lab")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return dir, nil
})

// lookAtSources opens what the programs are made of: the test cache takes note
// of files that a test opens, but not of those that a build opens for it.
func lookAtSources() error {
	return filepath.WalkDir("../..", func(name string, d fs.DirEntry, err error) error {
		hidden := strings.HasPrefix(d.Name(), ".") && d.Name() != ".."
		if err == nil && d.IsDir() && (hidden || d.Name() == "out" || d.Name() == "bin") && name != "../.." {
			return filepath.SkipDir
		}
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		return f.Close()
	})
}

func TestMain(m *testing.M) {
	code := m.Run()
	if ran.Load() { // else asking would build
		if dir, err := built(); err == nil {
			os.RemoveAll(dir)
		}
	}
	os.Exit(code)
}

// ran tells TestMain that there is something to remove.
var ran atomic.Bool

// lab returns a command line of the lab.
func lab(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	if testing.Short() {
		t.Skip("runs whole networks")
	}
	ran.Store(true)
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(dir, "lab"), args...)
	cmd.Dir = t.TempDir()
	return cmd
}

// exitCode runs a command and returns its exit code and all that it printed.
func exitCode(t *testing.T, cmd *exec.Cmd) (code int, printed string) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// TestMutedDemoFails: a call in which nothing is heard must not pass.
func TestMutedDemoFails(t *testing.T) {
	t.Parallel() // it mostly waits
	cmd := lab(t, "demo", "-mute", "--seconds", "4")
	code, printed := exitCode(t, cmd)
	if code != exitFailure {
		t.Errorf("exit code %d, want %d", code, exitFailure)
	}
	for _, want := range []string{"both          talk", "what was said did not come out", "from the kitchen to the workshop: 0.0 s were heard"} {
		if !strings.Contains(printed, want) {
			t.Errorf("it does not print %q", want)
		}
	}
	if strings.Contains(printed, "from the workshop to the kitchen: 0.0 s") {
		t.Error("the other way, which is not muted, was silent too")
	}
	if t.Failed() {
		t.Log(printed)
	}
}

// TestBadRecording: one line with the name and the reason, and exit 2.
func TestBadRecording(t *testing.T) {
	cmd := lab(t, "demo", "--wav", "letter.wav")
	if err := os.WriteFile(filepath.Join(cmd.Dir, "letter.wav"), []byte("Dear Margaret"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, printed := exitCode(t, cmd)
	if want := "lab: letter.wav: is no WAV file\n"; code != exitUsage || printed != want {
		t.Errorf("exit code %d, %q, want %d, %q", code, printed, exitUsage, want)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"fly"}, {"demo", "--seconds", "1"}, {"up", "--kitchen-port", "5", "--workshop-port", "5"}, {"up", "--kitchen-port", "70000"}} {
		if code, printed := exitCode(t, lab(t, args...)); code != exitUsage || !strings.HasPrefix(printed, "lab: ") {
			t.Errorf("lab %v: exit code %d, want %d: %s", args, code, exitUsage, printed)
		}
	}
}

// TestUpWithoutItsPort says what is wrong before anything is started.
func TestUpWithoutItsPort(t *testing.T) {
	port := taken(t)
	cmd := lab(t, "up", "--kitchen-port", fmt.Sprint(port), "--workshop-port", "0", "--dir", "run")
	code, printed := exitCode(t, cmd)
	if code != exitFailure || !strings.Contains(printed, fmt.Sprintf("port %d", port)) {
		t.Errorf("exit code %d: %s", code, printed)
	}
	if _, err := os.Stat(filepath.Join(cmd.Dir, "run")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("it has begun to write")
	}
}

// upTest is a running `lab up`.
type upTest struct {
	*testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner
	log   bytes.Buffer
}

// up starts a network in a folder and waits until it is ready.
func up(t *testing.T, dir string, args ...string) *upTest {
	t.Helper()
	u := &upTest{T: t, cmd: lab(t, append([]string{"up", "--kitchen-port", "0", "--workshop-port", "0", "--dir", dir}, args...)...)}
	out, err := u.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	u.cmd.Stderr = &u.log
	if err := u.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = u.cmd.Process.Kill() }) // if the test has failed
	u.lines = bufio.NewScanner(out)
	u.awaitLine("Ctrl-C ends everything.")
	return u
}

func (t *upTest) awaitLine(want string) {
	t.Helper()
	var seen []string
	for t.lines.Scan() {
		if strings.Contains(t.lines.Text(), want) {
			return
		}
		seen = append(seen, t.lines.Text())
	}
	_ = t.cmd.Wait() // completes the log
	t.Fatalf("it did not print %q:\n%s\n%s", want, strings.Join(seen, "\n"), t.log.String())
}

// processes returns the processes whose command line names a folder.
func processes(t *testing.T, dir string) (pids []int) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		line, err := os.ReadFile(file) // it may have ended meanwhile
		pid := 0
		if _, e := fmt.Sscanf(file, "/proc/%d/", &pid); err == nil && e == nil && bytes.Contains(line, []byte(dir)) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// wantNone waits up to ten seconds until no process works in a folder.
func wantNone(t *testing.T, dir string) {
	t.Helper()
	var left []int
	for range 100 {
		if left = processes(t, dir); len(left) == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("processes %v still run", left)
}

// TestUp starts a network, ends it as Ctrl-C does, and starts it again with
// the same accounts.
func TestUp(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	for range 2 {
		u := up(t, dir)
		if n := len(processes(t, dir)); n != 7 { // lab, login server, three supernodes, two phones
			t.Errorf("%d processes, want 7", n)
		}
		if err := u.cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, readerOf(u.lines)); err != nil {
			t.Fatal(err)
		}
		if err := u.cmd.Wait(); err != nil {
			t.Errorf("after Ctrl-C: %v\n%s", err, u.log.String())
		}
		if left := processes(t, dir); len(left) > 0 {
			t.Errorf("processes %v run after it has ended", left)
		}
	}
}

// readerOf reads on where a scanner is.
func readerOf(s *bufio.Scanner) io.Reader {
	r, w := io.Pipe()
	go func() { // ends with the scanner
		for s.Scan() {
		}
		w.Close()
	}()
	return r
}

// TestUpKilled: nothing outlives a lab that is killed, nor one whose parent is.
func TestUpKilled(t *testing.T) {
	t.Run("lab", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "run")
		u := up(t, dir)
		if err := u.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = u.cmd.Wait() // it was killed
		wantNone(t, dir)
	})
	t.Run("parent", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "run")
		inner := lab(t, "up", "--kitchen-port", "0", "--workshop-port", "0", "--dir", dir)
		// As make does it: a shell that waits for the lab, which knows its parent.
		cmd := exec.Command("/bin/sh", "-c", strings.Join(inner.Args, " ")+" --parent $$ & wait")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		u := &upTest{T: t, cmd: cmd, lines: bufio.NewScanner(out)}
		u.awaitLine("Ctrl-C ends everything.")
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		wantNone(t, dir)
	})
}

// TestUpTellsWhoDied: when a process ends by itself, the lab says which and
// shows its last words, and ends the others.
func TestUpTellsWhoDied(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	u := up(t, dir)
	east := filepath.Join(dir, "east")
	for _, pid := range processes(t, east) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.Copy(io.Discard, readerOf(u.lines)); err != nil {
		t.Fatal(err)
	}
	if err := u.cmd.Wait(); err == nil {
		t.Error("exit code 0")
	}
	if !strings.Contains(u.log.String(), "east has ended (signal: killed)") {
		t.Errorf("it says %q", u.log.String())
	}
	wantNone(t, dir)
}

// TestPageAnswers: the address that the lab prints is a page.
func TestPageAnswers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	cmd := lab(t, "up", "--kitchen-port", "0", "--workshop-port", "0", "--dir", dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }()
	defer func() { _ = cmd.Process.Signal(syscall.SIGTERM) }()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if f := strings.Fields(lines.Text()); len(f) == 3 && f[0] == kitchen {
			answer, err := http.Get(f[2])
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if answer.StatusCode != http.StatusOK || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
				t.Errorf("%s: %s, %s", f[2], answer.Status, answer.Header.Get("Content-Type"))
			}
			return
		}
	}
	t.Error("no address was printed")
}
