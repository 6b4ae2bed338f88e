package natlab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// space is one network namespace. It has no name in the file system: it lives
// while file is open, a process runs in it or a socket of it is open.
type space struct {
	name  string // for messages
	file  *os.File
	inode uint64
}

// newSpace makes a namespace with nothing but a loopback interface, which is
// down.
func newSpace(name string) (s *space, err error) {
	err = onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("%w: this kernel or container gives no network namespace: %w", ErrUnavailable, err)
		}
		s, err = currentSpace(name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, s.settle()
}

// currentSpace opens the namespace that this thread is in.
func currentSpace(name string) (*space, error) {
	file, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, fmt.Errorf("natlab: %w", err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &st); err != nil {
		return nil, errors.Join(fmt.Errorf("natlab: %w", err), file.Close())
	}
	return &space{name: name, file: file, inode: st.Ino}, nil
}

// onThread runs f on a thread of its own and gives the thread back in the
// namespace in which it was found.
func onThread(f func() error) (err error) {
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("natlab: %w", err)
	}
	defer func() { // also when f panics or ends its goroutine
		if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
			// Stays locked: the thread must not serve anybody else.
			err = errors.Join(err, fmt.Errorf("natlab: a thread cannot leave its namespace: %w", back))
		} else {
			runtime.UnlockOSThread()
		}
		home.Close()
	}()
	return f()
}

// do runs f in the namespace. Goroutines that f starts are not in it.
func (s *space) do(f func() error) error {
	return onThread(func() error {
		if err := s.enter(); err != nil {
			return err
		}
		return f()
	})
}

// enter moves this thread.
func (s *space) enter() error {
	conn, err := s.file.SyscallConn()
	if err != nil {
		return errClosed
	}
	var moved error
	if err := conn.Control(func(fd uintptr) { moved = unix.Setns(int(fd), unix.CLONE_NEWNET) }); err != nil {
		return errClosed
	}
	if moved != nil {
		return fmt.Errorf("natlab: entering %s: %w", s.name, moved)
	}
	return nil
}

// path names the namespace for ip and nsenter, while this process runs.
func (s *space) path() string {
	return "/proc/" + strconv.Itoa(os.Getpid()) + "/fd/" + strconv.Itoa(int(s.file.Fd()))
}

func (s *space) close() error {
	if err := s.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("natlab: %w", err)
	}
	return nil
}

// settle sets what every namespace here has in common.
func (s *space) settle() error {
	return s.set(
		"net/ipv4/conf/all/rp_filter=0", "net/ipv4/conf/default/rp_filter=0",
		// As a DHCP client does: no route by a cable that is pulled.
		"net/ipv4/conf/all/ignore_routes_with_linkdown=1", "net/ipv4/conf/default/ignore_routes_with_linkdown=1",
		"net/ipv6/conf/all/ignore_routes_with_linkdown=1", "net/ipv6/conf/default/ignore_routes_with_linkdown=1",
		// Addresses are ours: no wait for duplicates, no asking for routers.
		"net/ipv6/conf/default/accept_dad=0", "net/ipv6/conf/default/accept_ra=0",
		"net/ipv6/conf/default/router_solicitations=0",
		"net/ipv6/conf/all/keep_addr_on_down=1", "net/ipv6/conf/default/keep_addr_on_down=1",
		// What a bridge forwards is no concern of the router's rules.
		"?net/bridge/bridge-nf-call-iptables=0", "?net/bridge/bridge-nf-call-ip6tables=0",
	)
}

// forward makes it a router.
func (s *space) forward(v6 bool) error {
	if err := s.set("net/ipv4/ip_forward=1"); err != nil || !v6 {
		return err
	}
	return s.set("net/ipv6/conf/all/forwarding=1")
}

// withIPv6 switches IPv6 for all interfaces, also those to come. Without it no
// chatter of neighbours is in a capture.
func (s *space) withIPv6(on bool) error {
	disable := "=1"
	if on {
		disable = "=0"
	}
	return s.set("net/ipv6/conf/all/disable_ipv6"+disable, "net/ipv6/conf/default/disable_ipv6"+disable)
}

// set writes kernel settings, each path=value below /proc/sys. One that begins
// with ? may be absent.
func (s *space) set(settings ...string) error {
	return s.do(func() error {
		for _, setting := range settings {
			key, value, _ := strings.Cut(setting, "=")
			name, optional := strings.CutPrefix(key, "?")
			err := os.WriteFile(filepath.Join("/proc/sys", name), []byte(value), 0)
			if err != nil && !(optional && errors.Is(err, os.ErrNotExist)) {
				return fmt.Errorf("natlab: %s: %w", s.name, err)
			}
		}
		return nil
	})
}

// patience is how long one tool may take; the usual time is 5 ms.
const patience = 30 * time.Second

// run executes a tool in the namespace.
func (s *space) run(stdin, name string, args ...string) error {
	path, err := toolPath(name)
	if err != nil {
		return fmt.Errorf("natlab: %s: %w", name, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	// A child begins in the namespace of the thread that starts it.
	if err := s.do(cmd.Start); err != nil {
		return fmt.Errorf("natlab: %s: %w", name, err)
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("natlab: %s: %s %s: %w: %s", s.name, name, strings.Join(args, " "), err, complaint(out.String(), stdin))
	}
	return nil
}

var failedLine = regexp.MustCompile(`Command failed -:(\d+)`)

// complaint shortens what a tool printed, and quotes the line of a batch that
// ip stumbled over.
func complaint(out, batch string) string {
	out = strings.Join(strings.Fields(out), " ")
	if m := failedLine.FindStringSubmatch(out); m != nil {
		n, _ := strconv.Atoi(m[1])
		if lines := strings.Split(batch, "\n"); n >= 1 && n <= len(lines) {
			out += " (" + lines[n-1] + ")"
		}
	}
	if len(out) > 600 {
		out = out[:600] + "..."
	}
	return out
}

// ip runs commands of ip, one a line, in one process.
func (s *space) ip(commands ...string) error {
	return s.run(strings.Join(commands, "\n")+"\n", "ip", "-batch", "-")
}

// ip6 is ip for those commands whose arguments do not tell the family.
func (s *space) ip6(commands ...string) error {
	return s.run(strings.Join(commands, "\n")+"\n", "ip", "-6", "-batch", "-")
}

// nft loads rules, all or none.
func (s *space) nft(rules string) error { return s.run(rules, "nft", "-f", "-") }
