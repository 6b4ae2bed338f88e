package opus

import "math/bits"

// wide says that a 64-bit product costs one instruction. Elsewhere, as on
// armv6, products are made of 32-bit halves; the results are the same.
const wide = bits.UintSize == 64

const (
	maxInt32 = 1<<31 - 1
	minInt32 = -1 << 31
)

// mul16 is a*b/65536, rounded down.
func mul16(a int32, b int16) int32 {
	if wide {
		return int32(int64(a) * int64(b) >> 16)
	}
	return (a>>16)*int32(b) + (a&0xffff)*int32(b)>>16
}

// mul32 is a*b/65536, rounded down.
func mul32(a, b int32) int32 {
	if wide {
		return int32(int64(a) * int64(b) >> 16)
	}
	return mul16(a, int16(b)) + a*((b>>15+1)>>1)
}

// product is a*b.
func product(a, b int16) int32 { return int32(a) * int32(b) }

// mulHigh is a*b/2^32, rounded down.
func mulHigh(a, b int32) int32 { return int32(int64(a) * int64(b) >> 32) }

// mulRound is a*b/2^shift, rounded to the nearest.
func mulRound(a, b int32, shift uint) int64 {
	return (int64(a)*int64(b)>>(shift-1) + 1) >> 1
}

// round is a/2^shift, rounded to the nearest; shift is at least 1.
func round(a int32, shift uint) int32 { return (a>>(shift-1) + 1) >> 1 }

// sat16 limits a to 16 bits.
func sat16(a int32) int16 {
	if a != int32(int16(a)) {
		return int16(a>>31) ^ 0x7fff
	}
	return int16(a)
}

// addSat is a+b, limited to 32 bits.
func addSat(a, b int32) int32 {
	s := a + b
	if (a^s)&(b^s) < 0 {
		return a>>31 ^ maxInt32
	}
	return s
}

// subSat is a-b, limited to 32 bits.
func subSat(a, b int32) int32 {
	s := a - b
	if (a^b)&(a^s) < 0 {
		return a>>31 ^ maxInt32
	}
	return s
}

// shiftSat is a<<shift, limited to 32 bits; to what fits before the shift.
func shiftSat(a int32, shift uint) int32 {
	return min(max(a, minInt32>>shift), maxInt32>>shift) << shift
}

func abs(a int32) int32 {
	if a < 0 {
		return -a
	}
	return a
}

// leading is how many leading zeros a has.
func leading(a int32) int { return bits.LeadingZeros32(uint32(a)) }

// random is the next state of the random numbers; the upper bits are the more
// random. RFC 6716 section 4.2.7.8.6.
func random(seed int32) int32 { return seed*196314165 + 907633515 }

// normalized splits a positive number into its leading zeros and the seven bits
// after its first one.
func normalized(a int32) (zeros int, fractionQ7 int32) {
	zeros = leading(a)
	return zeros, int32(bits.RotateLeft32(uint32(a), zeros-24)) & 0x7f
}

// logQ7 is 128*log2(a), nearly.
func logQ7(a int32) int32 {
	zeros, f := normalized(a)
	return f + mul16(f*(128-f), 179) + int32(31-zeros)<<7
}

// powerQ7 is 2^(a/128), nearly. RFC 6716 section 4.2.7.4.
func powerQ7(a int32) int32 {
	if a < 0 {
		return 0
	}
	if a >= 3967 {
		return maxInt32
	}
	one, f := int32(1)<<(a>>7), a&0x7f
	f += mul16(f*(128-f), -174)
	if a < 2048 {
		return one + one*f>>7
	}
	return one + one>>7*f
}

// root is the square root of a, within 10 %.
func root(a int32) int32 {
	if a <= 0 {
		return 0
	}
	zeros, f := normalized(a)
	y := int32(46214) // sqrt(2) in Q15
	if zeros&1 != 0 {
		y = 32768
	}
	y >>= zeros >> 1
	return y + mul16(y, int16(213*f))
}

// inverse is 2^q/b, nearly.
func inverse(b int32, q int) int32 {
	room := leading(abs(b)) - 1
	b <<= room
	guess := (maxInt32 >> 2) / (b >> 16)
	missing := (1<<29 - mul16(b, int16(guess))) << 3
	return toQ(guess<<16+mul32(missing, guess), 61-room-q)
}

// divide is a*2^q/b, nearly.
func divide(a, b int32, q int) int32 {
	roomA, roomB := leading(abs(a))-1, leading(abs(b))-1
	a <<= roomA
	b <<= roomB
	guess := int16((maxInt32 >> 2) / (b >> 16))
	result := mul16(a, guess)
	a -= mulHigh(b, result) << 3
	return toQ(result+mul16(a, guess), 29+roomA-roomB-q)
}

// toQ moves a down by shift bits, or up with a limit.
func toQ(a int32, shift int) int32 {
	switch {
	case shift <= 0:
		return shiftSat(a, uint(-shift))
	case shift < 32:
		return a >> shift
	}
	return 0
}

// energy is the sum of the squares of x over 2^shift, shift so that two bits
// are free above it. Squares are taken in pairs: that is where it is rounded.
func energy(x []int16) (sum int32, shift int) {
	n := int32(len(x))
	shift = 31 - leading(n)
	shift = max(0, shift+3-leading(squares(x, shift, n)))
	return squares(x, shift, 0), shift
}

func squares(x []int16, shift int, sum int32) int32 {
	for len(x) >= 2 {
		a, b := int32(x[0]), int32(x[1])
		sum += int32(uint32(a*a+b*b) >> shift)
		x = x[2:]
	}
	if len(x) == 1 {
		a := int32(x[0])
		sum += int32(uint32(a*a) >> shift)
	}
	return sum
}
