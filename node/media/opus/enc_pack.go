package opus

// maxPacketFrames is how many Opus frames a packet of ours holds: 100 ms are
// five of 20.
const (
	maxPacketFrames = 5
	maxPacket       = maxPacketFrames*(MaxFrame+2) + 2
)

// innerMS is the length of the Opus frames of a packet.
func innerMS(packetMS int) int {
	switch packetMS {
	case 80:
		return 40
	case 100:
		return 20
	case 120:
		return 60
	}
	return packetMS
}

// pack makes a packet of the frames in payload, of want bytes if they have less.
// RFC 6716 section 3.2.
func (e *Encoder) pack(payload []byte, sizes []int, want int) []byte {
	config := byte((e.frame.kHz - 8) / 4 * 4)
	switch e.ms {
	case 20:
		config++
	case 40:
		config += 2
	case 60:
		config += 3
	}
	toc := config << 3
	frames, total, equal := len(sizes), len(payload), true
	for _, n := range sizes {
		equal = equal && n == sizes[0]
	}
	p := e.packet[:0]
	switch {
	case frames == 1:
		p = append(p, toc)
	case frames == 2 && equal:
		p = append(p, toc|1)
	case frames == 2:
		p = appendSize(append(p, toc|2), sizes[0])
	}
	if frames > 2 || want > len(p)+total {
		p = e.packMany(p[:0], toc|3, sizes, equal, total, want)
	}
	p = append(p, payload...)
	for len(p) < want {
		p = append(p, 0)
	}
	return p
}

// packMany writes the header of a packet of code 3, padded up to want.
func (e *Encoder) packMany(p []byte, toc byte, sizes []int, equal bool, total, want int) []byte {
	count := byte(len(sizes))
	header := 2
	if !equal {
		count |= 0x80
		for _, n := range sizes[:len(sizes)-1] {
			header += sizeLength(n)
		}
	}
	pad := want - header - total
	if pad > 0 {
		count |= 0x40
	}
	p = append(p, toc, count)
	if pad > 0 {
		more := (pad - 1) / 255
		for range more {
			p = append(p, 255)
		}
		p = append(p, byte(pad-1-255*more))
	}
	if !equal {
		for _, n := range sizes[:len(sizes)-1] {
			p = appendSize(p, n)
		}
	}
	return p
}

// sizeLength is how many bytes the size of a frame takes.
func sizeLength(n int) int {
	if n < 252 {
		return 1
	}
	return 2
}

// appendSize writes the size of a frame. RFC 6716 section 3.2.1.
func appendSize(p []byte, n int) []byte {
	if n < 252 {
		return append(p, byte(n))
	}
	first := 252 + n&3
	return append(p, byte(first), byte((n-first)/4))
}
