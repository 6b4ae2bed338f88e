package opus

import (
	"errors"
	"math/bits"
)

// errFull is why a frame could not be written: it needs more bytes than it was
// given.
var errFull = errors.New("opus: frame does not fit")

// rangeEncoder writes symbols into one frame, the mirror of rangeDecoder. init
// makes it ready. It is a plain value: a copy, together with a copy of the
// bytes written, goes back to an earlier point.
type rangeEncoder struct {
	buf   []byte // all of the room
	front int    // bytes written at the front
	rng   uint32
	low   uint32 // bottom of the range; its top bit is the carry
	rem   int    // a byte that a carry may still change; negative: none yet
	full  int    // bytes of 0xff after rem that a carry would turn over
	bits  int    // whole bits written so far; see tell

	back   int // bytes written at the back
	raw    uint32
	rawLen uint
	err    error // errFull, from the first write that did not fit
}

func (e *rangeEncoder) init(buf []byte) {
	*e = rangeEncoder{buf: buf, rng: codeTop, rem: -1, bits: codeBits + 1}
}

func (e *rangeEncoder) put(b byte) {
	if e.front+e.back >= len(e.buf) {
		e.err = errFull
		return
	}
	e.buf[e.front] = b
	e.front++
}

func (e *rangeEncoder) putBack(b byte) {
	if e.front+e.back >= len(e.buf) {
		e.err = errFull
		return
	}
	e.back++
	e.buf[len(e.buf)-e.back] = b
}

// carry passes on a byte with its carry bit, sym of 9 bits. Section 5.1.1.1.
func (e *rangeEncoder) carry(sym uint32) {
	if sym == 0xff {
		e.full++
		return
	}
	c := sym >> symBits
	if e.rem >= 0 {
		e.put(byte(uint32(e.rem) + c))
	}
	for ; e.full > 0; e.full-- {
		e.put(byte(0xff + c))
	}
	e.rem = int(sym & 0xff)
}

func (e *rangeEncoder) normalize() {
	for e.rng <= codeBot {
		e.carry(e.low >> codeShift)
		e.low = e.low << symBits & (codeTop - 1)
		e.rng <<= symBits
		e.bits += symBits
	}
}

// encode writes the symbol that spans low to high of total. Section 5.1.1.
func (e *rangeEncoder) encode(low, high, total uint32) {
	e.span(low, high, total, e.rng/total)
}

// span writes a symbol when one step of total is known.
func (e *rangeEncoder) span(low, high, total, step uint32) {
	if low > 0 {
		e.low += e.rng - step*(total-low)
		e.rng = step * (high - low)
	} else {
		e.rng -= step * (total - high)
	}
	e.normalize()
}

// symbol writes symbol k of the inverse cumulative distribution icdf in 1/256.
func (e *rangeEncoder) symbol(k int, icdf []uint8) {
	var low uint32
	if k > 0 {
		low = 256 - uint32(icdf[k-1])
	}
	e.span(low, 256-uint32(icdf[k]), 256, e.rng>>8)
}

// bit writes a flag that is true once in 1<<logp.
func (e *rangeEncoder) bit(one bool, logp uint) {
	s := e.rng >> logp
	if one {
		e.low += e.rng - s
		e.rng = s
	} else {
		e.rng -= s
	}
	e.normalize()
}

// rawBits writes the n low bits of v, at most 25, at the back. Section 5.1.3.
func (e *rangeEncoder) rawBits(v uint32, n uint) {
	for e.rawLen+n > 32 {
		e.putBack(byte(e.raw))
		e.raw >>= symBits
		e.rawLen -= symBits
	}
	e.raw |= v << e.rawLen
	e.rawLen += n
	e.bits += int(n)
}

// uniform writes v in 0..total-1; total is at least 2. Section 5.1.4.
func (e *rangeEncoder) uniform(v, total uint32) {
	last := total - 1
	n := uint(bits.Len32(last))
	if n <= uintBits {
		e.encode(v, v+1, total)
		return
	}
	n -= uintBits
	e.encode(v>>n, v>>n+1, last>>n+1)
	e.rawBits(v&(1<<n-1), n)
}

// patch overwrites the first n bits, at most 8, which must have been written
// as flags of even odds. The flags of a SILK frame are known only at its end.
func (e *rangeEncoder) patch(v uint32, n uint) {
	shift := symBits - n
	mask := (uint32(1)<<n - 1) << shift
	switch {
	case e.front > 0:
		e.buf[0] = byte(uint32(e.buf[0])&^mask | v<<shift)
	case e.rem >= 0:
		e.rem = int(uint32(e.rem)&^mask | v<<shift)
	case e.rng <= codeTop>>n:
		e.low = e.low&^(mask<<codeShift) | v<<(codeShift+shift)
	default:
		e.err = errFull // fewer than n bits have been written
	}
}

// shrink makes the room size bytes; it must hold what is written.
func (e *rangeEncoder) shrink(size int) {
	copy(e.buf[size-e.back:size], e.buf[len(e.buf)-e.back:])
	e.buf = e.buf[:size]
}

// finish writes the fewest bits from which all symbols can be read whatever
// follows, and fills the middle of the room with zeros. It returns how many
// bytes the range coded part takes. Section 5.1.5.
func (e *rangeEncoder) finish() (front int, err error) {
	spare := e.flush()
	for e.rawLen >= symBits {
		e.putBack(byte(e.raw))
		e.raw >>= symBits
		e.rawLen -= symBits
	}
	if e.err != nil {
		return e.front, e.err
	}
	clear(e.buf[e.front : len(e.buf)-e.back])
	if e.rawLen > 0 {
		e.last(spare)
	}
	return e.front, e.err
}

// flush writes the end of the range coded part, and returns how many bits of
// its last byte are free.
func (e *rangeEncoder) flush() (spare uint) {
	n := codeBits - bits.Len32(e.rng)
	mask := (codeTop - 1) >> n
	end := (e.low + mask) &^ mask
	if end|mask >= e.low+e.rng {
		n++
		mask >>= 1
		end = (e.low + mask) &^ mask
	}
	for ; n > 0; n -= symBits {
		e.carry(end >> codeShift)
		end = end << symBits & (codeTop - 1)
	}
	if e.rem >= 0 || e.full > 0 {
		e.carry(0)
	}
	return uint(-n)
}

// last puts the rest of the raw bits into the first byte of the back, which may
// be the last byte of the front too: then they get only its spare bits.
func (e *rangeEncoder) last(spare uint) {
	if e.back >= len(e.buf) {
		e.err = errFull
		return
	}
	if e.front+e.back >= len(e.buf) && spare < e.rawLen {
		e.raw &= 1<<spare - 1
		e.err = errFull
	}
	e.buf[len(e.buf)-e.back-1] |= byte(e.raw)
}

// tell is how many bits have been used, rounded up.
func (e *rangeEncoder) tell() int { return e.bits - bits.Len32(e.rng) }

// tellFrac is the same in 1/8 bits.
func (e *rangeEncoder) tellFrac() int { return fractional(e.bits, e.rng) }
