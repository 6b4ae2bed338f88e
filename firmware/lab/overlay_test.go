package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The last line is JSON with every figure; a file of latencies is taken.
func TestOverlay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "latencies")
	if err := os.WriteFile(file, []byte("0 40 90\n40 0 60\n90 60 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := overlayCommand{
		Supernodes: 12, Phones: 12, Mode: "kazaa", Storm: "half", Lookups: 20, Idle: time.Minute, Latency: file, Seed: 3, JSON: true,
	}
	var out, progress bytes.Buffer
	if err := c.run(&out, &progress); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%q: %v", out.String(), err)
	}
	for _, name := range []string{
		"found", "reachable", "p50_ms", "p95_ms", "repaired_s", "reattached_t99_s", "bound_s", "bytes_per_hour_phone",
		"bytes_per_hour_supernode", "bytes_per_record", "wall_s",
	} {
		if v, ok := got[name].(float64); !ok || v <= 0 {
			t.Errorf("%s is %v", name, got[name])
		}
	}
	for _, name := range []string{"wrong", "cannot_tell", "hops"} { // in so small a network homes hold every record
		if _, ok := got[name].(float64); !ok {
			t.Errorf("%s is %v", name, got[name])
		}
	}
	if hash, _ := got["trace_hash"].(string); len(hash) != 32 {
		t.Errorf("trace_hash is %v", got["trace_hash"])
	}
	if progress.Len() == 0 {
		t.Error("no progress was told")
	}
}

// A large network is only asked, and says so in JSON.
func TestLookupsOnly(t *testing.T) {
	c := overlayCommand{Supernodes: 20000, Mode: "kademlia", LookupsOnly: true, Lookups: 20, Loss: 0.01, Seed: 3, JSON: true}
	var out bytes.Buffer
	if err := c.run(&out, io.Discard); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Found int
		P95   float64 `json:"p95_ms"`
		Hops  float64
		Asks  float64
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.Found != 20 || got.P95 <= 0 || got.Hops <= 1 || got.Asks < 4 {
		t.Errorf("%+v, %v", got, err)
	}
}

// Flags that make no sense are the caller's fault.
func TestOverlayFlags(t *testing.T) {
	good := overlayCommand{Supernodes: 2, Phones: 2, Mode: "kazaa"}
	for name, spoil := range map[string]func(*overlayCommand){
		"share":  func(c *overlayCommand) { c.Kill = 2 },
		"mode":   func(c *overlayCommand) { c.Mode = "skype" },
		"storm":  func(c *overlayCommand) { c.Storm = "hail" },
		"phones": func(c *overlayCommand) { c.Phones = -5 },
		"only":   func(c *overlayCommand) { c.LookupsOnly = true },
		"churn":  func(c *overlayCommand) { c.Mode, c.LookupsOnly, c.Churn = "kademlia", true, time.Hour },
		"one":    func(c *overlayCommand) { c.Mode, c.LookupsOnly, c.Supernodes = "kademlia", true, 1 },
		"file":   func(c *overlayCommand) { c.Latency = "/dev/null" },
	} {
		c := good
		spoil(&c)
		if err := c.run(io.Discard, io.Discard); !errors.As(err, &errUsage{}) {
			t.Errorf("%s: %v, want an error of usage", name, err)
		}
	}
}
