package opus

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestEncoderChangesWithoutClick changes everything that may change in the
// middle of speech: each packet is understood, and the sound goes on.
func TestEncoderChangesWithoutClick(t *testing.T) {
	sound := heard(t)
	steady := newEncoder(t, EncoderConfig{Bitrate: 20000, Complexity: 5, Bandwidth: Wide})
	want, _ := decodeAll(t, encodeAll(t, steady, sound), 16000)
	for _, test := range []struct {
		name   string
		change func(r *rand.Rand, c *EncoderConfig)
	}{
		{"bit rate", func(r *rand.Rand, c *EncoderConfig) { c.Bitrate = 14000 + r.IntN(20000) }},
		{"complexity", func(r *rand.Rand, c *EncoderConfig) { c.Complexity = 2 + r.IntN(9) }},
		{"loss", func(r *rand.Rand, c *EncoderConfig) { c.FEC, c.ExpectedLoss = r.IntN(2) == 1, r.IntN(30) }},
		{"frame", func(r *rand.Rand, c *EncoderConfig) { c.FrameMS = []int{10, 20, 40, 60, 80, 100, 120}[r.IntN(7)] }},
		{"all", func(r *rand.Rand, c *EncoderConfig) {
			c.Bitrate, c.Complexity = 14000+r.IntN(20000), 2+r.IntN(9)
			c.CBR, c.FEC, c.ExpectedLoss = r.IntN(4) == 0, r.IntN(2) == 1, r.IntN(30)
			c.FrameMS = []int{10, 20, 40, 60, 80, 100, 120}[r.IntN(7)]
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(6716, 5))
			e := newEncoder(t, EncoderConfig{Bitrate: 20000, Complexity: 5, Bandwidth: Wide})
			var packets []codedPacket
			for at := 0; ; {
				c := e.Config()
				if r.IntN(5) == 0 {
					test.change(r, &c)
					if err := e.Configure(c); err != nil {
						t.Fatal(err)
					}
				}
				n := e.Config().FrameMS * 16
				if at+n > len(sound) {
					break
				}
				packets = append(packets, encodeAll(t, e, sound[at:at+n])...)
				at += n
			}
			got, _ := decodeAll(t, packets, 16000)
			like, delay := likeness(got, sound)
			if like < 0.93 || delay > 110 {
				t.Errorf("likeness %.3f after %d samples", like, delay)
			}
			wantNoClick(t, got, want)
		})
	}
}

// wantNoClick compares the steepest step in each 10 ms with what is there
// without changes: a click is a step where the sound around is smooth.
func wantNoClick(t *testing.T, got, want []int16) {
	t.Helper()
	worst, where := 0, 0
	for at := 0; at+160 < min(len(got), len(want)); at += 160 {
		if step := steepest(got[at:at+160]) - 2*steepest(want[max(0, at-80):min(at+240, len(want))]); step > worst {
			worst, where = step, at
		}
	}
	if worst > 1500 {
		t.Errorf("a step of %d beyond what is due, at %.2f s", worst, float64(where)/16000)
	}
}

func steepest(x []int16) (most int) {
	for i := 1; i < len(x); i++ {
		most = max(most, int(x[i])-int(x[i-1]), int(x[i-1])-int(x[i]))
	}
	return most
}

// TestEncoderChangesBandwidth asks for other bandwidths while somebody speaks:
// it changes, within the time that it may take, and without a click.
func TestEncoderChangesBandwidth(t *testing.T) {
	sound := heard(t)
	sound = append(append(sound, sound...), sound...)
	steady := newEncoder(t, EncoderConfig{Bitrate: 20000, Complexity: 3, Bandwidth: Wide})
	want, _ := decodeAll(t, encodeAll(t, steady, sound), 16000)
	for _, path := range [][2]Bandwidth{{Wide, Narrow}, {Narrow, Wide}, {Wide, Medium}, {Medium, Narrow}, {Narrow, Medium}} {
		t.Run(fmt.Sprint(path), func(t *testing.T) {
			e := newEncoder(t, EncoderConfig{Bitrate: 20000, Complexity: 3, Bandwidth: path[0]})
			half := len(sound) / 2 / 320 * 320
			packets := encodeAll(t, e, sound[:half])
			if err := e.SetBandwidth(path[1]); err != nil {
				t.Fatal(err)
			}
			packets = append(packets, encodeAll(t, e, sound[half:])...)
			changed := -1
			for i, p := range packets {
				info, err := Parse(p.data)
				if err != nil {
					t.Fatal(err)
				}
				if info.Bandwidth != path[0] && changed < 0 {
					changed = i
				}
				if changed >= 0 && info.Bandwidth != path[1] {
					t.Fatalf("packet %d: bandwidth %v", i, info.Bandwidth)
				}
			}
			if changed < half/320 {
				t.Fatalf("changed at packet %d of %d, asked at %d", changed, len(packets), half/320)
			}
			t.Logf("changed after %d ms", (changed-half/320)*20)
			got, _ := decodeAll(t, packets, 16000)
			from := changed*320 - 800
			wantNoClick(t, got[from:from+3200], want[from:from+3200])
		})
	}
}

