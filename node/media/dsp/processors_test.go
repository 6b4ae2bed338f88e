package dsp

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestOtherProcessors runs TestGolden as the processors of small boards would,
// in QEMU: the oldest 32-bit one that is supported, and a 64-bit one.
func TestOtherProcessors(t *testing.T) {
	if testing.Short() || runtime.GOARCH == "arm" {
		t.Skip("builds and emulates")
	}
	for _, p := range []struct{ qemu, env string }{
		{"qemu-arm -cpu arm1176", "GOARCH=arm GOARM=6"},
		{"qemu-aarch64 -cpu cortex-a53", "GOARCH=arm64"},
	} {
		t.Run(p.qemu, func(t *testing.T) {
			emulator := strings.Fields(p.qemu)
			if _, err := exec.LookPath(emulator[0]); err != nil {
				missing(t, emulator[0])
			}
			binary := filepath.Join(t.TempDir(), "dsp.test")
			build := exec.Command("go", "test", "-c", "-o", binary, ".")
			build.Env = append(os.Environ(), append(strings.Fields(p.env), "CGO_ENABLED=0", "GOFLAGS=-trimpath")...)
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			run := exec.Command(emulator[0], append(emulator[1:], binary, "-test.run", "^TestGolden$")...)
			if out, err := run.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// missing skips a test for want of a tool, but not where everything is to be
// tested.
func missing(t *testing.T, tool string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing", tool)
	}
	t.Skipf("%s is missing", tool)
}
