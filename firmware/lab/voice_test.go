package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"peerphone/firmware/lab/speech"
	"peerphone/firmware/lab/wav"
	"peerphone/node/media"
	"peerphone/node/media/jitter"
)

// sentence is what is said in these tests: four seconds of the kitchen.
func sentence(t *testing.T) []int16 {
	t.Helper()
	s, err := wav.Parse(speech.Kitchen)
	if err != nil {
		t.Fatal(err)
	}
	return s.PCM[jitter.Rate : 5*jitter.Rate]
}

// voiceOf is a call over a network as good as any, of an age of three seconds.
func voiceOf(t *testing.T, s wav.Sound) voiceCommand {
	dir := t.TempDir()
	c := voiceCommand{
		Burst: 1, Rtt: 40, Queue: time.Second, Seed: 1, Warm: 3 * time.Second, Repeat: 1,
		In: filepath.Join(dir, "said.wav"), Out: filepath.Join(dir, "heard.wav"),
	}
	if err := os.WriteFile(c.In, wav.AppendFile(nil, s), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// call makes it and returns its line.
func (c voiceCommand) call(t *testing.T) (line string, r voiceResult) {
	t.Helper()
	var out bytes.Buffer
	if err := c.run(&out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("%s: %v", &out, err)
	}
	return out.String(), r
}

func TestVoiceOverAGoodNetwork(t *testing.T) {
	said := sentence(t)
	c := voiceOf(t, wav.Sound{Rate: jitter.Rate, PCM: said})
	line, r := c.call(t)
	if strings.Count(line, "\n") != 1 {
		t.Errorf("more than a line: %s", line)
	}
	for _, key := range []string{`"arrived":`, `"bytes_per_s":`, `"delay":`, `"score":`} {
		if !strings.Contains(line, key) {
			t.Errorf("no %s in %s", key, line)
		}
	}
	if r.Score < 4 || r.R < 100 || r.Concealed != 0 {
		t.Errorf("score %.2f, R %.1f, made up %.4f; want 4, 100, 0", r.Score, r.R, r.Concealed)
	}
	if r.Sent != 200 || r.Arrived != r.Sent {
		t.Errorf("%d of %d packets arrived in four seconds, want 200 of 200", r.Arrived, r.Sent)
	}
	// What the sound says and what the phone believes are found independently.
	if math.Abs(r.Delay-r.Believed) > 3 || r.Delay < 60 || r.Delay > 90 {
		t.Errorf("%.1f ms from mouth to ear, the phone believes in %.1f; want 60 to 90", r.Delay, r.Believed)
	}
	heard, err := os.ReadFile(c.Out)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := wav.Parse(heard); err != nil || s.Rate != jitter.Rate || len(s.PCM) != len(said) {
		t.Errorf("what was heard: %d samples at %d Hz, %v; want %d", len(s.PCM), s.Rate, err, len(said))
	}
}

// TestVoiceKnowsItsDelay: the phone believes in the delay that the sound has,
// where packets take more than the fastest, and where copies come later.
func TestVoiceKnowsItsDelay(t *testing.T) {
	for _, test := range []struct {
		name   string
		set    func(*voiceCommand)
		within float64
	}{
		{"jitter", func(c *voiceCommand) { c.Jitter = 15 }, 5},
		{"bursts", func(c *voiceCommand) { c.Loss, c.Burst = 20, 3 }, 5},
	} {
		c := voiceOf(t, wav.Sound{Rate: jitter.Rate, PCM: sentence(t)})
		c.Warm = 20 * time.Second // until then it grows
		test.set(&c)
		if _, r := c.call(t); math.Abs(r.Delay-r.Believed) > test.within || r.Delay < 100 {
			t.Errorf("%s: %.1f ms from mouth to ear, the phone believes in %.1f", test.name, r.Delay, r.Believed)
		}
	}
}

// TestVoiceKnowsItsLine: where it rang, the first words are heard on a thin line.
func TestVoiceKnowsItsLine(t *testing.T) {
	c := voiceOf(t, wav.Sound{Rate: jitter.Rate, PCM: sentence(t)})
	c.Bytes, c.Warm = 2000, 0
	_, suddenly := c.call(t)
	c.Ring = 1300 * time.Millisecond // 2 kB take one second
	_, rung := c.call(t)
	if rung.MostPerS > 2020 || rung.Concealed > 0 || rung.Score < suddenly.Score+.5 {
		t.Errorf("it rang: %d bytes in a second, %.4f made up, score %.2f; without: %.2f", rung.MostPerS, rung.Concealed, rung.Score, suddenly.Score)
	}
	c.Ring = 900 * time.Millisecond
	if _, early := c.call(t); early.MostPerS < 2500 {
		t.Errorf("whoever answers before the train has come knows nothing, but keeps to %d bytes", early.MostPerS)
	}
}

// TestVoiceIsTheSameTwice: chance has a seed.
func TestVoiceIsTheSameTwice(t *testing.T) {
	c := voiceOf(t, wav.Sound{Rate: jitter.Rate, PCM: sentence(t)[:2*jitter.Rate]})
	c.Loss, c.Burst, c.Jitter, c.Warm = 20, 3, 5, 2*time.Second
	first, r := c.call(t)
	if again, _ := c.call(t); again != first {
		t.Errorf("the same seed gives\n%s and\n%s", first, again)
	}
	if c.Seed = 2; r.Lost == 0 {
		t.Error("nothing was lost")
	}
	if other, _ := c.call(t); other == first {
		t.Errorf("two seeds give the same: %s", other)
	}
}

// TestVoiceIsHurtByWhatHurts: a worse network has a worse score.
func TestVoiceIsHurtByWhatHurts(t *testing.T) {
	c := voiceOf(t, wav.Sound{Rate: jitter.Rate, PCM: sentence(t)})
	c.Loss = 10
	_, some := c.call(t)
	c.Loss = 100
	_, all := c.call(t)
	if some.Score > 4.5 || some.Score < 2 {
		t.Errorf("10 %% lost: score %.2f, want 2 to 4.5", some.Score)
	}
	if all.Arrived != 0 || all.Score > 1.5 || all.Delay != 0 {
		t.Errorf("all lost: %d arrived, score %.2f, %.0f ms late", all.Arrived, all.Score, all.Delay)
	}
}

// TestVoiceCounts holds the figures of a call against three counts that know
// nothing of each other: the link's, the sender's and the receiver's.
func TestVoiceCounts(t *testing.T) {
	c := voiceOf(t, wav.Sound{Rate: jitter.Rate, PCM: sentence(t)})
	c.Extra, c.Jitter = 24, 3
	said, err := readInput(c.In)
	if err != nil {
		t.Fatal(err)
	}
	call := c.talk(said, io.Discard)
	link, leg, far := call.ends[0].out.count, call.ends[0].leg.Stats(), call.ends[1].leg.Stats()
	warm := uint64(0) // sent before the count began
	seconds := []media.Second{}
	for _, s := range call.ends[0].record {
		if s.At <= c.Warm.Seconds()+.5 {
			warm += s.BytesUp
		} else if s.At <= c.Warm.Seconds()+4.5 {
			seconds = append(seconds, s)
		}
	}
	if got, want := link.bytes, int(leg.BytesUp-warm); math.Abs(float64(got-want)) > 400 {
		t.Errorf("the link counts %d bytes, the sender %d", got, want)
	}
	flying := uint64(len(call.ends[0].out.flying))
	if got, want := far.Received+flying, leg.Sent; got != want {
		t.Errorf("the receiver counts %d packets with those on their way, the sender %d", got, want)
	}
	if got, want := far.BytesDown, leg.BytesUp-24*leg.Sent; flying == 0 && got != want {
		t.Errorf("the receiver counts %d bytes, the sender %d without a relay's", got, want)
	}
	r, _ := c.result(call, len(said))
	mean := 0.
	for _, s := range seconds {
		mean += float64(s.BytesUp) / float64(len(seconds))
	}
	if math.Abs(mean-r.BytesPerS) > .03*mean {
		t.Errorf("%.0f bytes a second, the record says %.0f", r.BytesPerS, mean)
	}
}

// TestVoiceLinkCounts: each packet costs 28 bytes of IPv4 and UDP and 22 of the
// session besides its own.
func TestVoiceLinkCounts(t *testing.T) {
	l := &voiceLink{rate: 1000, queue: 300 * time.Millisecond, delay: 10 * time.Millisecond, extra: 4, r: rand.New(rand.NewPCG(1, 1))}
	for range 6 {
		l.send(0, make([]byte, 46)) // a tenth of a second at the bottleneck
	}
	if want := (linkCount{sent: 6, dropped: 2, bytes: 6 * (46 + 28 + 22 + 4)}); l.count != want {
		t.Errorf("got %+v, want %+v", l.count, want)
	}
	for i := range 4 {
		at, want := l.take().at, time.Duration(i+1)*100*time.Millisecond+10*time.Millisecond
		if at != want {
			t.Errorf("packet %d comes after %v, want %v", i, at, want)
		}
	}
	if l.arrives() != never {
		t.Error("another packet is on its way")
	}
}

// TestLossesComeInBursts measures what was asked for.
func TestLossesComeInBursts(t *testing.T) {
	for _, g := range []gilbert{{share: .2, mean: 1}, {share: .2, mean: 3}, {share: .5, mean: 8}, {share: .02, mean: 2}} {
		r := rand.New(rand.NewPCG(3, 4))
		const n = 200000
		lost, bursts, before := 0, 0, false
		for range n {
			now := g.loses(r)
			if now {
				lost++
				if !before {
					bursts++
				}
			}
			before = now
		}
		share, mean, want := float64(lost)/n, float64(lost)/float64(bursts), g.mean
		if g.mean == 1 {
			want = 1 / (1 - g.share) // chance has bursts of its own
		}
		if math.Abs(share/g.share-1) > .05 || math.Abs(mean/want-1) > .05 {
			t.Errorf("%.3f lost, %.2f in a row; want %.3f, %.2f", share, mean, g.share, want)
		}
	}
}

// TestVoiceTakesAnyRecording: other rates, two channels, a word, what is heard
// again and again.
func TestVoiceTakesAnyRecording(t *testing.T) {
	said := wav.Sound{Rate: jitter.Rate, PCM: sentence(t)[:jitter.Rate]}
	word := wav.Sound{Rate: jitter.Rate, PCM: said.PCM[:3000]}
	for name, test := range map[string]struct {
		said  wav.Sound
		least float64
	}{
		"8 kHz": {said.At(8000), 2.5}, "22.05 kHz": {said.At(22050), 2.5}, "48 kHz": {said.At(48000), 2.5},
		"a word": {word, 1.5}, // a fifth of a second: few frames to judge by
	} {
		c := voiceOf(t, test.said)
		c.Warm = time.Second
		if _, r := c.call(t); r.Score < test.least || r.Arrived == 0 {
			t.Errorf("%s: score %.2f, %d packets arrived", name, r.Score, r.Arrived)
		}
	}
}

func TestVoiceRefuses(t *testing.T) {
	good := voiceOf(t, wav.Sound{Rate: jitter.Rate, PCM: sentence(t)[:1600]})
	for _, test := range []struct {
		say  string
		set  func(*voiceCommand)
		exit int
	}{
		{"loss", func(c *voiceCommand) { c.Loss = 100.5 }, exitUsage},
		{"loss", func(c *voiceCommand) { c.Loss = -1 }, exitUsage},
		{"loss", func(c *voiceCommand) { c.Loss = math.NaN() }, exitUsage},
		{"burst", func(c *voiceCommand) { c.Burst = .5 }, exitUsage},
		{"75 percent", func(c *voiceCommand) { c.Loss, c.Burst = 90, 3 }, exitUsage},
		{"bytes", func(c *voiceCommand) { c.Bytes = -1500 }, exitUsage},
		{"repeat", func(c *voiceCommand) { c.Repeat = 0 }, exitUsage},
		{"times", func(c *voiceCommand) { c.Rtt = -1 }, exitUsage},
		{"times", func(c *voiceCommand) { c.Warm = -time.Second }, exitUsage},
		{"times", func(c *voiceCommand) { c.Ring = -time.Second }, exitUsage},
		{"extra", func(c *voiceCommand) { c.Extra = 1 << 20 }, exitUsage},
		{"holds no sound", func(c *voiceCommand) { c.In = saved(t, "in.wav", wav.AppendFile(nil, wav.Sound{Rate: 16000})) }, exitUsage},
		{"is empty", func(c *voiceCommand) { c.In = saved(t, "in.wav", nil) }, exitUsage},
		{"4000 Hz", func(c *voiceCommand) {
			c.In = saved(t, "in.wav", wav.AppendFile(nil, wav.Sound{Rate: 4000, PCM: []int16{1, 2}}))
		}, exitUsage},
		{"nowhere", func(c *voiceCommand) { c.In = "/nowhere" }, exitUsage},
		{"no/where.wav", func(c *voiceCommand) { c.Out = filepath.Join(t.TempDir(), "no/where.wav") }, exitFailure},
		{"no/where.svg", func(c *voiceCommand) { c.Plot = filepath.Join(t.TempDir(), "no/where.svg") }, exitFailure},
	} {
		c := good
		test.set(&c)
		var out bytes.Buffer
		if err := c.run(&out, io.Discard); code(err) != test.exit || err == nil || !strings.Contains(err.Error(), test.say) || out.Len() > 0 {
			t.Errorf("got %v, exit %d; want one with %q, exit %d", err, code(err), test.say, test.exit)
		}
	}
}

// TestVoiceKeepsTheRecord: of every second, and drawn.
func TestVoiceKeepsTheRecord(t *testing.T) {
	c := voiceOf(t, wav.Sound{Rate: jitter.Rate, PCM: sentence(t)[:jitter.Rate]})
	dir := t.TempDir()
	c.Repeat, c.Warm = 3, time.Second
	c.Record, c.Plot = filepath.Join(dir, "record.json"), filepath.Join(dir, "record.svg")
	if _, r := c.call(t); r.Sent != 150 {
		t.Errorf("%d packets, want those of three seconds", r.Sent)
	}
	file, err := os.ReadFile(c.Record)
	if err != nil {
		t.Fatal(err)
	}
	var record []media.Second
	if err := json.Unmarshal(file, &record); err != nil || len(record) < 4 {
		t.Errorf("%d seconds, %v; want 4", len(record), err)
	}
	if svg, err := os.ReadFile(c.Plot); err != nil || !bytes.Contains(svg, []byte("</svg>")) {
		t.Errorf("no drawing: %v", err)
	}
}
