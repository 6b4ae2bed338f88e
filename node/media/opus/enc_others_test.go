package opus

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/bits"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	pion "github.com/pion/opus"
)

// ways are many ways to encode, for others to decode.
func ways() (configs []EncoderConfig) {
	for i, ms := range []int{10, 20, 40, 60, 80, 100, 120} {
		for _, b := range []Bandwidth{Narrow, Medium, Wide} {
			configs = append(configs, EncoderConfig{
				Bitrate: 12000 + 4000*int(b) + 2000*i, Complexity: (3*i + int(b)) % 11, FrameMS: ms, Bandwidth: b,
				CBR: i%3 == 1, FEC: i%2 == 1, ExpectedLoss: 10 * (i % 2), DTX: i%4 == 3,
			})
		}
	}
	return configs
}

// TestPionUnderstands has every packet decoded by a decoder that others wrote
// from the specification.
func TestPionUnderstands(t *testing.T) {
	sound := heard(t)
	for _, c := range ways() {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			d, err := pion.NewDecoderWithOutput(16000, 1)
			if err != nil {
				t.Fatal(err)
			}
			var got []int16
			out := make([]int16, 1920)
			for i, p := range encodeAll(t, newEncoder(t, c), sound) {
				if len(p.data) <= 3 { // it has nothing for what is not sent
					got = append(got, make([]int16, c.FrameMS*16)...)
					continue
				}
				n, err := d.DecodeToInt16(p.data, out)
				if err != nil {
					t.Fatalf("packet %d: %v", i, err)
				}
				got = append(got, out[:n]...)
			}
			if like, delay := likeness(got, sound); like < 0.8 || delay > 150 {
				t.Errorf("likeness %.3f after %d samples", like, delay)
			}
		})
	}
}

// TestOpusdecUnderstands has every packet decoded by Debian's opusdec, out of
// an Ogg file.
func TestOpusdecUnderstands(t *testing.T) {
	if testing.Short() {
		t.Skip("starts opusdec")
	}
	program, err := exec.LookPath("opusdec")
	if err != nil {
		missing(t, "opusdec")
	}
	sound := heard(t)
	for i, c := range ways() {
		packets := encodeAll(t, newEncoder(t, c), sound)
		in, out := filepath.Join(t.TempDir(), "in.opus"), filepath.Join(t.TempDir(), "out.raw")
		if err := os.WriteFile(in, ogg(packets, c.FrameMS), 0o600); err != nil {
			t.Fatal(err)
		}
		said, err := exec.Command(program, "--quiet", "--no-dither", "--rate", "16000", in, out).CombinedOutput()
		if err != nil {
			t.Fatalf("%+v: %v: %s", c, err, said)
		}
		raw, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]int16, len(raw)/2)
		for i := range got {
			got[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
		}
		if want := len(packets) * c.FrameMS * 16; len(got) < want-16 || len(got) > want {
			t.Errorf("%d: %+v: %d samples, want %d", i, c, len(got), want)
		}
		if like, delay := likeness(got, sound); like < 0.8 || delay > 150 {
			t.Errorf("%d: %+v: likeness %.3f after %d samples", i, c, like, delay)
		}
	}
}

// TestLibopusUnderstands has every packet decoded by Debian's libopus: its final
// ranges are the encoder's, and it hears what our decoder hears.
func TestLibopusUnderstands(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a C compiler")
	}
	l := newLibopus(t)
	sound := heard(t)
	for _, c := range ways() {
		packets := encodeAll(t, newEncoder(t, c), sound)
		var file []byte
		for _, p := range packets {
			file = binary.BigEndian.AppendUint32(file, uint32(len(p.data)))
			file = append(binary.BigEndian.AppendUint32(file, p.finalRange), p.data...)
		}
		want := l.run(file, "decode", "16000")
		sound, _ := decodeAll(t, packets, 16000)
		if got := bytesOf(sound); c.DTX && len(got) != len(want) || !c.DTX && !bytes.Equal(got, want) {
			t.Errorf("%+v: %s", c, difference(got, want))
		}
	}
}

// ogg puts packets into a file, RFC 7845, one packet a page.
func ogg(packets []codedPacket, ms int) (file []byte) {
	head := []byte("OpusHead\x01\x01\x00\x00\x80\x3e\x00\x00\x00\x00\x00")
	tags := append([]byte("OpusTags"), 0, 0, 0, 0, 0, 0, 0, 0)
	file = appendPage(file, 2, 0, 0, head)
	file = appendPage(file, 0, 0, 1, tags)
	for i, p := range packets {
		kind := byte(0)
		if i == len(packets)-1 {
			kind = 4
		}
		file = appendPage(file, kind, uint64((i+1)*ms*48), uint32(2+i), p.data)
	}
	return file
}

// appendPage writes a page, RFC 3533 section 6.
func appendPage(file []byte, kind byte, granule uint64, number uint32, packet []byte) []byte {
	start := len(file)
	file = append(file, "OggS\x00"...)
	file = append(file, kind)
	file = binary.LittleEndian.AppendUint64(file, granule)
	file = append(file, "Peer"...)
	file = binary.LittleEndian.AppendUint32(file, number)
	file = append(file, 0, 0, 0, 0, byte(len(packet)/255+1))
	for n := len(packet); n >= 0; n -= 255 {
		file = append(file, byte(min(n, 255)))
	}
	file = append(file, packet...)
	binary.LittleEndian.PutUint32(file[start+22:], oggSum(file[start:]))
	return file
}

// oggSum is a CRC whose bits go the other way than those of hash/crc32.
func oggSum(page []byte) uint32 {
	turned := make([]byte, len(page))
	for i, b := range page {
		turned[i] = bits.Reverse8(b)
	}
	// No inversion at either end: undo that of the package.
	return bits.Reverse32(^crc32.Update(^uint32(0), crc32.IEEETable, turned))
}
