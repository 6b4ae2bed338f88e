package opus

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestOtherProcessors runs the golden tests and TestArithmetic as the processors
// of small boards would, in QEMU: the oldest 32-bit one that is supported, and a
// 64-bit one.
func TestOtherProcessors(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and emulates")
	}
	if runtime.GOARCH == "arm" {
		t.Skip("this is one of them")
	}
	tests := []struct {
		name, qemu string
		env        []string
	}{
		{"arm1176", "qemu-arm -cpu arm1176", []string{"GOARCH=arm", "GOARM=6"}},
		{"cortex-a53", "qemu-aarch64 -cpu cortex-a53", []string{"GOARCH=arm64"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			emulator := strings.Fields(test.qemu)
			if _, err := exec.LookPath(emulator[0]); err != nil {
				missing(t, emulator[0])
			}
			binary := buildFor(t, test.env...)
			run := exec.Command(emulator[0], append(emulator[1:], binary, "-test.run", "^(TestGolden|TestArithmetic|TestEncoderGolden)$")...)
			if out, err := run.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// buildFor builds these tests for another processor.
func buildFor(t *testing.T, env ...string) (binary string) {
	t.Helper()
	binary = filepath.Join(t.TempDir(), "opus.test")
	build := exec.Command("go", "test", "-c", "-o", binary, ".")
	build.Env = append(os.Environ(), append(env, "CGO_ENABLED=0", "GOFLAGS=-trimpath")...)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return binary
}
