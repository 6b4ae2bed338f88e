package opus

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "make the streams and hashes in testdata anew")

// A stream is a file in testdata and how libopus.c encoded it.
type stream struct {
	name   string
	how    string // BANDWIDTH MS BITRATE VBR FEC DTX [BANDWIDTH2]
	change bool   // the bandwidth changes; libopus puts a CELT frame there
}

var streams = []stream{
	{name: "narrow20", how: "1101 20 8000 1 0 0"},
	{name: "narrow10", how: "1101 10 16000 1 0 0"},
	{name: "medium60", how: "1102 60 12000 1 0 0"},
	{name: "wide10", how: "1103 10 24000 1 0 0"},
	{name: "wide20fec", how: "1103 20 24000 1 1 0"},
	{name: "wide20cbr", how: "1103 20 16000 0 0 0"},
	{name: "wide20dtx", how: "1103 20 16000 1 0 1"},
	{name: "wide40fec", how: "1103 40 36000 1 1 0"},
	{name: "wide60fec", how: "1103 60 36000 1 1 0"},
	{name: "wide120", how: "1103 120 14000 1 0 0"},
	{name: "change20", how: "1101 20 16000 1 0 0 1103", change: true},
}

// A coded packet is one of a stream's.
type codedPacket struct {
	data       []byte
	finalRange uint32
}

func parseStream(t testing.TB, data []byte) (packets []codedPacket) {
	t.Helper()
	for len(data) > 0 {
		if len(data) < 8 || len(data)-8 < int(binary.BigEndian.Uint32(data)) {
			t.Fatal("stream ends within a packet")
		}
		n := binary.BigEndian.Uint32(data)
		packets = append(packets, codedPacket{data[8:][:n], binary.BigEndian.Uint32(data[4:])})
		data = data[8+n:]
	}
	return packets
}

func readStream(t testing.TB, name string) []codedPacket {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".bit"))
	if err != nil {
		t.Fatal(err)
	}
	return parseStream(t, data)
}

