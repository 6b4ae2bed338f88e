package opus

import "math/bits"

// Constants of the range coder, RFC 6716 sections 4.1 and 5.1.
const (
	symBits   = 8  // bits that enter or leave at a time
	codeBits  = 32 // bits of the state
	codeShift = codeBits - symBits - 1
	codeTop   = uint32(1) << (codeBits - 1)
	codeBot   = codeTop >> symBits
	codeExtra = (codeBits-2)%symBits + 1
	// uintBits is how many leading bits of a large uniform number are range
	// coded; the rest are raw.
	uintBits = 8
)

// rangeDecoder reads symbols from one frame: range coded ones from its front,
// raw bits from its back. It reads zeros past the end and never fails, as
// section 4.1 has it. init makes it ready.
type rangeDecoder struct {
	buf   []byte
	front int    // bytes read from the front
	rng   uint32 // size of the current range
	val   uint32 // top of the range minus the code, minus one
	rem   uint32 // the byte of which only a part is in val
	bits  int    // whole bits taken so far; see tell

	back   int    // bytes read from the back
	raw    uint32 // raw bits that wait
	rawLen uint
	broken bool // a uniform number was out of its bounds
}

func (d *rangeDecoder) init(frame []byte) {
	*d = rangeDecoder{buf: frame, bits: codeBits + 1 - (codeBits-codeExtra)/symBits*symBits}
	d.rng = 1 << codeExtra
	d.rem = d.next()
	d.val = d.rng - 1 - d.rem>>(symBits-codeExtra)
	d.normalize()
}

func (d *rangeDecoder) next() uint32 {
	if d.front >= len(d.buf) {
		return 0
	}
	b := d.buf[d.front]
	d.front++
	return uint32(b)
}

// normalize keeps rng above codeBot, section 4.1.2.1.
func (d *rangeDecoder) normalize() {
	for d.rng <= codeBot {
		b := d.next()
		sym := (d.rem<<symBits | b) >> (symBits - codeExtra)
		d.rem = b
		d.bits += symBits
		d.rng <<= symBits
		d.val = (d.val<<symBits + 0xff&^sym) & (codeTop - 1)
	}
}

// frequency returns where in 0..total-1 the code lies, and the size of one
// step; the symbol that holds it goes to update.
func (d *rangeDecoder) frequency(total uint32) (f, step uint32) {
	step = d.rng / total
	return total - min(d.val/step+1, total), step
}

// update takes the symbol that spans low to high of total.
func (d *rangeDecoder) update(low, high, total, step uint32) {
	above := step * (total - high)
	d.val -= above
	if low > 0 {
		d.rng = step * (high - low)
	} else {
		d.rng -= above
	}
	d.normalize()
}

// symbol reads a symbol with the inverse cumulative distribution icdf in
// 1/256; its last entry is 0. Section 4.1.3.3.
func (d *rangeDecoder) symbol(icdf []uint8) int {
	step, val := d.rng>>8, d.val
	above, k := d.rng, 0
	for {
		low := step * uint32(icdf[k])
		if val >= low {
			d.val = val - low
			d.rng = above - low
			break
		}
		above = low
		k++
	}
	d.normalize()
	return k
}

// bit reads a flag that is true once in 1<<logp. Section 4.1.3.2.
func (d *rangeDecoder) bit(logp uint) bool {
	s := d.rng >> logp
	one := d.val < s
	if one {
		d.rng = s
	} else {
		d.val -= s
		d.rng -= s
	}
	d.normalize()
	return one
}

// rawBits reads n raw bits, at most 25, from the back. Section 4.1.4.
func (d *rangeDecoder) rawBits(n uint) uint32 {
	for d.rawLen < n {
		if d.back < len(d.buf) {
			d.back++
			d.raw |= uint32(d.buf[len(d.buf)-d.back]) << d.rawLen
		}
		d.rawLen += symBits
	}
	v := d.raw & (1<<n - 1)
	d.raw >>= n
	d.rawLen -= n
	d.bits += int(n)
	return v
}

// uniform reads a number in 0..total-1; total is at least 2. Section 4.1.5.
func (d *rangeDecoder) uniform(total uint32) uint32 {
	last := total - 1
	n := uint(bits.Len32(last))
	if n <= uintBits {
		f, step := d.frequency(total)
		d.update(f, f+1, total, step)
		return f
	}
	n -= uintBits
	lead := last>>n + 1
	f, step := d.frequency(lead)
	d.update(f, f+1, lead, step)
	v := f<<n | d.rawBits(n)
	if v > last {
		d.broken = true
		return last
	}
	return v
}

// tell is how many bits have been used, rounded up. Section 4.1.6.1.
func (d *rangeDecoder) tell() int { return d.bits - bits.Len32(d.rng) }

// tellFrac is the same in 1/8 bits. Section 4.1.6.2.
func (d *rangeDecoder) tellFrac() int { return fractional(d.bits, d.rng) }

// fractional is bits - log2(rng) in 1/8 bits, rounded up.
func fractional(whole int, rng uint32) int {
	l := bits.Len32(rng)
	r := rng >> (l - 16)
	for range 3 {
		r = r * r >> 15
		b := r >> 16
		l = l<<1 | int(b)
		r >>= b
	}
	return whole<<3 - l
}
