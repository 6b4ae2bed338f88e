package opus

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEncoderGolden encodes the same bytes on every processor, and says so when
// an encoder that is to be merely faster is another.
func TestEncoderGolden(t *testing.T) {
	sound := heard(t)
	configs := ways()
	for c := range MaxComplexity + 1 {
		configs = append(configs, EncoderConfig{Bitrate: 16000, Complexity: c, FrameMS: 20, Bandwidth: Wide})
	}
	var got strings.Builder
	for _, c := range configs {
		h := sha256.New()
		packets := encodeAll(t, newEncoder(t, c), sound)
		for _, p := range packets {
			fmt.Fprintf(h, "%d %d ", len(p.data), p.finalRange)
			h.Write(p.data)
		}
		fmt.Fprintf(&got, "%x %d bit/s %+v\n", h.Sum(nil)[:8], bitrateOf(packets, c.FrameMS), c)
	}
	name := filepath.Join("testdata", "enc_golden.txt")
	if *update {
		if err := os.WriteFile(name, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(want), "\n")
	for i, line := range strings.Split(got.String(), "\n") {
		if i >= len(lines) || line != lines[i] {
			t.Errorf("line %d: got %q, want %q", i+1, line, lines[min(i, len(lines)-1)])
		}
	}
}
