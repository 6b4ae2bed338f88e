package opus

import (
	"math/big"
	"math/rand/v2"
	"testing"
)

// edges are where 32-bit arithmetic breaks first.
var edges = []int32{0, 1, -1, 2, 32767, 32768, -32768, -32769, 65535, 65536, -65536, 1 << 30, -1 << 30, maxInt32, minInt32}

// TestArithmetic compares products with those of big numbers, on processors of
// 32 bits too.
func TestArithmetic(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	values := edges
	for range 500 {
		values = append(values, int32(r.Uint32())>>r.IntN(32))
	}
	for _, a := range values {
		for _, b := range values {
			full := new(big.Int).Mul(big.NewInt(int64(a)), big.NewInt(int64(b)))
			if got, want := mul32(a, b), int32(new(big.Int).Rsh(full, 16).Int64()); got != want {
				t.Fatalf("mul32(%d, %d) = %d, want %d", a, b, got, want)
			}
			if got, want := mulHigh(a, b), int32(new(big.Int).Rsh(full, 32).Int64()); got != want {
				t.Fatalf("mulHigh(%d, %d) = %d, want %d", a, b, got, want)
			}
			half := new(big.Int).Mul(big.NewInt(int64(a)), big.NewInt(int64(int16(b))))
			if got, want := mul16(a, int16(b)), int32(new(big.Int).Rsh(half, 16).Int64()); got != want {
				t.Fatalf("mul16(%d, %d) = %d, want %d", a, int16(b), got, want)
			}
			sum := min(max(int64(a)+int64(b), minInt32), maxInt32)
			if got := addSat(a, b); int64(got) != sum {
				t.Fatalf("addSat(%d, %d) = %d, want %d", a, b, got, sum)
			}
			rest := min(max(int64(a)-int64(b), minInt32), maxInt32)
			if got := subSat(a, b); int64(got) != rest {
				t.Fatalf("subSat(%d, %d) = %d, want %d", a, b, got, rest)
			}
		}
		if got, want := sat16(a), int16(min(max(a, -32768), 32767)); got != want {
			t.Fatalf("sat16(%d) = %d, want %d", a, got, want)
		}
		if got, want := shiftSat(a, 4), int32(min(max(int64(a)<<4, minInt32), maxInt32&^15)); got != want {
			t.Fatalf("shiftSat(%d, 4) = %d, want %d", a, got, want)
		}
	}
}

// TestApproximations holds the approximations to their promises.
func TestApproximations(t *testing.T) {
	for level := range int8(gainLevels) {
		gain := gainQ16(level)
		if l := logQ7(gain); l < gainOffsetQ7-4 || l > 3967 {
			t.Errorf("level %d: gain %d, logarithm %d", level, gain, l)
		}
		if level > 0 && gain <= gainQ16(level-1) {
			t.Errorf("level %d is not louder than the one below", level)
		}
		one := int64(inverse(gain, 47)) * int64(gain) >> 31
		if one < 65500 || one > 65572 {
			t.Errorf("gain %d by its inverse is %d/65536", gain, one)
		}
		for other := range int8(gainLevels) {
			q := int64(divide(gainQ16(other), gain, 16))
			want := int64(gainQ16(other)) << 16 / int64(gain)
			if want < maxInt32 && (q-want)*(q-want) > 4+want/1000*want/1000 {
				t.Errorf("%d by %d is %d, want %d", gainQ16(other), gain, q, want)
			}
		}
	}
	for _, x := range []int32{1, 15, 16, 255, 10000, 1 << 20, maxInt32} {
		if y := int64(root(x)); x > 200 && (y*y*100 < int64(x)*81 || y*y*100 > int64(x)*121) {
			t.Errorf("root of %d is %d", x, y)
		}
	}
	if root(0) != 0 || root(-5) != 0 || powerQ7(-1) != 0 || powerQ7(5000) != maxInt32 {
		t.Error("out of bounds")
	}
}

// TestFiltersAreStable makes filters of any frequencies, sorted or not: they
// must be stable, whatever a packet says.
func TestFiltersAreStable(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for _, book := range []*nlsfBook{&nlsfNarrow, &nlsfWide} {
		for i := range 20000 {
			var residuals [maxOrder]int8
			for j := range residuals {
				residuals[j] = int8(r.IntN(21) - 10)
			}
			var nlsfQ15, aQ12 [maxOrder]int16
			n := nlsfQ15[:book.order]
			book.decode(n, i%32, residuals[:])
			below := int32(0)
			for k, f := range n {
				if int32(f) < below+int32(book.spacingQ15[k]) {
					t.Fatalf("frequencies %d of residuals %d are too close", n, residuals)
				}
				below = int32(f)
			}
			nlsfFilter(aQ12[:book.order], n)
			if inverseGain(aQ12[:book.order]) == 0 {
				t.Fatalf("filter %d of frequencies %d is not stable", aQ12, n)
			}
		}
	}
}
