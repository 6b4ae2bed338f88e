package dsp

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"testing"
)

// golden is the hash of everything that this package makes of one sound. Other
// processors must make the same; a change of the arithmetic changes it.
const golden = "2d16e277f42becb3bde63af582000eedf72a1c8ba80c92f5bcdc84d387c781f1"

// babble is a sound with tones, noise, rails and silence, from integers only.
func babble(n int) []int16 {
	x := make([]int16, n)
	seed, phase := uint32(1), uint32(0)
	for i := range x {
		seed = seed*1664525 + 1013904223
		hiss := int32(seed) >> 16
		phase += 30000000 + uint32(i)*1000
		switch i / 1600 % 5 {
		case 0:
			x[i] = int16(sin(phase) / 2)
		case 1:
			x[i] = int16(hiss >> 3)
		case 2:
			x[i] = Saturate(sin(phase)*2 + hiss)
		case 3:
			x[i] = int16(hiss >> 9)
		}
	}
	return x
}

// tally hashes what is made.
type tally struct{ sums []byte }

func (s *tally) add(x []int16) { s.sums = binary.LittleEndian.AppendUint64(s.sums, checksum(x)) }

func (s *tally) number(v int64) { s.sums = binary.LittleEndian.AppendUint64(s.sums, uint64(v)) }

func checksum(x []int16) uint64 {
	b := make([]byte, 0, 2*len(x))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	h := sha256.Sum256(b)
	return binary.LittleEndian.Uint64(h[:])
}

func TestGolden(t *testing.T) {
	var s tally
	x := babble(2 * Rate)
	for _, pair := range [][2]int{{16000, 48000}, {48000, 16000}, {16000, 44100}, {44100, 16000}, {16000, 8000}, {8000, 16000}} {
		for _, ppm := range []int64{0, 321} {
			r := converter(t, pair[0], pair[1])
			r.Speed(ppm << 32 / 1000000)
			s.add(r.all(x))
		}
	}
	measure(&s, x)
	make10ms(&s, x)
	got := fmt.Sprintf("%x", sha256.Sum256(s.sums))
	if got != golden {
		t.Errorf("the hash is %s, want %s", got, golden)
	}
}

// measure adds what meters and detectors say.
func measure(s *tally, x []int16) {
	var m Meter
	var l SpeechLevel
	var d DTMFDetector
	for at := 0; at+Unit <= len(x); at += Unit {
		m.Add(x[at : at+Unit])
		l.Add(x[at : at+Unit])
		s.number(int64(m.RMS())<<32 | int64(m.Peak())<<16 | int64(d.Hear(x[at:at+Unit])))
	}
	active, mean := l.Level()
	s.number(int64(active)<<16 + int64(mean))
}

// make10ms adds what is made in units: a mix, tones, keys, noise, made-up and
// stretched sound.
func make10ms(s *tally, x []int16) {
	mixer := NewMixer(3)
	var tone Tone
	var keys DTMF
	var noise ComfortNoise
	var conceal Concealer
	tone.Set(Busy)
	keys.Press('8')
	keys.Press('D')
	out := [][]int16{make([]int16, Unit), make([]int16, Unit), nil}
	for at := 0; at+4*Unit <= len(x); at += Unit {
		unit := x[at : at+Unit]
		mixer.Mix(out, [][]int16{unit, x[at+Unit : at+2*Unit], x[at+2*Unit : at+3*Unit]})
		s.add(out[0])
		tone.Add(out[1])
		keys.Add(out[1])
		s.add(out[1])
		noise.Hear(unit)
		noise.Make(out[0])
		s.add(out[0])
		conceal.Hear(unit)
		conceal.Conceal(out[0])
		s.add(out[0])
		four := append([]int16(nil), x[at:at+4*Unit]...)
		s.number(int64(Shorten(four, MaxPitch, 0)))
		s.add(four)
	}
}
