package sim

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// wavFile is a WAV file with these fields of its format.
func wavFile(tag, channels, bits uint16, rate uint32, data []byte) []byte {
	b := appendWAVHeader(nil, int(rate), len(data)/2)
	binary.LittleEndian.PutUint16(b[20:], tag)
	binary.LittleEndian.PutUint16(b[22:], channels)
	binary.LittleEndian.PutUint16(b[34:], bits)
	return append(b, data...)
}

func TestWAVErrorsNameTheFileAndTheReason(t *testing.T) {
	good := wavFile(1, 1, 16, 16000, make([]byte, 32))
	for _, c := range []struct {
		name string
		data []byte
		is   error
		says string
	}{
		{"text.wav", []byte("this is a text, not a sound\n"), ErrNotWAV, "no RIFF WAVE header"},
		{"nothing.wav", nil, ErrEmptyWAV, "the file is empty"},
		{"short.wav", good[:10], ErrNotWAV, "no RIFF WAVE header"},
		{"header.wav", good[:36], ErrEmptyWAV, "no data chunk"},
		{"silent.wav", good[:44], ErrEmptyWAV, "the data chunk is empty"},
		{"stereo.wav", wavFile(1, 2, 16, 44100, make([]byte, 32)), ErrWAVFormat, "linear PCM, 2 channels, 16 bits"},
		{"float.wav", wavFile(3, 1, 32, 44100, make([]byte, 32)), ErrWAVFormat, "floating point, 1 channels, 32 bits"},
		{"alaw.wav", wavFile(6, 1, 8, 8000, make([]byte, 32)), ErrWAVFormat, "A-law"},
		{"odd.wav", wavFile(1, 1, 16, 7, make([]byte, 32)), ErrWAVFormat, "7 samples per second"},
		{"nofmt.wav", append(append([]byte{}, good[:12]...), good[36:]...), ErrNotWAV, "before the format"},
	} {
		name := filepath.Join(t.TempDir(), c.name)
		if err := os.WriteFile(name, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ReadWAV(name)
		if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) ||
			!strings.HasPrefix(err.Error(), name+": ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %q, want %q in one line", c.name, err, c.says)
		}
	}
	if _, err := ReadWAV(filepath.Join(t.TempDir(), "none.wav")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := ReadWAV(t.TempDir()); !errors.Is(err, ErrNotWAV) {
		t.Errorf("a folder: %v", err)
	}
}

func TestWAVComesBackAsItWas(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.wav")
	want := WAV{48000, []int16{0, 1, -1, 32767, -32768}}
	if err := WriteWAV(name, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadWAV(name)
	if err != nil || got.Rate != want.Rate || !slices.Equal(got.PCM, want.PCM) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestWAVPassesOverOtherChunks(t *testing.T) {
	b := AppendWAV(nil, WAV{16000, []int16{5, 6}})
	list := []byte("LIST\x03\x00\x00\x00abc\x00") // odd, so padded
	b = slices.Insert(b, 12, list...)
	w, err := ParseWAV(b)
	if err != nil || !slices.Equal(w.PCM, []int16{5, 6}) {
		t.Errorf("got %v, %v", w, err)
	}
	// A length that was never filled in, as a killed recorder leaves it.
	b = AppendWAV(nil, WAV{16000, []int16{5, 6}})
	binary.LittleEndian.PutUint32(b[40:], 0xffffffff)
	if w, err := ParseWAV(b); err != nil || len(w.PCM) != 2 {
		t.Errorf("got %v, %v", w, err)
	}
}

func FuzzParseWAV(f *testing.F) {
	f.Add(AppendWAV(nil, WAV{16000, []int16{1, 2, 3}}))
	f.Add(wavFile(waveExtensible, 1, 16, 48000, []byte{1, 2}))
	f.Add([]byte("RIFF\xff\xff\xff\xffWAVELIST\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		w, err := ParseWAV(b)
		if err != nil {
			return
		}
		if len(w.PCM) == 0 || 2*len(w.PCM) > len(b) || w.Rate < minRate || w.Rate > maxRate {
			t.Fatalf("%d samples at %d Hz out of %d bytes", len(w.PCM), w.Rate, len(b))
		}
		again, err := ParseWAV(AppendWAV(nil, w))
		if err != nil || again.Rate != w.Rate || !slices.Equal(again.PCM, w.PCM) {
			t.Fatalf("it does not come back: %v", err)
		}
	})
}
