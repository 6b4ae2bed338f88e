package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// WAV is a recording: mono, 16 bits.
type WAV struct {
	Rate int // samples per second
	PCM  []int16
}

const (
	// MaxWAV is the largest file that ReadWAV takes, in bytes.
	MaxWAV = 256 << 20
	// wavHeader is the size of the header that WriteWAV makes.
	wavHeader = 44
	// waveExtensible is a format tag that names the real format further on.
	waveExtensible = 0xfffe
	minRate        = 4000
	maxRate        = 192000
)

// Errors of ReadWAV and ParseWAV; what they wrap says more.
var (
	ErrNotWAV    = errors.New("not a WAV file")
	ErrEmptyWAV  = errors.New("the WAV file holds no sound")
	ErrWAVFormat = errors.New("unsupported WAV format")
)

// ReadWAV reads a file. Its errors are one line with the file's name and the
// reason.
func ReadWAV(name string) (WAV, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return WAV{}, err
	case !info.Mode().IsRegular():
		return WAV{}, fmt.Errorf("%s: %w: not a regular file", name, ErrNotWAV)
	case info.Size() == 0:
		return WAV{}, fmt.Errorf("%s: %w: the file is empty", name, ErrEmptyWAV)
	case info.Size() > MaxWAV:
		return WAV{}, fmt.Errorf("%s: %w: larger than %d MB", name, ErrWAVFormat, MaxWAV>>20)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return WAV{}, err
	}
	w, err := ParseWAV(b)
	if err != nil {
		return WAV{}, fmt.Errorf("%s: %w", name, err)
	}
	return w, nil
}

// ParseWAV reads a RIFF WAVE of one channel of 16-bit linear PCM. Chunks that
// it does not know are passed over. A data chunk that is cut short, or whose
// length was never filled in, ends where the file ends.
func ParseWAV(b []byte) (WAV, error) {
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return WAV{}, fmt.Errorf("%w: no RIFF WAVE header", ErrNotWAV)
	}
	var w WAV
	for rest := b[12:]; len(rest) >= 8; {
		id, size := string(rest[:4]), uint64(binary.LittleEndian.Uint32(rest[4:]))
		body := rest[8:]
		if size > uint64(len(body)) && id != "data" {
			return WAV{}, fmt.Errorf("%w: chunk %q is cut short", ErrNotWAV, id)
		}
		body = body[:min(size, uint64(len(body)))]
		switch id {
		case "fmt ":
			if err := w.parseFormat(body); err != nil {
				return WAV{}, err
			}
		case "data":
			return w.parseData(body)
		}
		rest = rest[min(uint64(len(rest)), 8+size+size&1):]
	}
	return WAV{}, fmt.Errorf("%w: no data chunk", ErrEmptyWAV)
}

// parseFormat reads a "fmt " chunk:
//
//	2  format tag, 1 for linear PCM
//	2  channels
//	4  rate
//	4  bytes per second
//	2  bytes per sample of all channels
//	2  bits per sample
//	   with tag 0xfffe: 2 size, 2 valid bits, 4 mask, 2 real tag, 14 rest
func (w *WAV) parseFormat(b []byte) error {
	if len(b) < 16 {
		return fmt.Errorf("%w: the fmt chunk has %d bytes", ErrNotWAV, len(b))
	}
	tag := binary.LittleEndian.Uint16(b)
	if tag == waveExtensible && len(b) >= 26 {
		tag = binary.LittleEndian.Uint16(b[24:])
	}
	channels, bits := binary.LittleEndian.Uint16(b[2:]), binary.LittleEndian.Uint16(b[14:])
	rate := binary.LittleEndian.Uint32(b[4:])
	if tag != 1 || channels != 1 || bits != 16 {
		return fmt.Errorf("%w: %s, %d channels, %d bits; wanted linear PCM, 1 channel, 16 bits",
			ErrWAVFormat, tagName(tag), channels, bits)
	}
	if rate < minRate || rate > maxRate {
		return fmt.Errorf("%w: %d samples per second", ErrWAVFormat, rate)
	}
	w.Rate = int(rate)
	return nil
}

func tagName(tag uint16) string {
	switch tag {
	case 1:
		return "linear PCM"
	case 3:
		return "floating point"
	case 6:
		return "A-law"
	case 7:
		return "mu-law"
	case 0x55:
		return "MP3"
	}
	return fmt.Sprintf("format 0x%04x", tag)
}

func (w *WAV) parseData(b []byte) (WAV, error) {
	switch {
	case w.Rate == 0:
		return WAV{}, fmt.Errorf("%w: the data comes before the format", ErrNotWAV)
	case len(b) < 2:
		return WAV{}, fmt.Errorf("%w: the data chunk is empty", ErrEmptyWAV)
	}
	w.PCM = make([]int16, len(b)/2)
	for i := range w.PCM {
		w.PCM[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return *w, nil
}

// AppendWAV appends w as a file.
func AppendWAV(dst []byte, w WAV) []byte {
	dst = appendWAVHeader(dst, w.Rate, len(w.PCM))
	return appendPCM(dst, w.PCM)
}

// WriteWAV writes w into a file.
func WriteWAV(name string, w WAV) error {
	return os.WriteFile(name, AppendWAV(make([]byte, 0, wavHeader+2*len(w.PCM)), w), 0o644)
}

func appendPCM(dst []byte, pcm []int16) []byte {
	for _, s := range pcm {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(s))
	}
	return dst
}

// appendWAVHeader appends the header of a file with so many samples.
func appendWAVHeader(dst []byte, rate, samples int) []byte {
	le := binary.LittleEndian
	dst = append(dst, "RIFF"...)
	dst = le.AppendUint32(dst, uint32(wavHeader-8+2*samples))
	dst = append(dst, "WAVEfmt "...)
	dst = le.AppendUint32(dst, 16)
	dst = le.AppendUint16(dst, 1)
	dst = le.AppendUint16(dst, 1)
	dst = le.AppendUint32(dst, uint32(rate))
	dst = le.AppendUint32(dst, uint32(2*rate))
	dst = le.AppendUint16(dst, 2)
	dst = le.AppendUint16(dst, 16)
	dst = append(dst, "data"...)
	return le.AppendUint32(dst, uint32(2*samples))
}
