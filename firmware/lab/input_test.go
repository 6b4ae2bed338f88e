package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"peerphone/firmware/lab/judge"
	"peerphone/firmware/lab/speech"
	"peerphone/firmware/lab/wav"
)

// saved writes a file of that content and returns its name.
func saved(t *testing.T, name string, content []byte) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestInputIsRefused(t *testing.T) {
	for _, c := range []struct {
		file string
		text string
		want string
	}{
		{"empty.wav", "", "is empty"},
		{"letter.wav", "Dear Margaret, the clock ticks.", "is no WAV file"},
		{"mute.wav", string(wav.AppendFile(nil, wav.Sound{Rate: 16000})), "holds no sound"},
		{"odd.wav", string(wav.AppendFile(nil, wav.Sound{Rate: 7350, PCM: []int16{1}})), "7350 Hz"},
	} {
		name := saved(t, c.file, []byte(c.text))
		_, _, err := microphones(name)
		if !errors.As(err, &errUsage{}) {
			t.Errorf("%s: %v is no error of usage", c.file, err)
			continue
		}
		text := err.Error()
		if !strings.HasPrefix(text, name+": ") || !strings.Contains(text, c.want) || strings.Contains(text, "\n") {
			t.Errorf("%s: %q, want one line with the name and %q", c.file, text, c.want)
		}
	}
	for _, name := range []string{"/no/such/file.wav", t.TempDir()} {
		if _, err := readInput(name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestInputIsResampled(t *testing.T) {
	kitchen, err := wav.Parse(speech.Kitchen)
	if err != nil {
		t.Fatal(err)
	}
	for _, rate := range []int{8000, 16000, 22050, 44100, 48000} {
		pcm, err := readInput(saved(t, "in.wav", wav.AppendFile(nil, kitchen.At(rate))))
		if err != nil {
			t.Fatal(err)
		}
		if d := len(pcm) - len(kitchen.PCM); d < -3 || d > 3 {
			t.Errorf("%d Hz: %d samples, want %d", rate, len(pcm), len(kitchen.PCM))
		}
		const part = 3 * judge.Rate // enough to tell
		if !judge.Alike(pcm[:part], kitchen.At(rate).At(judge.Rate).PCM) {
			t.Errorf("%d Hz: it sounds like something else", rate)
		}
	}
}

// TestTwoVoices: whatever the kitchen says, the workshop says something else.
func TestTwoVoices(t *testing.T) {
	for name, c := range map[string]struct{ given, want []byte }{
		"the kitchen's own":  {speech.Kitchen, speech.Workshop},
		"the workshop's own": {speech.Workshop, speech.Kitchen},
	} {
		_, workshop, err := microphones(saved(t, "in.wav", c.given))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(workshop, c.want) {
			t.Errorf("%s: the workshop says the same", name)
		}
	}
}
