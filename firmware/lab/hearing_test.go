package main

import (
	"os"
	"slices"
	"testing"

	"peerphone/firmware/lab/judge"
	"peerphone/firmware/lab/wav"
)

func TestReadStamps(t *testing.T) {
	for _, c := range []struct {
		text string
		want []judge.Stamp
	}{
		{"0 1000\n160 2000\n", []judge.Stamp{{Sample: 0, At: 1000}, {Sample: 160, At: 2000}}},
		{"0 1000\n160 2000\n0 9000\n160 9500\n", []judge.Stamp{{Sample: 0, At: 9000}, {Sample: 160, At: 9500}}},
		{"", nil},
		{"0\n", nil},
		{"a b\n", nil},
		{"0 1000\n16", nil},
	} {
		got, err := readStamps(saved(t, "mic.stamps", []byte(c.text)))
		if !slices.Equal(got, c.want) || (err == nil) != (c.want != nil) {
			t.Errorf("%q: %v, %v, want %v", c.text, got, err, c.want)
		}
	}
}

// TestSaidGoesRound: a microphone's recording begins anew when it ends.
func TestSaidGoesRound(t *testing.T) {
	dir := folder(t.TempDir())
	mic := wav.Sound{Rate: judge.Rate, PCM: make([]int16, 100)}
	for i := range mic.PCM {
		mic.PCM[i] = int16(i + 1)
	}
	for name, text := range map[string]string{micFile: string(wav.AppendFile(nil, mic)), micStamps: "0 0\n160 10000000\n"} {
		if err := os.WriteFile(dir.path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	said, err := readSaid(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(said.PCM) != 320 || said.PCM[99] != 100 || said.PCM[100] != 1 || said.PCM[319] != 20 {
		t.Errorf("%d samples: %v", len(said.PCM), said.PCM)
	}
}
