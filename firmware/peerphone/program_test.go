package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
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
