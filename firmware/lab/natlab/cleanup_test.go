package natlab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// play is the life of a program with a lab: two sites, a delay, a capture, and
// on one host a program that has started another, which does not care for the
// end of its parent.
func play(part string) {
	lab, err := Open(context.Background(), nil)
	check(err)
	s, err := lab.Site("home", FullCone)
	check(err)
	check(s.SetDelay(time.Millisecond, 0))
	h, err := s.Host("phone")
	check(err)
	_, err = lab.Capture(h)
	check(err)
	cmd := h.Command(context.Background(), "sh", "-c", "setsid sleep 1000 & echo $!; exec sleep 1000")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	check(err)
	check(cmd.Start())
	grandchild, err := bufio.NewReader(out).ReadString('\n')
	check(err)
	for _, space := range lab.spaces {
		fmt.Println("space", space.inode)
	}
	fmt.Println("process", cmd.Process.Pid)
	fmt.Println("process", strings.TrimSpace(grandchild))
	fmt.Println("ready")
	if part == "panic" {
		panic("as a test wants it")
	}
	time.Sleep(time.Hour)
}

func check(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

// left is what a dead program may have left.
type left struct {
	spaces    []uint64
	processes []int
}

// start runs this test program in a part until it is ready.
func start(t *testing.T, part string) (*exec.Cmd, left) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "NATLAB_TEST_PART="+part)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	var l left
	for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "ready"; {
		what, number, _ := strings.Cut(lines.Text(), " ")
		n, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			t.Fatalf("the program says: %s", lines.Text())
		}
		if what == "space" {
			l.spaces = append(l.spaces, n)
		} else {
			l.processes = append(l.processes, int(n))
		}
	}
	if len(l.spaces) != 3 || len(l.processes) != 2 {
		t.Fatalf("the program has %+v", l)
	}
	return cmd, l
}

// wantGone waits until nothing is left. What was gone once is gone: the kernel
// gives a namespace's number to the next.
func (l left) wantGone(t *testing.T) {
	t.Helper()
	spaces, alive := slices.Clone(l.spaces), slices.Clone(l.processes)
	for end := time.Now().Add(soon); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		used := spacesInUse(t)
		spaces = slices.DeleteFunc(spaces, func(i uint64) bool { return !used[i] })
		alive = slices.DeleteFunc(alive, func(p int) bool { _, is := startTime(p); return !is })
		if len(spaces)+len(alive) == 0 {
			return
		}
	}
	t.Errorf("left: namespaces %v, processes %v", spaces, alive)
}

// spacesInUse lists the network namespaces that another process is in or holds
// open; this one has those of tests beside. There are no others: one that is
// bound to a file is in /proc/mounts.
func spacesInUse(t *testing.T) map[uint64]bool {
	t.Helper()
	used := map[uint64]bool{}
	own := fmt.Sprintf("/proc/%d/", os.Getpid())
	for _, pattern := range []string{"/proc/[0-9]*/task/*/ns/net", "/proc/[0-9]*/fd/*"} {
		names, err := filepath.Glob(pattern)
		must(t, err)
		for _, name := range names {
			if strings.HasPrefix(name, own) {
				continue
			}
			var inode uint64
			target, _ := os.Readlink(name) // may have gone
			if n, _ := fmt.Sscanf(target, "net:[%d]", &inode); n == 1 {
				used[inode] = true
			}
		}
	}
	return used
}

func TestKilled(t *testing.T) {
	t.Parallel()
	openLab(t) // or skip
	for _, c := range []struct {
		part string
		end  syscall.Signal // 0: by itself
	}{{"interrupted", syscall.SIGINT}, {"killed", syscall.SIGKILL}, {"panic", 0}} {
		t.Run(c.part, func(t *testing.T) {
			cmd, l := start(t, c.part)
			if c.end != 0 {
				must(t, cmd.Process.Signal(c.end))
			}
			if err := cmd.Wait(); err == nil {
				t.Error("the program ended well")
			}
			// Its children went with it; their children go at the next Open.
			lab, err := Open(t.Context(), nil)
			must(t, err)
			l.wantGone(t)
			must(t, lab.Close())
		})
	}
}

