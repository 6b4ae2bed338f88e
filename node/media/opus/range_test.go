package opus

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// A symbolOp is one thing that both coders do in step.
type symbolOp struct {
	kind  int
	value uint32
	param uint32
	icdf  []uint8
}

func randomOps(r *rand.Rand, n int) []symbolOp {
	icdfs := [][]uint8{{250, 3, 0}, {128, 64, 32, 0}, {1, 0}, {255, 254, 1, 0}}
	ops := make([]symbolOp, n)
	for i := range ops {
		o := symbolOp{kind: r.IntN(5)}
		switch o.kind {
		case 0:
			o.icdf = icdfs[r.IntN(len(icdfs))]
			o.value = r.Uint32N(uint32(len(o.icdf)))
			if o.icdf[0] == 255 && o.value == 0 && r.IntN(2) == 0 {
				o.value = 1
			}
		case 1:
			o.param = 1 + r.Uint32N(15)
			o.value = r.Uint32N(2)
		case 2:
			o.param = 1 + r.Uint32N(25)
			o.value = r.Uint32N(1 << o.param)
		case 3:
			o.param = 2 + r.Uint32()>>(4+r.Uint32N(28))
			o.value = r.Uint32N(o.param)
		case 4:
			o.param = 2 + r.Uint32N(32767)
			o.value = r.Uint32N(o.param)
		}
		ops[i] = o
	}
	return ops
}

func (o symbolOp) write(e *rangeEncoder) {
	switch o.kind {
	case 0:
		e.symbol(int(o.value), o.icdf)
	case 1:
		e.bit(o.value == 1, uint(o.param))
	case 2:
		e.rawBits(o.value, uint(o.param))
	case 3:
		e.uniform(o.value, o.param)
	case 4:
		e.encode(o.value, o.value+1, o.param)
	}
}

func (o symbolOp) read(d *rangeDecoder) uint32 {
	switch o.kind {
	case 0:
		return uint32(d.symbol(o.icdf))
	case 1:
		if d.bit(uint(o.param)) {
			return 1
		}
		return 0
	case 2:
		return d.rawBits(uint(o.param))
	case 3:
		return d.uniform(o.param)
	}
	f, step := d.frequency(o.param)
	d.update(f, f+1, o.param, step)
	return f
}

// TestRangeCoderAgrees writes symbols of every kind and reads them again: the
// same symbols, the same range and the same use of bits at every step.
func TestRangeCoderAgrees(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		ops := randomOps(r, 1+r.IntN(300))
		buf := make([]byte, 2000)
		var e rangeEncoder
		e.init(buf)
		tells, fracs, ranges := []int{}, []int{}, []uint32{}
		for _, o := range ops {
			o.write(&e)
			tells, fracs, ranges = append(tells, e.tell()), append(fracs, e.tellFrac()), append(ranges, e.rng)
		}
		size := (e.tell() + 7) / 8
		e.shrink(size)
		if _, err := e.finish(); err != nil {
			t.Fatalf("seed %d: %v in %d bytes", seed, err, size)
		}
		var d rangeDecoder
		d.init(buf[:size])
		for i, o := range ops {
			if got := o.read(&d); got != o.value {
				t.Fatalf("seed %d, symbol %d of kind %d: got %d, want %d", seed, i, o.kind, got, o.value)
			}
			if d.tell() != tells[i] || d.tellFrac() != fracs[i] || d.rng != ranges[i] {
				t.Fatalf("seed %d, symbol %d: tell %d, %d/8, range %#x; want %d, %d/8, %#x",
					seed, i, d.tell(), d.tellFrac(), d.rng, tells[i], fracs[i], ranges[i])
			}
		}
		if d.broken {
			t.Errorf("seed %d: broken", seed)
		}
	}
}

// TestRangeCoderKeepsToItsRoom gives the encoder less room than it needs.
func TestRangeCoderKeepsToItsRoom(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 2))
		ops := randomOps(r, 100)
		room := r.IntN(30)
		buf := bytes.Repeat([]byte{0xaa}, room+8)
		var e rangeEncoder
		e.init(buf[:room])
		for _, o := range ops {
			o.write(&e)
		}
		if _, err := e.finish(); err == nil {
			t.Errorf("seed %d: 100 symbols in %d bytes without an error", seed, room)
		}
		if !bytes.Equal(buf[room:], bytes.Repeat([]byte{0xaa}, 8)) {
			t.Fatalf("seed %d: wrote beyond %d bytes", seed, room)
		}
	}
}

// TestPatch overwrites flags that were written first, early and late.
func TestPatch(t *testing.T) {
	for after := range 60 {
		buf := make([]byte, 200)
		var e rangeEncoder
		e.init(buf)
		for range 3 {
			e.bit(false, 1)
		}
		for i := range after {
			e.symbol(i%3, []uint8{200, 90, 0})
		}
		e.patch(0b101, 3)
		if _, err := e.finish(); err != nil {
			t.Fatal(err)
		}
		var d rangeDecoder
		d.init(buf)
		for i, want := range []bool{true, false, true} {
			if got := d.bit(1); got != want {
				t.Errorf("after %d symbols: flag %d is %v", after, i, got)
			}
		}
		for i := range after {
			if got := d.symbol([]uint8{200, 90, 0}); got != i%3 {
				t.Fatalf("after %d symbols: symbol %d is %d", after, i, got)
			}
		}
	}
}

// FuzzRangeDecoder reads from any bytes: it must neither panic nor leave the
// bounds of what it reads.
func FuzzRangeDecoder(f *testing.F) {
	f.Add([]byte{1, 2, 3}, uint64(1))
	f.Fuzz(func(t *testing.T, frame []byte, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 3))
		var d rangeDecoder
		d.init(frame)
		for _, o := range randomOps(r, 200) {
			got := o.read(&d)
			switch {
			case o.kind == 0 && int(got) >= len(o.icdf), o.kind == 1 && got > 1,
				o.kind == 2 && got>>o.param != 0, o.kind >= 3 && got >= o.param:
				t.Fatalf("kind %d of %d: got %d", o.kind, o.param, got)
			}
			if d.rng <= codeBot {
				t.Fatalf("range %#x", d.rng)
			}
		}
	})
}
