// Package wav reads the recordings that people have and writes the ones that
// the phones play: uncompressed WAV files of 16 bits.
//
// Read: RIFF/WAVE, format 1 (PCM) or 0xFFFE (extensible) with the PCM subtype,
// 16 bits, one or two channels, any rate from Least to Most. Chunks other than
// "fmt " and "data" are passed over. A data chunk that says it is longer than the
// file, as programs write that do not know the length yet, ends with the file.
package wav

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Errors of Parse. The text says to a person what is wrong with the file, for
// a line that begins with its name.
var (
	ErrEmpty  = errors.New("is empty")
	ErrNoWAV  = errors.New("is no WAV file")
	ErrSilent = errors.New("holds no sound")
	ErrFormat = errors.New("unsupported format")
)

// Least and Most are the sample rates between which Parse takes any, in Hz.
const (
	Least = 8000
	Most  = 192000
)

// Sound is mono sound.
type Sound struct {
	Rate int // samples per second
	PCM  []int16
}

// Seconds is how long the sound lasts.
func (s Sound) Seconds() float64 { return float64(len(s.PCM)) / float64(s.Rate) }

// layout is what a "fmt " chunk says.
type layout struct {
	coding   uint16
	channels int
	rate     int
	bits     int
}

// Parse reads a WAV file; two channels are mixed into one. It returns
// ErrEmpty, ErrNoWAV, ErrFormat, or ErrSilent if there is not one sample or no
// sample but zero.
func Parse(file []byte) (Sound, error) {
	if len(file) == 0 {
		return Sound{}, ErrEmpty
	}
	if len(file) < 12 || string(file[:4]) != "RIFF" || string(file[8:12]) != "WAVE" {
		return Sound{}, ErrNoWAV
	}
	format, data, err := chunks(file[12:])
	if err != nil {
		return Sound{}, err
	}
	if err := format.check(); err != nil {
		return Sound{}, err
	}
	s := Sound{Rate: format.rate, PCM: mono(data, format.channels)}
	if !slices.ContainsFunc(s.PCM, func(v int16) bool { return v != 0 }) {
		return Sound{}, ErrSilent
	}
	return s, nil
}

// chunks finds the format and the samples.
func chunks(rest []byte) (f layout, data []byte, err error) {
	known := false
	for len(rest) >= 8 {
		name, size := string(rest[:4]), uint64(binary.LittleEndian.Uint32(rest[4:]))
		body := rest[8:]
		body = body[:min(size, uint64(len(body)))]
		switch name {
		case "fmt ":
			if f, err = parseLayout(body); err != nil {
				return f, nil, err
			}
			known = true
		case "data":
			if !known {
				return f, nil, fmt.Errorf("%w: the sound comes before its format", ErrNoWAV)
			}
			return f, body, nil
		}
		step := min(8+size+size%2, uint64(len(rest))) // chunks begin at even places
		rest = rest[step:]
	}
	return f, nil, fmt.Errorf("%w: it has no sound chunk", ErrNoWAV)
}

func parseLayout(b []byte) (layout, error) {
	if len(b) < 16 {
		return layout{}, fmt.Errorf("%w: its format chunk is cut off", ErrNoWAV)
	}
	f := layout{
		coding:   binary.LittleEndian.Uint16(b),
		channels: int(binary.LittleEndian.Uint16(b[2:])),
		rate:     int(binary.LittleEndian.Uint32(b[4:])),
		bits:     int(binary.LittleEndian.Uint16(b[14:])),
	}
	const extensible = 0xFFFE
	if f.coding == extensible && len(b) >= 26 {
		f.coding = binary.LittleEndian.Uint16(b[24:]) // the subtype's first two bytes
	}
	return f, nil
}

// codings are the names of the codings that people meet, to be told.
var codings = map[uint16]string{2: "ADPCM", 3: "floating point", 6: "A-law", 7: "mu-law", 17: "IMA ADPCM", 85: "MP3"}

func (f layout) check() error {
	const pcm = 1
	switch {
	case f.coding != pcm && codings[f.coding] != "":
		return fmt.Errorf("%w: %s, want plain 16-bit PCM", ErrFormat, codings[f.coding])
	case f.coding != pcm:
		return fmt.Errorf("%w: coding %d, want plain 16-bit PCM", ErrFormat, f.coding)
	case f.bits != 16:
		return fmt.Errorf("%w: %d bits, want 16", ErrFormat, f.bits)
	case f.channels != 1 && f.channels != 2:
		return fmt.Errorf("%w: %d channels, want 1 or 2", ErrFormat, f.channels)
	case f.rate < Least || f.rate > Most:
		return fmt.Errorf("%w: %d Hz, want %d to %d", ErrFormat, f.rate, Least, Most)
	}
	return nil
}

// mono takes the mean of the channels; what is left of a cut sample is dropped.
func mono(data []byte, channels int) []int16 {
	pcm := make([]int16, len(data)/(2*channels))
	for i := range pcm {
		sum := 0
		for c := range channels {
			sum += int(int16(binary.LittleEndian.Uint16(data[2*(i*channels+c):])))
		}
		pcm[i] = int16(sum / channels)
	}
	return pcm
}

// AppendFile appends a whole WAV file that holds s.
func AppendFile(dst []byte, s Sound) []byte {
	le := binary.LittleEndian
	size := uint32(2 * len(s.PCM))
	dst = append(dst, "RIFF"...)
	dst = le.AppendUint32(dst, 36+size)
	dst = append(dst, "WAVEfmt "...)
	dst = le.AppendUint32(dst, 16)
	dst = le.AppendUint16(dst, 1) // PCM
	dst = le.AppendUint16(dst, 1) // channels
	dst = le.AppendUint32(dst, uint32(s.Rate))
	dst = le.AppendUint32(dst, uint32(2*s.Rate)) // bytes per second
	dst = le.AppendUint16(dst, 2)                // bytes per sample
	dst = le.AppendUint16(dst, 16)               // bits
	dst = append(dst, "data"...)
	dst = le.AppendUint32(dst, size)
	for _, v := range s.PCM {
		dst = le.AppendUint16(dst, uint16(v))
	}
	return dst
}
