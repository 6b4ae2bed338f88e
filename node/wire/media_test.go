package wire

import (
	"bytes"
	"testing"
)

// mediaVectors holds media payloads of every form.
func mediaVectors() map[string]Media {
	report := Report{
		Newest: 0xfe, Held: 12, Expected: 0xffff, Received: 0x1234, Bursts: 3, Jitter: 255,
		Queue: 40, Rate: 4900, Skew: -1000, Delay: 85,
	}
	return map[string]Media{
		"media":        {Codec: CodecOpus, Seq: 0xff, Time: 0xfffe, Sound: []byte{1, 2, 3}},
		"media-report": {Codec: CodecOpus, Seq: 1, Time: 2, Told: true, Report: report},
		"media-wants":  {Codec: CodecOpus, Seq: 3, Time: 4, Wants: true, Want: Missing{Newest: 0xfd, Before: 0x800001}, Sound: []byte{1}},
		"media-copies": {
			Codec: CodecOpus, Seq: 9, Time: 10, Told: true, Report: report, Wants: true, Copied: MaxCopies,
			Copies: [MaxCopies]Copy{{Back: 1, Sound: []byte{1}}, {Back: 12, Sound: make([]byte, 0x7f)}, {Back: 255, Sound: make([]byte, 0x80)},
				{Back: 2, Sound: []byte{2}}, {Back: 3, Sound: []byte{3}}, {Back: 4, Sound: []byte{4}}, {Back: 5, Sound: []byte{5}}},
			Sound: []byte{4, 5},
		},
	}
}

func TestMalformedMedia(t *testing.T) {
	for what, b := range map[string][]byte{
		"nothing":              nil,
		"no sound":             {0x81, 0, 0, 0},
		"half of the wants":    {0xa1, 0, 0, 0, 1, 0, 0},
		"another payload":      {1, 0, 0, 0, 1},
		"half a report":        append([]byte{0xc1, 0, 0, 0}, make([]byte, ReportSize-1)...),
		"no copy":              {0x85, 0, 0, 0},
		"copy of nothing":      {0x85, 0, 0, 0, 1, 0, 9},
		"copy of itself":       {0x85, 0, 0, 0, 0, 1, 9, 9},
		"copy beyond the end":  {0x85, 0, 0, 0, 1, 3, 9, 9},
		"half a length":        {0x85, 0, 0, 0, 1, 0x80},
		"length in long form":  {0x85, 0, 0, 0, 1, 0x80, 1, 9, 9},
		"copies without sound": {0x85, 0, 0, 0, 1, 1, 9},
	} {
		if m, ok := ParseMedia(b); ok {
			t.Errorf("%s: %x passes as %+v", what, b, m)
		}
	}
}

func TestMediaCost(t *testing.T) {
	if n := len(AppendMedia(nil, Media{})); n != MediaHeader {
		t.Errorf("a header has %d bytes, want %d", n, MediaHeader)
	}
	if n := len(AppendMedia(nil, Media{Told: true})); n != MediaHeader+ReportSize {
		t.Errorf("a report makes it %d, want %d", n, MediaHeader+ReportSize)
	}
	if n := len(AppendMedia(nil, Media{Wants: true})); n != MediaHeader+MissingSize {
		t.Errorf("what is missing makes it %d, want %d", n, MediaHeader+MissingSize)
	}
}

func TestMediaDoesNotAllocate(t *testing.T) {
	b := make([]byte, 0, 1200)
	v := mediaVectors()["media-copies"]
	if n := testing.AllocsPerRun(100, func() {
		m, ok := ParseMedia(AppendMedia(b, v))
		if !ok || !bytes.Equal(m.Sound, v.Sound) {
			t.Fatal("it is another")
		}
	}); n > 0 {
		t.Errorf("%v allocations per frame, want none", n)
	}
}
