package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// silentOpus is one packet of 20 ms of a wide band without a frame in it: the
// table of contents alone. Its final range is 0.
var silentOpus = []byte{0, 0, 0, 1, 0, 0, 0, 0, 0x48}

func opusFile(t *testing.T, data []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "in.bit")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestOpusdec(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.raw")
	in := opusFile(t, append(silentOpus, silentOpus...))
	if err := (opusdecCommand{Hz: 48000, In: in, Out: out}).Run(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if want := 2 * 960 * 2; len(raw) != want {
		t.Errorf("%d bytes of sound, want %d", len(raw), want)
	}
	var said strings.Builder
	if err := (opusinfoCommand{In: in}).run(&said); err != nil {
		t.Error(err)
	}
	if want := "2 packets, 0.04 s, 2 bytes, 0.4 kb/s\n"; !strings.HasSuffix(said.String(), want) {
		t.Errorf("it says %q, want %q at the end", said.String(), want)
	}
}

// TestOpusdecHearsAll decodes packets of every mode, of one and two channels,
// of 2.5 to 20 ms, at every rate.
func TestOpusdecHearsAll(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.raw")
	for _, name := range []string{"joints", "hybrid", "stereo", "celt"} {
		in := "../../node/media/testdata/" + name + ".bit"
		if err := (opusinfoCommand{In: in}).run(io.Discard); err != nil {
			t.Error(err)
		}
		var first int
		for _, hz := range []int{8000, 16000, 24000, 48000} {
			if err := (opusdecCommand{Hz: hz, In: in, Out: out}).Run(); err != nil {
				t.Fatalf("%s at %d Hz: %v", name, hz, err)
			}
			n := len(readAll(t, out)) * 8000 / hz
			if first == 0 {
				first = n
			}
			if n == 0 || n != first {
				t.Errorf("%s at %d Hz is as long as %d bytes at 8000, want %d", name, hz, n, first)
			}
		}
	}
}

func TestOpusdecRefuses(t *testing.T) {
	strange := append([]byte(nil), silentOpus...)
	strange[7] = 1 // a final range that is not ours
	for name, data := range map[string][]byte{
		"final range": strange,
		"cut short":   silentOpus[:8],
		"empty":       {},
		"malformed":   {0, 0, 0, 0, 0, 0, 0, 0},
	} {
		if err := (opusdecCommand{Hz: 16000, In: opusFile(t, data), Out: filepath.Join(t.TempDir(), "out")}).Run(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	err := opusdecCommand{Hz: 44100, In: opusFile(t, silentOpus)}.Run()
	if !errors.As(err, &errUsage{}) {
		t.Errorf("44100 Hz: %v, want a usage error", err)
	}
}
