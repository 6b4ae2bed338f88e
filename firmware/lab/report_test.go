package main

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"peerphone/firmware/lab/judge"
	"peerphone/firmware/lab/speech"
	"peerphone/firmware/lab/wav"
	"peerphone/hal"
	"peerphone/node"
	"peerphone/node/media"
)

func TestReportHasExactlyTheseKeys(t *testing.T) {
	want := strings.Fields(`login_ms search_ms setup_ms mouth_to_ear_ms heard_s similarity similarity_other concealed
		bytes_up_per_s bytes_down_per_s codec relayed verified`)
	text, err := report{}.text()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	d := json.NewDecoder(strings.NewReader(string(text)))
	for i := 0; ; i++ {
		token, err := d.Token()
		if err != nil {
			break
		}
		if key, ok := token.(string); ok && i%2 == 1 && len(got)*2+1 == i {
			got = append(got, key)
		}
	}
	// codec's value is a string too, so compare by a map as well as by order.
	var keys map[string]any
	if err := json.Unmarshal(text, &keys); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) || len(keys) != len(want) {
		t.Errorf("keys %q, want %q", got, want)
	}
}

// recorded is a call in which all went well, without any process: what each
// says is heard 80 ms later at the other end.
func recorded(t *testing.T) (c *callRecord, there, back *way) {
	t.Helper()
	from := hal.Instant(1e12)
	track := func(file []byte, after time.Duration) judge.Track {
		s, err := wav.Parse(file)
		if err != nil {
			t.Fatal(err)
		}
		pcm := append(make([]int16, after*judge.Rate/time.Second), s.PCM...)
		return judge.Track{PCM: append(pcm, make([]int16, judge.Rate)...), Stamps: []judge.Stamp{{Sample: 0, At: from}}}
	}
	phone := func(login float64) end {
		var s node.Snapshot
		s.Call.Codec, s.Call.Path, s.Call.Safety = "pcm", "direct", "12345"
		s.Call.Media = media.Stats{Seconds: 10, BytesUp: 340_000, BytesDown: 330_000, Concealed: 2}
		s.Call.History = []media.Second{{At: 1, Now: media.Now{BufferMS: 40, LevelIn: -20, LevelOut: math.Inf(-1)}}, {At: 2, Lost: 1}}
		s.Timing = node.Timing{Search: 12.345, Setup: 99.99}
		return end{state: s, loginMS: login}
	}
	c = &callRecord{from: from, to: from.Add(10 * time.Second), kitchen: phone(200), workshop: phone(300), verified: true}
	c.kitchen.name, c.workshop.name = kitchen, workshop
	there = &way{from: kitchen, to: workshop, said: track(speech.Kitchen, 0), heard: track(speech.Kitchen, 80*time.Millisecond)}
	back = &way{from: workshop, to: kitchen, said: track(speech.Workshop, 0), heard: track(speech.Workshop, 90*time.Millisecond)}
	v := compared(there, back)
	there.verdict, back.verdict = v[0], v[1]
	return c, there, back
}

var verdicts struct {
	sync.Once
	of [2]judge.Verdict
}

// compared judges the two directions, which are the same in every test.
func compared(there, back *way) [2]judge.Verdict {
	verdicts.Do(func() {
		verdicts.of = [2]judge.Verdict{judge.Compare(there.said, there.heard), judge.Compare(back.said, back.heard)}
	})
	return verdicts.of
}

// TestReportTellsTheWorse: where the two ends differ.
func TestReportTellsTheWorse(t *testing.T) {
	c, there, back := recorded(t)
	there.other, back.other = .1, .2
	got := c.report(there, back)
	want := report{
		LoginMS: 300, SearchMS: 12.3, SetupMS: 100, MouthToEarMS: 90, HeardS: got.HeardS, Similarity: 1,
		SimilarityOther: .2, Concealed: 4, BytesUpPerS: 34000, BytesDownPerS: 33000, Codec: "pcm", Verified: true,
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got.HeardS < 9 || got.HeardS > 11 {
		t.Errorf("heard %v s", got.HeardS)
	}
}

func TestResults(t *testing.T) {
	c, there, back := recorded(t)
	dir := folder(t.TempDir())
	if err := c.write(dir, c.report(there, back), there, back); err != nil {
		t.Fatal(err)
	}
	for _, name := range results {
		if !dir.exists(name) {
			t.Errorf("no %s", name)
		}
	}
	svg := string(c.plot(there, back))
	for _, word := range []string{"NaN", "Inf"} {
		if strings.Contains(svg, word) {
			t.Errorf("the plot holds %s", word)
		}
	}
	for _, word := range []string{"Delay", "buffer", "Lost", "Level", "kitchen → workshop"} {
		if !strings.Contains(svg, word) {
			t.Errorf("the plot does not say %q", word)
		}
	}
}

func TestOtherVoiceIsAProblem(t *testing.T) {
	_, there, _ := recorded(t)
	if p := there.problems(); len(p) != 0 {
		t.Errorf("problems of a good call: %q", p)
	}
	there.other = judge.MaxOther + .1
	if p := there.problems(); len(p) != 1 || !strings.Contains(p[0], "what the workshop itself said") {
		t.Errorf("problems %q", p)
	}
}
