package opus

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
	"time"
	"unsafe"
)

func TestRates(t *testing.T) {
	for _, hz := range []int{0, 44100, 96000, -16000, 16001} {
		if _, err := NewDecoder(hz); !errors.Is(err, ErrRate) {
			t.Errorf("%d Hz: %v", hz, err)
		}
	}
}

// TestRefusesOthers refuses what is well formed but not mono SILK, and sound
// without room, and goes on as if nothing had been.
func TestRefusesOthers(t *testing.T) {
	packets := readStream(t, "wide20fec")
	want, _ := decodeAll(t, packets, 16000)
	d := newDecoder(t, 16000)
	pcm := make([]int16, 1920)
	var got []int16
	for _, p := range packets {
		for _, other := range [][]byte{{31 << 3, 1, 2}, {15 << 3, 1, 2}, {9<<3 | 4, 1, 2}} {
			if _, err := d.Decode(pcm, other); !errors.Is(err, ErrMode) {
				t.Fatalf("%x: %v", other, err)
			}
			if err := d.DecodeFEC(pcm, other); !errors.Is(err, ErrMode) {
				t.Fatalf("%x: %v", other, err)
			}
		}
		if _, err := d.Decode(pcm[:319], p.data); !errors.Is(err, ErrRoom) {
			t.Fatal(err)
		}
		n, err := d.Decode(pcm, p.data)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, pcm[:n]...)
	}
	if hash(got) != hash(want) {
		t.Error("what was refused has left a trace")
	}
}

func TestReset(t *testing.T) {
	packets := readStream(t, "medium60")
	want, _ := decodeAll(t, packets, 48000)
	d := newDecoder(t, 48000)
	pcm := make([]int16, 5760)
	for _, p := range readStream(t, "wide20dtx") {
		if _, err := d.Decode(pcm, p.data); err != nil {
			t.Fatal(err)
		}
	}
	d.Conceal(pcm[:7])
	d.Reset()
	var got []int16
	for _, p := range packets {
		n, err := d.Decode(pcm, p.data)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, pcm[:n]...)
	}
	if hash(got) != hash(want) {
		t.Error("a decoder that was reset sounds otherwise than a new one")
	}
}

func power(sound []int16) (sum int64) {
	for _, s := range sound {
		sum += int64(s) * int64(s)
	}
	return sum / int64(len(sound))
}

// TestRedundancyIsHeard loses single packets: what the next one holds of them
// must be nearer to what was said than concealment is.
func TestRedundancyIsHeard(t *testing.T) {
	for _, name := range []string{"wide20fec", "wide40fec", "wide60fec"} {
		packets := readStream(t, name)
		var concealed, recovered int64
		for lost := 1; lost+1 < len(packets); lost++ {
			next, err := Parse(packets[lost+1].data)
			if err != nil {
				t.Fatal(err)
			}
			if !next.Redundant {
				continue
			}
			n := int(next.FrameSize/time.Millisecond) * 16
			kept, gap, filled := make([]int16, n), make([]int16, n), make([]int16, n)
			for i, how := range []func(*Decoder) error{
				func(d *Decoder) error { _, err := d.Decode(kept, packets[lost].data); return err },
				func(d *Decoder) error { d.Conceal(gap); return nil },
				func(d *Decoder) error { return d.DecodeFEC(filled, packets[lost+1].data) },
			} {
				d := newDecoder(t, 16000)
				for _, p := range packets[:lost] {
					if _, err := d.Decode(make([]int16, n), p.data); err != nil {
						t.Fatal(err)
					}
				}
				if err := how(d); err != nil {
					t.Fatal(i, err)
				}
			}
			for i, k := range kept {
				concealed += int64(k-gap[i]) * int64(k-gap[i])
				recovered += int64(k-filled[i]) * int64(k-filled[i])
			}
		}
		if 3*recovered > concealed {
			t.Errorf("%s: error %d with redundancy, %d without", name, recovered, concealed)
		}
	}
}

// TestConcealmentFades conceals a second of speech that breaks off.
func TestConcealmentFades(t *testing.T) {
	d := newDecoder(t, 16000)
	pcm := make([]int16, 320)
	loudest := int64(0)
	for _, p := range readStream(t, "wide20cbr")[:20] {
		if _, err := d.Decode(pcm, p.data); err != nil {
			t.Fatal(err)
		}
		loudest = max(loudest, power(pcm))
	}
	d.Conceal(pcm)
	if p := power(pcm); p < loudest/1000 || p > 2*loudest {
		t.Errorf("first gap has power %d, speech had %d", p, loudest)
	}
	for range 49 {
		d.Conceal(pcm)
	}
	if p := power(pcm); p > loudest/1000 {
		t.Errorf("after a second the power is %d, speech had %d", p, loudest)
	}
}

// TestConcealInPieces asks for lengths that are not whole units of 10 ms: the
// sound is that of whole ones.
func TestConcealInPieces(t *testing.T) {
	for _, hz := range []int{8000, 16000, 48000} {
		packets := readStream(t, "narrow10")[:50]
		hear := func() *Decoder {
			d := newDecoder(t, hz)
			for _, p := range packets {
				if _, err := d.Decode(make([]int16, hz/100), p.data); err != nil {
					t.Fatal(err)
				}
			}
			return d
		}
		want := make([]int16, hz/10)
		hear().Conceal(want)
		got := make([]int16, len(want))
		d := hear()
		for at, size := 0, 1; at < len(got); size = (size*7 + 3) % 700 {
			n := min(size, len(got)-at)
			d.Conceal(got[at:][:n])
			at += n
		}
		if hash(got) != hash(want) {
			t.Errorf("%d Hz: pieces sound otherwise", hz)
		}
	}
}

