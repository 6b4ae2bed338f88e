package wav

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

// file builds a WAV file with any header.
func file(coding, channels, bits uint16, rate uint32, data []byte) []byte {
	b := AppendFile(nil, Sound{Rate: int(rate)})
	binary.LittleEndian.PutUint16(b[20:], coding)
	binary.LittleEndian.PutUint16(b[22:], channels)
	binary.LittleEndian.PutUint16(b[34:], bits)
	binary.LittleEndian.PutUint32(b[40:], uint32(len(data)))
	return append(b, data...)
}

// rates are those that people have files in, and one that nobody has.
var rates = []int{8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 96000, 192000, 16001}

func tone(rate int, hz, seconds float64) Sound {
	s := Sound{Rate: rate, PCM: make([]int16, int(seconds*float64(rate)))}
	for i := range s.PCM {
		s.PCM[i] = int16(math.Round(10000 * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))))
	}
	return s
}

func TestRoundTrip(t *testing.T) {
	for _, rate := range rates {
		want := tone(rate, 440, .1)
		got, err := Parse(AppendFile(nil, want))
		if err != nil {
			t.Fatal(err)
		}
		if got.Rate != rate || !slices.Equal(got.PCM, want.PCM) {
			t.Errorf("%d Hz: other sound came back", rate)
		}
	}
}

func TestStereoIsMixed(t *testing.T) {
	got, err := Parse(file(1, 2, 16, 16000, []byte{100, 0, 200, 0, 0, 0, 10, 0, 77}))
	if err != nil {
		t.Fatal(err)
	}
	if want := []int16{150, 5}; !slices.Equal(got.PCM, want) {
		t.Errorf("got %v, want %v", got.PCM, want)
	}
}

// TestOddHeaders are files that other programs write.
func TestOddHeaders(t *testing.T) {
	plain := file(1, 1, 16, 16000, []byte{1, 0, 2, 0})
	list := append(slices.Clone(plain[:36]), "LIST\x03\x00\x00\x00abc\x00"...)
	list = append(list, plain[36:]...)
	piped := slices.Clone(plain)
	binary.LittleEndian.PutUint32(piped[40:], 0xFFFFFFFF)
	extensible := append(slices.Clone(plain[:16]), 40, 0, 0, 0, 0xFE, 0xFF)
	extensible = append(extensible, plain[22:36]...)
	extensible = append(extensible, 22, 0, 16, 0, 4, 0, 0, 0, 1, 0)
	extensible = append(extensible, make([]byte, 14)...)
	extensible = append(extensible, plain[36:]...)
	for name, f := range map[string][]byte{"plain": plain, "list": list, "piped": piped, "extensible": extensible} {
		got, err := Parse(f)
		if err != nil || !slices.Equal(got.PCM, []int16{1, 2}) {
			t.Errorf("%s: %v, %v", name, got.PCM, err)
		}
	}
}

func TestRefused(t *testing.T) {
	sound := []byte{1, 0, 2, 0}
	for _, c := range []struct {
		about string
		file  []byte
		want  error
		text  string
	}{
		{"nothing", nil, ErrEmpty, "is empty"},
		{"text", []byte("hello, this is a letter to you"), ErrNoWAV, "is no WAV file"},
		{"short", []byte("RIFF"), ErrNoWAV, "is no WAV file"},
		{"no chunks", []byte("RIFF\x04\x00\x00\x00WAVE"), ErrNoWAV, "no sound chunk"},
		{"data first", []byte("RIFF\x04\x00\x00\x00WAVEdata\x02\x00\x00\x00ab"), ErrNoWAV, "before its format"},
		{"cut format", []byte("RIFF\x04\x00\x00\x00WAVEfmt \x10\x00\x00\x00ab"), ErrNoWAV, "cut off"},
		{"no samples", file(1, 1, 16, 16000, nil), ErrSilent, "holds no sound"},
		{"zeros", file(1, 1, 16, 16000, make([]byte, 64)), ErrSilent, "holds no sound"},
		{"8 bits", file(1, 1, 8, 16000, sound), ErrFormat, "8 bits, want 16"},
		{"24 bits", file(1, 1, 24, 16000, sound), ErrFormat, "24 bits, want 16"},
		{"float", file(3, 1, 32, 16000, sound), ErrFormat, "floating point"},
		{"mp3", file(85, 1, 16, 16000, sound), ErrFormat, "MP3"},
		{"odd coding", file(999, 1, 16, 16000, sound), ErrFormat, "coding 999"},
		{"six channels", file(1, 6, 16, 16000, sound), ErrFormat, "6 channels"},
		{"no channels", file(1, 0, 16, 16000, sound), ErrFormat, "0 channels"},
		{"odd rate", file(1, 1, 16, 7350, sound), ErrFormat, "7350 Hz"},
	} {
		_, err := Parse(c.file)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got %v, want %v with %q", c.about, err, c.want, c.text)
		}
	}
}

// TestResample sends a tone through every pair of rates: its level stays, and
// nothing else appears.
func TestResample(t *testing.T) {
	for _, rate := range rates {
		want := tone(16000, 1000, .5)
		got := tone(rate, 1000, .5).At(16000)
		if len(got.PCM) != len(want.PCM) {
			t.Errorf("%d Hz: %d samples, want %d", rate, len(got.PCM), len(want.PCM))
			continue
		}
		signal, fault := 0.0, 0.0
		for i := 400; i < len(want.PCM)-400; i++ { // the ends ring
			signal += math.Pow(float64(want.PCM[i]), 2)
			fault += math.Pow(float64(want.PCM[i])-float64(got.PCM[i]), 2)
		}
		if db := 10 * math.Log10(signal/(fault+1)); db < 60 {
			t.Errorf("%d Hz: signal to fault %.1f dB, want 60", rate, db)
		}
	}
}

// TestNoAliases: what 16 kHz cannot hold must vanish, not fold down.
func TestNoAliases(t *testing.T) {
	got := tone(48000, 9500, .2).At(16000)
	for i, v := range got.PCM[100 : len(got.PCM)-100] {
		if v > 10 || v < -10 {
			t.Fatalf("sample %d is %d: 9,500 Hz folded down", i, v)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{})
	f.Add(file(1, 2, 16, 44100, []byte{1, 2, 3, 4, 5, 6, 7, 8}))
	f.Add(file(0xFFFE, 1, 16, 8000, []byte{1, 2}))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Parse(b)
		if err != nil {
			return
		}
		again, err := Parse(AppendFile(nil, s))
		if err != nil || again.Rate != s.Rate || !slices.Equal(again.PCM, s.PCM) {
			t.Fatalf("parse, append, parse: %v", err)
		}
	})
}