// TestEncoderBearsAnything encodes sounds that nobody makes, in whatever way: it
// neither panics nor writes what a decoder does not read as it was meant.
func TestEncoderBearsAnything(t *testing.T) {
	seeds := uint64(120)
	if testing.Short() {
		seeds = 20
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 8251))
		bear(t, r, func(pcm []int16) { strange(r, pcm) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// strange fills pcm with noise, silence, steps, impulses or a sweep, of any
// loudness.
func strange(r *rand.Rand, pcm []int16) {
	kind, loud := r.IntN(7), 1<<r.IntN(16)
	phase, step := r.IntN(1<<16), r.IntN(1<<13)
	for i := range pcm {
		switch kind {
		case 0:
			pcm[i] = int16(r.IntN(2*loud) - loud)
		case 1:
			pcm[i] = 0
		case 2:
			pcm[i] = int16(loud - 1)
			if phase&0x8000 != 0 {
				pcm[i] = int16(-loud)
			}
		case 3:
			pcm[i] = int16((r.IntN(200) / 199) * (loud - 1))
		case 4:
			pcm[i] = int16(phase)
		case 5:
			pcm[i] = int16(i%2*65535 - 32768)
		case 6:
			pcm[i] = int16(loud - 1)
		}
		phase += step
		step += r.IntN(3) - 1
	}
}

// FuzzEncode encodes whatever comes.
func FuzzEncode(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, uint64(1))
	f.Add([]byte{255, 127, 0, 128, 255, 127, 0, 128}, uint64(7))
	f.Add([]byte{0, 0}, uint64(3))
	f.Fuzz(func(t *testing.T, wave []byte, seed uint64) {
		if len(wave) < 2 {
			return
		}
		bear(t, rand.New(rand.NewPCG(seed, 1)), func(pcm []int16) {
			for i := range pcm {
				pcm[i] = int16(binary.LittleEndian.Uint16(wave[i*2%(len(wave)-1):]))
			}
		})
	})
}

// bear encodes packets that fill fills, in changing ways.
func bear(t *testing.T, r *rand.Rand, fill func([]int16)) {
	t.Helper()
	e, d := newEncoder(t, anyConfig(r)), newDecoder(t, 16000)
	out := make([]int16, 1920)
	for range 8 {
		if r.IntN(3) == 0 {
			if err := e.Configure(anyConfig(r)); err != nil {
				t.Fatal(err)
			}
		}
		pcm := make([]int16, e.Config().FrameMS*16)
		fill(pcm)
		p, err := e.Encode(nil, pcm)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := d.Decode(out, p); err != nil || n != len(pcm) {
			t.Fatalf("%+v: %d samples of %d: %v", e.Config(), n, len(pcm), err)
		}
		if coarse := e.AppendCoarse(nil); len(coarse) > 0 {
			if n, err := newDecoder(t, 16000).Decode(out, coarse); err != nil || n != len(pcm) {
				t.Fatalf("%+v: %d samples of %d in the coarse packet: %v", e.Config(), n, len(pcm), err)
			}
		}
		if d.FinalRange() != e.FinalRange() || d.Trailer() {
			t.Fatalf("%+v: final range %#x, want %#x; trailer %v", e.Config(), d.FinalRange(), e.FinalRange(), d.Trailer())
		}
	}
}

func anyConfig(r *rand.Rand) EncoderConfig {
	rate := MinBitrate + r.IntN(MaxBitrate-MinBitrate)
	return EncoderConfig{
		Bitrate: rate, Coarse: r.IntN(2) * r.IntN(rate), Complexity: r.IntN(11),
		FrameMS:   []int{10, 20, 40, 60, 80, 100, 120}[r.IntN(7)],
		Bandwidth: Bandwidth(r.IntN(3)), ExpectedLoss: r.IntN(101),
		FEC: r.IntN(2) == 0, CBR: r.IntN(3) == 0, DTX: r.IntN(3) == 0,
	}
}
