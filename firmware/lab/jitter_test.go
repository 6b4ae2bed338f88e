package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// made writes a trace of half a minute.
func made(t *testing.T, dir, kind string) string {
	t.Helper()
	var text bytes.Buffer
	if err := (jitterCommand{Make: kind, Seed: 3, Secs: 30}).run(&text); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, kind+".txt")
	if err := os.WriteFile(name, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestJitterPrintsOneLine(t *testing.T) {
	dir := t.TempDir()
	c := jitterCommand{Trace: made(t, dir, "wifi"), Phase: 5, Out: filepath.Join(dir, "heard.wav"), Plot: filepath.Join(dir, "plot.svg")}
	var out bytes.Buffer
	if err := c.run(&out); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n != 1 {
		t.Errorf("%d lines, want one: %s", n, &out)
	}
	var line map[string]float64
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"mean_delay", "p95", "concealed", "stretched", "skew_ppm"} {
		if _, ok := line[key]; !ok {
			t.Errorf("no %s in %s", key, &out)
		}
	}
	// 30 s of 16 bits at 16 kHz, less what comes before the first packet.
	if heard, err := os.Stat(c.Out); err != nil || heard.Size() < 29*32000 || heard.Size() > 31*32000 {
		t.Errorf("what was heard: %v, %v", heard, err)
	}
	if svg, err := os.ReadFile(c.Plot); err != nil || !bytes.Contains(svg, []byte("</svg>")) {
		t.Errorf("no drawing: %v", err)
	}
}

func TestJitterTable(t *testing.T) {
	dir := t.TempDir()
	made(t, dir, "lan")
	made(t, dir, "ppm")
	var out bytes.Buffer
	if err := (jitterCommand{All: dir}).run(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"lan", "ppm", "of 2 traces", "of 1 traces"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in the table:\n%s", want, &out)
		}
	}
}

func TestJitterRefuses(t *testing.T) {
	if err := (jitterCommand{}).run(&bytes.Buffer{}); code(err) != exitUsage {
		t.Errorf("no trace: %v", err)
	}
	if err := (jitterCommand{Make: "pigeon"}).run(&bytes.Buffer{}); code(err) != exitUsage || !strings.Contains(err.Error(), "wifi") {
		t.Errorf("an unknown kind: %v, want a list of kinds", err)
	}
	name := filepath.Join(t.TempDir(), "x")
	os.WriteFile(name, []byte("this is no trace\n"), 0o644)
	if err := (jitterCommand{Trace: name}).run(&bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("not a trace: %v, want the file's name", err)
	}
}
