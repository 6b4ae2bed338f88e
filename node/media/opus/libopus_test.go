package opus

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestSoundIsThatOfLibopus encodes fresh speech with Debian's libopus and
// compares what both make of it, byte by byte. Two things are left out: empty
// frames, since noise and concealment differ between versions of libopus, and
// changes of the bandwidth, where libopus adds a CELT frame.
func TestSoundIsThatOfLibopus(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a C compiler")
	}
	l := newLibopus(t)
	clip := speech(t)
	r := rand.New(rand.NewPCG(6716, 8251))
	compared := 0
	for i := range 12 {
		band := 1101 + i%3
		ms := []int{10, 20, 40, 60, 80, 100, 120}[r.IntN(7)]
		rate := 10000 + 4000*(band-1101) + r.IntN(20000)
		how := fmt.Sprintf("%d %d %d %d %d 0", band, ms, rate, r.IntN(2), r.IntN(2))
		bit := l.run(clip, append([]string{"encode"}, strings.Fields(how)...)...)
		packets := parseStream(t, bit)
		if slices.ContainsFunc(packets, codedPacket.empty) {
			continue // libopus could not keep to the constant rate
		}
		for _, hz := range []int{8000, 12000, 16000, 24000, 48000} {
			sound, trailers := decodeAll(t, packets, hz)
			if trailers > 0 {
				break // libopus has found the rate too low for the bandwidth
			}
			want := l.run(bit, "decode", fmt.Sprint(hz))
			if got := bytesOf(sound); !bytes.Equal(got, want) {
				t.Errorf("encode %s at %d Hz: %s", how, hz, difference(got, want))
			}
			compared++
		}
	}
	if compared < 30 {
		t.Errorf("only %d of 60 decodes could be compared", compared)
	}
}

// empty says that a frame is.
func (p codedPacket) empty() bool {
	var f framing
	return f.parse(p.data) != nil || slices.Min(f.sizes[:f.Frames]) <= 1
}

func difference(got, want []byte) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d bytes, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			return fmt.Sprintf("differs from sample %d on", i/2)
		}
	}
	return "equal"
}

// TestChangeOfBandwidth compares streams whose bandwidth changes. Only the 5 ms
// may differ that libopus fades with a CELT frame, at the edges of packets with
// a Trailer: the first 5 ms or the last 2.5 ms.
func TestChangeOfBandwidth(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a C compiler")
	}
	l := newLibopus(t)
	clip := speech(t)
	const ms = 16
	for _, how := range []string{"1101 20 20000 1 0 0 1103", "1101 20 16000 1 0 0 1102", "1102 20 24000 1 0 0 1103"} {
		bit := l.run(clip, append([]string{"encode"}, strings.Fields(how)...)...)
		want := l.run(bit, "decode", "16000")
		d := newDecoder(t, 16000)
		pcm := make([]int16, 20*ms)
		trailers := 0
		for i, p := range parseStream(t, bit) {
			if _, err := d.Decode(pcm, p.data); err != nil {
				t.Fatal(err)
			}
			got, want := bytesOf(pcm), want[i*40*ms:][:40*ms]
			if d.Trailer() {
				trailers++
				if bytes.Equal(got[10*ms:], want[10*ms:]) {
					continue
				}
				got, want = got[:35*ms], want[:35*ms]
			}
			if !bytes.Equal(got, want) {
				t.Errorf("encode %s: packet %d (trailer: %v) %s", how, i, d.Trailer(), difference(got, want))
			}
		}
		if trailers == 0 {
			t.Errorf("encode %s: no change", how)
		}
	}
}