// TestSilenceBeforeTheFirstPacket conceals when nothing was heard.
func TestSilenceBeforeTheFirstPacket(t *testing.T) {
	d := newDecoder(t, 24000)
	pcm := []int16{1, 2, 3, 4}
	d.Conceal(pcm)
	if power(pcm) != 0 {
		t.Errorf("got %d", pcm)
	}
}

// TestComfortNoise holds the level in silence that is not coded to the level in
// silence that is, of the same sound.
func TestComfortNoise(t *testing.T) {
	quiet, _ := decodeAll(t, readStream(t, "wide20dtx"), 16000)
	coded, _ := decodeAll(t, readStream(t, "wide20cbr"), 16000)
	from, to := len(quiet)-6400, len(quiet)-640
	got, want := power(quiet[from:to]), power(coded[from:to])
	if got == 0 || got > 10*(want+1) || want > 10*(got+1) {
		t.Errorf("power %d in silence that is not coded, %d where it is", got, want)
	}
}

// TestAllocatesNothing decodes, conceals and recovers in a steady state.
func TestAllocatesNothing(t *testing.T) {
	packets := readStream(t, "wide60fec")
	d := newDecoder(t, 48000)
	pcm := make([]int16, 5760)
	i := 0
	if n := testing.AllocsPerRun(50, func() {
		i = (i + 1) % (len(packets) - 1)
		if _, err := Parse(packets[i].data); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Decode(pcm, packets[i].data); err != nil {
			t.Fatal(err)
		}
		d.Conceal(pcm[:1000])
		if err := d.DecodeFEC(pcm[:2880], packets[i+1].data); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

// TestState holds a decoder to its budget: 100 kB are for both directions.
func TestState(t *testing.T) {
	if n := unsafe.Sizeof(Decoder{}); n > 16<<10 {
		t.Errorf("a decoder has %d bytes", n)
	}
}

// TestIntegersOnly reads this package's files: boards without a fast floating
// point unit run them for every frame.
func TestIntegersOnly(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		files := token.NewFileSet()
		f, err := parser.ParseFile(files, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				if strings.HasPrefix(n.Name, "float") || strings.HasPrefix(n.Name, "complex") || n.Name == "Float64" {
					t.Errorf("%s: %s", files.Position(n.Pos()), n.Name)
				}
			case *ast.BasicLit:
				if n.Kind == token.FLOAT || n.Kind == token.IMAG {
					t.Errorf("%s: %s", files.Position(n.Pos()), n.Value)
				}
			case *ast.SelectorExpr:
				if n.Sel.Name == "Seconds" || n.Sel.Name == "Minutes" || n.Sel.Name == "Hours" {
					t.Errorf("%s: %s is a floating point number", files.Position(n.Pos()), n.Sel.Name)
				}
			case *ast.ImportSpec:
				if n.Path.Value == `"math"` || n.Path.Value == `"C"` || n.Path.Value == `"unsafe"` {
					t.Errorf("%s: imports %s", files.Position(n.Pos()), n.Path.Value)
				}
			}
			return true
		})
	}
}

// FuzzDecode decodes, recovers and conceals whatever comes: the first byte
// after each length says which.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"narrow10", "medium60", "wide20fec"} {
		var script []byte
		for _, p := range readStream(f, name)[:4] {
			script = append(append(script, byte(len(p.data)>>8), byte(len(p.data)), 0), p.data...)
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		d := newDecoder(t, []int{8000, 12000, 16000, 24000, 48000}[len(script)%5])
		pcm := make([]int16, 5760)
		for steps := 0; len(script) > 3 && steps < 40; steps++ {
			n, act := min(int(script[0])<<8|int(script[1]), len(script)-3), script[2]
			packet := script[3:][:n]
			script = script[3+n:]
			switch act % 4 {
			case 0, 1:
				info, perr := Parse(packet)
				n, err := d.Decode(pcm, packet)
				if want := d.samples(info.Duration()); err == nil && n != want {
					t.Fatalf("%d samples, want %d", n, want)
				}
				if perr != nil && err != perr {
					t.Fatalf("Parse: %v, Decode: %v", perr, err)
				}
			case 2:
				_ = d.DecodeFEC(pcm[:int(act)*22], packet)
			case 3:
				d.Conceal(pcm[:int(act)*3])
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	for _, name := range []string{"narrow20", "wide20cbr", "wide20fec"} {
		b.Run(name, func(b *testing.B) {
			packets := readStream(b, name)
			d := newDecoder(b, 16000)
			pcm := make([]int16, 320)
			for b.Loop() {
				for _, p := range packets {
					if _, err := d.Decode(pcm, p.data); err != nil {
						b.Fatal(err)
					}
				}
			}
			bytes := 0
			for _, p := range packets {
				bytes += len(p.data)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(packets)), "us/frame")
			b.ReportMetric(float64(50*bytes)/float64(len(packets)), "bytes/s")
		})
	}
}

func BenchmarkConceal(b *testing.B) {
	d := newDecoder(b, 16000)
	pcm := make([]int16, 320)
	for _, p := range readStream(b, "wide20cbr")[:20] {
		if _, err := d.Decode(pcm, p.data); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		d.Conceal(pcm)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N), "us/frame")
}