func newDecoder(t testing.TB, hz int) *Decoder {
	t.Helper()
	d, err := NewDecoder(hz)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// decodeAll decodes a stream and holds every final range to the encoder's.
func decodeAll(t testing.TB, packets []codedPacket, hz int) (sound []int16, trailers int) {
	t.Helper()
	d := newDecoder(t, hz)
	pcm := make([]int16, hz/1000*120)
	for i, p := range packets {
		n, err := d.Decode(pcm, p.data)
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		switch {
		case d.Trailer():
			trailers++
		case d.FinalRange() != p.finalRange:
			t.Fatalf("packet %d: final range %#x, want %#x", i, d.FinalRange(), p.finalRange)
		}
		sound = append(sound, pcm[:n]...)
	}
	return sound, trailers
}

// decodeLossy loses two packets of every seven in a row, and takes the second
// of them from the packet after it if that has it.
func decodeLossy(t testing.TB, packets []codedPacket, hz int) (sound []int16) {
	t.Helper()
	d := newDecoder(t, hz)
	pcm := make([]int16, hz/1000*120)
	for i, p := range packets {
		info, err := Parse(p.data)
		if err != nil {
			t.Fatal(err)
		}
		n := int(info.Duration()/time.Millisecond) * hz / 1000
		switch {
		case i%7 == 4:
			d.Conceal(pcm[:n])
		case i%7 == 5 && i+1 < len(packets):
			err = d.DecodeFEC(pcm[:n], packets[i+1].data)
		default:
			n, err = d.Decode(pcm, p.data)
		}
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		sound = append(sound, pcm[:n]...)
	}
	return sound
}

func bytesOf(sound []int16) []byte {
	b := make([]byte, 0, 2*len(sound))
	for _, s := range sound {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	return b
}

func hash(sound []int16) string {
	sum := sha256.Sum256(bytesOf(sound))
	return fmt.Sprintf("%x", sum[:8])
}

// TestGolden decodes the streams of testdata to the same bytes on every
// processor.
func TestGolden(t *testing.T) {
	if *update {
		makeStreams(t)
	}
	var got strings.Builder
	for _, s := range streams {
		packets := readStream(t, s.name)
		for _, hz := range []int{8000, 12000, 16000, 24000, 48000} {
			sound, trailers := decodeAll(t, packets, hz)
			if (trailers > 0) != s.change {
				t.Errorf("%s: %d trailers", s.name, trailers)
			}
			fmt.Fprintf(&got, "%s %d %s\n", s.name, hz, hash(sound))
		}
		fmt.Fprintf(&got, "%s lossy %s\n", s.name, hash(decodeLossy(t, packets, 16000)))
	}
	name := filepath.Join("testdata", "golden.txt")
	if *update {
		if err := os.WriteFile(name, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(want), "\n")
	for i, line := range strings.Split(got.String(), "\n") {
		if i >= len(lines) || line != lines[i] {
			t.Errorf("line %d: got %q, want %q", i+1, line, lines[min(i, len(lines)-1)])
		}
	}
}

func makeStreams(t *testing.T) {
	l := newLibopus(t)
	clip := speech(t)
	for _, s := range streams {
		data := l.run(clip, append([]string{"encode"}, strings.Fields(s.how)...)...)
		if err := os.WriteFile(filepath.Join("testdata", s.name+".bit"), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// missing skips the test, since a tool is not there; where all tools are to be
// there it fails.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing", what)
	}
	t.Skipf("%s is missing", what)
}

// libopus is the program of testdata/libopus.c.
type libopus struct {
	t    *testing.T
	path string
}

func newLibopus(t *testing.T) libopus {
	t.Helper()
	cc, err := exec.LookPath("cc")
	if err != nil {
		missing(t, "a C compiler")
	}
	path := filepath.Join(t.TempDir(), "libopus")
	out, err := exec.Command(cc, "-O2", "-I/usr/include/opus", "-o", path, "testdata/libopus.c", "-lopus").CombinedOutput()
	if err != nil {
		missing(t, "libopus-dev ("+strings.TrimSpace(string(out))+")")
	}
	return libopus{t, path}
}

func (l libopus) run(input []byte, args ...string) []byte {
	l.t.Helper()
	c := exec.Command(l.path, args...)
	c.Stdin = bytes.NewReader(input)
	out, err := c.Output()
	if err != nil {
		l.t.Fatalf("libopus %v: %v", args, err)
	}
	return out
}

// speech is two sentences of espeak-ng with a second of near silence between
// them, at 16 kHz.
func speech(t *testing.T) []byte {
	t.Helper()
	if _, err := exec.LookPath("espeak-ng"); err != nil {
		missing(t, "espeak-ng")
	}
	var sound []int16
	for _, text := range []string{"Please hold the line.", "She sells sea shells."} {
		wav, err := exec.Command("espeak-ng", "--stdout", "-s", "180", text).Output()
		if err != nil || len(wav) < 44 {
			t.Fatalf("espeak-ng: %v", err)
		}
		sound = append(sound, to16k(wav)...)
		seed := int32(len(sound))
		for range 12000 {
			seed = random(seed)
			sound = append(sound, int16(seed>>28))
		}
	}
	return bytesOf(sound)
}

// to16k draws straight lines between the samples of espeak's WAV of 22050 Hz.
func to16k(wav []byte) []int16 {
	pcm := wav[44:]
	at := func(i int) int { return int(int16(binary.LittleEndian.Uint16(pcm[2*i:]))) }
	var out []int16
	for i := 0; ; i++ {
		place, part := i*22050/16000, i*22050%16000
		if 2*place+4 > len(pcm) {
			return out
		}
		out = append(out, int16((at(place)*(16000-part)+at(place+1)*part)/16000))
	}
}
