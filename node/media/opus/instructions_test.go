package opus

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// talkRounds is the environment variable that makes TestInstructions talk, so
// many times and at such a complexity, instead of count.
const talkRounds = "OPUS_TALK"

// TestInstructions counts what a second of a call costs the oldest processor:
// encoder and decoder in one program, in QEMU. The count is the difference
// between a program that says a text twice and one that says it once, by its
// length, so that the beginning of either cancels out.
func TestInstructions(t *testing.T) {
	if how := os.Getenv(talkRounds); how != "" {
		talk(t, how)
		return
	}
	if testing.Short() {
		t.Skip("builds and emulates")
	}
	seconds := float64(len(heard(t))/320*320) / 16000
	plugin := filepath.Join(t.TempDir(), "count.so")
	for _, need := range []string{"gcc", "qemu-arm"} {
		if _, err := exec.LookPath(need); err != nil {
			missing(t, need)
		}
	}
	if out, err := exec.Command("gcc", "-shared", "-fPIC", "-O2", "-o", plugin, "testdata/count.c").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	binary := buildFor(t, "GOARCH=arm", "GOARM=6")
	count := func(rounds, complexity int) float64 {
		run := exec.Command("qemu-arm", "-cpu", "arm1176", "-plugin", plugin, binary, "-test.run", "^TestInstructions$")
		run.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d", talkRounds, rounds, complexity))
		out, err := run.CombinedOutput()
		found := regexp.MustCompile(`instructions: (\d+)`).FindSubmatch(out)
		if err != nil || found == nil {
			t.Fatalf("%v: %s", err, out)
		}
		n, err := strconv.ParseFloat(string(found[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	// What the smallest boards run, and what others do; they have no limit.
	for _, c := range []struct {
		complexity int
		most       float64
	}{{2, 200e6}, {5, 0}} {
		n := (count(2, c.complexity) - count(1, c.complexity)) / seconds
		t.Logf("complexity %d: %.1f million instructions for a second of sound, encoder and decoder", c.complexity, n/1e6)
		if c.most > 0 && n > c.most {
			t.Errorf("complexity %d: %.1f million instructions, want at most %.1f", c.complexity, n/1e6, c.most/1e6)
		}
	}
}

// talk encodes the speech of the tests at the bit rate of calls, and decodes it.
func talk(t *testing.T, how string) {
	var rounds, complexity int
	if _, err := fmt.Sscan(how, &rounds, &complexity); err != nil {
		t.Fatal(err)
	}
	sound := heard(t)
	e := newEncoder(t, EncoderConfig{Bitrate: 17500, Complexity: complexity, FrameMS: 20, Bandwidth: Wide})
	d := newDecoder(t, 16000)
	var packet [MaxFrame + 1]byte
	pcm := make([]int16, 320)
	for range rounds {
		for at := 0; at+320 <= len(sound); at += 320 {
			p, err := e.Encode(packet[:0], sound[at:][:320])
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.Decode(pcm, p); err != nil {
				t.Fatal(err)
			}
		}
	}
}
