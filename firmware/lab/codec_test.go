package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestCodec sends speech of the demo through the codec, and what is decoded of
// the packets written is what was heard.
func TestCodec(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(in("lost"), []byte("0\n0\n1\n0\n1\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := codecCommand{Rate: 24000, Complexity: 2, Frame: 20, Bandwidth: "wide", Packets: in("p.bit"),
		In: "speech/kitchen.wav", Out: in("out.raw")}
	if err := c.run(io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := (opusdecCommand{Hz: 16000, In: in("p.bit"), Out: in("dec.raw")}).Run(); err != nil {
		t.Fatal(err)
	}
	heard, decoded := readAll(t, in("out.raw")), readAll(t, in("dec.raw"))
	if string(heard) != string(decoded) || len(heard) == 0 {
		t.Errorf("%d bytes heard, %d decoded, or they differ", len(heard), len(decoded))
	}
	c.Fec, c.Loss, c.Lossfile = true, 30, in("lost")
	if err := c.run(io.Discard); err != nil {
		t.Fatal(err)
	}
	if lossy := readAll(t, in("out.raw")); len(lossy) != len(heard) || string(lossy) == string(heard) {
		t.Errorf("loss makes no difference, or %d of %d bytes", len(lossy), len(heard))
	}
}

func TestCodecRefuses(t *testing.T) {
	dir := t.TempDir()
	strange := filepath.Join(dir, "lost")
	if err := os.WriteFile(strange, []byte("0\n2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := codecCommand{Rate: 16000, Complexity: 5, Frame: 20, Bandwidth: "wide", In: "speech/kitchen.wav", Out: filepath.Join(dir, "out")}
	for name, change := range map[string]func(*codecCommand){
		"rate":       func(c *codecCommand) { c.Rate = 100 },
		"complexity": func(c *codecCommand) { c.Complexity = 11 },
		"frame":      func(c *codecCommand) { c.Frame = 25 },
		"no frame":   func(c *codecCommand) { c.Frame = 0 },
		"losses":     func(c *codecCommand) { c.Lossfile = strange },
	} {
		c := good
		change(&c)
		if err := c.Run(); !errors.As(err, &errUsage{}) {
			t.Errorf("%s: %v, want a usage error", name, err)
		}
	}
}

func readAll(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