// TestOthers: a lab that is alive is not touched by another.
func TestOthers(t *testing.T) {
	t.Parallel()
	openLab(t)
	cmd, l := start(t, "alive")
	defer func() { _ = cmd.Wait(); l.wantGone(t) }()
	lab, err := Open(t.Context(), nil)
	must(t, err)
	must(t, lab.Close())
	for _, pid := range l.processes {
		if _, alive := startTime(pid); !alive {
			t.Errorf("process %d of another lab was ended", pid)
		}
	}
	used := spacesInUse(t)
	for _, s := range l.spaces {
		if !used[s] {
			t.Errorf("namespace %d of another lab is gone", s)
		}
	}
	must(t, cmd.Process.Kill())
	_ = cmd.Wait()
	next, err := Open(t.Context(), nil)
	must(t, err)
	must(t, next.Close())
}

// TestClose: nothing is left of a lab in a program that goes on.
func TestClose(t *testing.T) {
	openLab(t)
	before, err := net.Interfaces()
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	lab, err := Open(ctx, nil)
	must(t, err)
	s, err := lab.Site("home", CarrierSymmetric)
	must(t, err)
	must(t, s.SetDelay(time.Millisecond, 0))
	h, err := s.Host("phone")
	must(t, err)
	_, err = lab.Capture(h)
	must(t, err)
	cmd := h.Command(t.Context(), "sh", "-c", "setsid sleep 1000 & echo $!; exec sleep 1000")
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	grandchild, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	l := left{}
	pid, err := strconv.Atoi(strings.TrimSpace(grandchild))
	must(t, err)
	l.processes = []int{pid}
	for _, space := range lab.spaces {
		l.spaces = append(l.spaces, space.inode)
	}
	cancel() // closes the lab
	if err := cmd.Wait(); err == nil {
		t.Error("the program on the host ended well")
	}
	must(t, lab.Close())
	l.wantGone(t)
	after, err := net.Interfaces()
	must(t, err)
	if len(before) != len(after) {
		t.Errorf("interfaces before: %v, after: %v", before, after)
	}
	if _, err := lab.Public("late"); !errors.Is(err, errClosed) {
		t.Errorf("Public after Close: %v", err)
	}
	if _, err := h.ListenUDP(netip.AddrPort{}); !errors.Is(err, errClosed) {
		t.Errorf("ListenUDP after Close: %v", err)
	}
}

// TestSiteClose: a site that is closed leaves its line to the next.
func TestSiteClose(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.site("first", Carrier)
	w.host(first, "a")
	outside := first.Outside()
	must(t, first.SetDelay(time.Millisecond, 0))
	must(t, first.SetLoss(0.5))
	must(t, first.Close())
	if n := len(w.lab.spaces); n != 3 {
		t.Errorf("%d namespaces are there, want those of the internet and two hosts", n)
	}
	second := w.site("second", PortRestricted)
	if second.Outside() != outside {
		t.Errorf("the next site is at %v, want %v", second.Outside(), outside)
	}
	w.sock(w.host(second, "a")).mustAsk(at4(w.east, askPort))
}

// TestUnavailable: one line says what to do.
func TestUnavailable(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	defer func(s []string) { sbin = s }(sbin)
	sbin = nil
	_, err := Open(t.Context(), nil)
	if !errors.Is(err, ErrUnavailable) || strings.Contains(err.Error(), "\n") {
		t.Fatalf("got %v", err)
	}
	if os.Geteuid() != 0 {
		return
	}
	const want = "not installed: ip, tc, nft, conntrack, nsenter, env: run `make lab-deps`"
	if !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %q, want %q at the end", err, want)
	}
}

// TestBound: the 501st line is refused.
func TestBound(t *testing.T) {
	var l Lab
	for range MaxLines {
		if _, err := l.takeLine(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.takeLine(); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
	l.freeLine(77)
	if n, err := l.takeLine(); n != 77 || err != nil {
		t.Errorf("got %d, %v after line 77 was freed", n, err)
	}
}
