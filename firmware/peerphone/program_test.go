package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/session"
)

// TestMain lets the test binary be the program, so that exit codes are real.
func TestMain(m *testing.M) {
	if os.Getenv("PEERPHONE_TEST_MAIN") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// program runs peerphone and returns what it prints and its exit code.
func runProgram(t *testing.T, args ...string) (output string, code int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "PEERPHONE_TEST_MAIN=1")
	b, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(b), cmd.ProcessState.ExitCode()
}

func TestExitCodes(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.toml")
	if err := os.WriteFile(bad, []byte("x = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"version"}, 0, "peerphone devel"},
		{[]string{"--help"}, 0, "A telephone without a telephone company"},
		{[]string{"run", "--help"}, 0, "--config="},
		{[]string{"check-config", "--config", bad}, 78, `:1: unknown key "x"`},
		{[]string{"run", "--config", bad}, 78, `:1: unknown key "x"`},
		{[]string{"run", "--config", "/nowhere.toml"}, 78, "/nowhere.toml"},
		{[]string{"doctor", "--config", bad, "--state", t.TempDir()}, 1, "FAIL  config"},
		{[]string{"dial"}, 2, "unexpected argument"},
		{[]string{"run", "--colour"}, 2, "unknown flag"},
		{nil, 2, "expected one of"},
	} {
		out, code := runProgram(t, c.args...)
		if code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("peerphone %v exits %d with\n%s\nwant %d and %q", c.args, code, out, c.code, c.want)
		}
	}
}

// launch starts the program with a configuration, and ends it when it is still there
// after a minute. Its log goes to said; what it prints can be read.
func launch(t *testing.T, config string, said io.Writer) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "run", "--config", file, "--state", t.TempDir())
	cmd.Env = append(os.Environ(), "PEERPHONE_TEST_MAIN=1")
	cmd.Stderr = said
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	t.Cleanup(func() { late.Stop() })
	return cmd, bufio.NewScanner(out)
}

// A program that is told to restart is another one a moment later, with the same
// process number.
func TestSIGUSR1BeginsAnew(t *testing.T) {
	invitation := identity.Invitation{Addrs: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1")}}
	invitation.Network[0], invitation.Server = 1, identity.KeyFromSeed([32]byte{1}).ID()
	text := "[account]\nname = \"kitchen\"\nnumber = \"1001\"\n[network]\nlisten = \"127.0.0.1:0\"\nsupernode = \"never\"\nport_mapping = false\n" +
		"invitation = \"" + invitation.String() + "\"\n[page]\nlisten = \"\"\n"
	cmd, lines := launch(t, text, os.Stderr)
	listening := func() {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), "listening") {
				return
			}
		}
		t.Fatalf("it does not listen: %v", lines.Err())
	}
	listening()
	cmd.Process.Signal(syscall.SIGUSR1)
	listening()
	cmd.Process.Signal(syscall.SIGTERM)
	for lines.Scan() {
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
}

// A port of the network shows a browser the page, by TLS and without; one that
// another program has is left out, and where the page is meant to be there the
// program says so and ends.
func TestThePageAtAPortOfTheNetwork(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	shared := free.Addr().(*net.TCPAddr)
	free.Close()
	other := taken.Addr().(*net.TCPAddr)
	invitation := identity.Invitation{Addrs: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1")}}
	invitation.Network[0], invitation.Server = 1, identity.KeyFromSeed([32]byte{1}).ID()
	start := func(page *net.TCPAddr) (*exec.Cmd, *bufio.Scanner, *bytes.Buffer) {
		text := fmt.Sprintf("[account]\nname = \"kitchen\"\nnumber = \"1001\"\n[network]\nlisten = \"127.0.0.1:0\"\nsupernode = \"always\"\n"+
			"port_mapping = false\nports = [%d, %d]\ninvitation = %q\n[page]\nlisten = %q\n[board]\nname = \"none\"\n",
			shared.Port, other.Port, invitation.String(), page.String())
		said := new(bytes.Buffer)
		cmd, lines := launch(t, text, said)
		return cmd, lines, said
	}

	cmd, lines, said := start(shared)
	for lines.Scan() && !strings.Contains(lines.Text(), "listening") {
	}
	insecure := &tls.Config{InsecureSkipVerify: true}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: insecure, DisableKeepAlives: true}, Timeout: 30 * time.Second}
	for _, scheme := range []string{"https", "http"} {
		r, err := client.Get(scheme + "://" + shared.String() + "/")
		if err != nil {
			t.Errorf("the page by %s: %v", scheme, err)
			continue
		}
		if r.Body.Close(); r.StatusCode != http.StatusOK {
			t.Errorf("the page by %s: %s", scheme, r.Status)
		}
	}
	// A supernode that has no certificate yet ends a phone's connection; the page
	// does not get it.
	if phone, err := tls.Dial("tcp", shared.String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{session.Protocol}}); err == nil {
		if got := phone.ConnectionState().NegotiatedProtocol; got != session.Protocol {
			t.Errorf("a phone is taken for a browser, by %q", got)
		}
		phone.Close()
	}
	cmd.Process.Signal(syscall.SIGTERM)
	for lines.Scan() {
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(said.String(), "a TCP port is not open") {
		t.Errorf("it ends with %v and says\n%s", err, said)
	}

	cmd, lines, said = start(other)
	for lines.Scan() {
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(said.String(), "is another program using the port?") {
		t.Errorf("with the page's port taken it ends with %v and says\n%s", err, said)
	}
}
