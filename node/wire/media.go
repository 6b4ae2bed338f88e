package wire

// Codec says how the sound of a media payload is coded.
type Codec uint8

// The codecs.
const (
	CodecPCM16 Codec = 0 // linear PCM, 16 kHz, mono, 16 bits little endian
	CodecOpus  Codec = 1 // RFC 6716
)

const (
	// MediaHeader is the size of a media payload without report, copies and
	// sound.
	MediaHeader = 4
	// ReportSize is what a report adds.
	ReportSize = 17
	// MissingSize is what Want adds, and MissingSpan how many packets it tells of
	// besides the newest.
	MissingSize = 4
	MissingSpan = 24
	// MaxCopies is how many earlier packets one may hold.
	MaxCopies = 7
	// MaxCopy is the largest of them in bytes, and CopyHeader what it adds at
	// most to its sound.
	MaxCopy    = 1<<15 - 1
	CopyHeader = 3
)

// Media is a media payload:
//
//	1   0x80 | 0x40 if there is a Report | 0x20 if Want is there | copies << 2 | Codec
//	1   Seq
//	2   Time
//	17  Report, if there is one
//	4   Want, if it is there
//	    for each of 0 to 7 copies:
//	1     Back
//	1-2   length: 0x00-0x7f, or 0x8000 | length from 0x0080 on
//	n     Sound
//	n   Sound; there is some unless there is a Report
type Media struct {
	Codec  Codec
	Seq    uint8  // of the packet, from a random start; wraps. A pause of the sender skips Time, but no Seq
	Time   uint16 // of the first sample, in units of 10 ms, from a random start; wraps
	Told   bool   // Report is there
	Report Report
	Wants  bool // Want is there
	Want   Missing
	Copied int // copies that there are
	Copies [MaxCopies]Copy
	Sound  []byte
}

// Copy is the sound of an earlier packet, sent once more in case it was lost.
type Copy struct {
	Back  uint8 // by how much it is older: units of 10 ms, 1 to 255
	Sound []byte
}

// Missing tells the sender of sound what to send once more.
//
//	1  Newest
//	3  Before
type Missing struct {
	Newest uint8  // the latest Seq that came
	Before uint32 // bit n: packet Newest-1-n has not come in any way, 0 to MissingSpan-1
}

// Report tells the sender of sound how it arrives. Counts wrap; they are over
// the whole call, so that a lost report loses nothing.
//
//	1  Newest
//	2  Held
//	2  Expected
//	2  Received
//	1  Bursts
//	1  Jitter
//	2  Queue
//	2  Rate
//	2  Skew
//	2  Delay
type Report struct {
	Newest   uint8  // the latest Seq that came
	Held     uint16 // ms from its arrival until this was sent
	Expected uint16 // packets sent so far, by their Seq
	Received uint16 // those that came
	Bursts   uint8  // how often packets were missing, however many in a row
	Jitter   uint8  // ms, as RFC 3550 section 6.4.1 has it; 255: or more
	Queue    uint16 // ms that every packet of late waited on the way, above the least ever seen
	Rate     uint16 // bytes a second that came of late, with all headers
	Skew     int16  // tenths of a millionth by which the sender's clock is slow
	Delay    uint16 // ms from arrival to sounding
}

// AppendMedia appends m; what an encoder appends after it is Sound too.
func AppendMedia(dst []byte, m Media) []byte {
	first := byte(PayloadMedia) | byte(m.Copied)<<2 | byte(m.Codec)&0x03
	if m.Told {
		first |= 0x40
	}
	if m.Wants {
		first |= 0x20
	}
	dst = append(dst, first, m.Seq, byte(m.Time>>8), byte(m.Time))
	if m.Told {
		dst = appendReport(dst, m.Report)
	}
	if m.Wants {
		dst = append(dst, m.Want.Newest, byte(m.Want.Before>>16), byte(m.Want.Before>>8), byte(m.Want.Before))
	}
	for _, c := range m.Copies[:m.Copied] {
		dst = append(dst, c.Back)
		if n := len(c.Sound); n < 0x80 {
			dst = append(dst, byte(n))
		} else {
			dst = append(dst, 0x80|byte(n>>8), byte(n))
		}
		dst = append(dst, c.Sound...)
	}
	return append(dst, m.Sound...)
}

// ParseMedia reads a media payload; what it returns points into b.
func ParseMedia(b []byte) (m Media, ok bool) {
	if len(b) < MediaHeader || b[0]&0x80 != byte(PayloadMedia) {
		return Media{}, false
	}
	m = Media{Codec: Codec(b[0] & 0x03), Seq: b[1], Time: uint16(b[2])<<8 | uint16(b[3]), Told: b[0]&0x40 != 0, Wants: b[0]&0x20 != 0}
	copies := int(b[0]>>2) & MaxCopies
	b = b[MediaHeader:]
	if m.Told {
		if len(b) < ReportSize {
			return Media{}, false
		}
		m.Report, b = parseReport(b), b[ReportSize:]
	}
	if m.Wants {
		if len(b) < MissingSize {
			return Media{}, false
		}
		m.Want = Missing{b[0], uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])}
		b = b[MissingSize:]
	}
	for m.Copied < copies {
		c, rest, ok := parseCopy(b)
		if !ok {
			return Media{}, false
		}
		m.Copies[m.Copied], b = c, rest
		m.Copied++
	}
	m.Sound = b
	return m, len(b) > 0 || m.Told
}

func parseCopy(b []byte) (c Copy, rest []byte, ok bool) {
	if len(b) < 2 {
		return Copy{}, nil, false
	}
	c.Back = b[0]
	n, b := int(b[1]), b[2:]
	if n >= 0x80 {
		if len(b) == 0 {
			return Copy{}, nil, false
		}
		n, b = n<<8&0x7f00|int(b[0]), b[1:]
		if n < 0x80 {
			return Copy{}, nil, false // there is a shorter way to write it
		}
	}
	if c.Back == 0 || n == 0 || n > len(b) {
		return Copy{}, nil, false
	}
	c.Sound = b[:n]
	return c, b[n:], true
}

func appendReport(dst []byte, r Report) []byte {
	dst = append(dst, r.Newest)
	dst = append16(dst, r.Held, r.Expected, r.Received)
	dst = append(dst, r.Bursts, r.Jitter)
	return append16(dst, r.Queue, r.Rate, uint16(r.Skew), r.Delay)
}

func append16(dst []byte, list ...uint16) []byte {
	for _, v := range list {
		dst = append(dst, byte(v>>8), byte(v))
	}
	return dst
}

// parseReport reads ReportSize bytes; every value of them is a Report.
func parseReport(b []byte) Report {
	at := func(i int) uint16 { return uint16(b[i])<<8 | uint16(b[i+1]) }
	return Report{
		Newest: b[0], Held: at(1), Expected: at(3), Received: at(5), Bursts: b[7], Jitter: b[8],
		Queue: at(9), Rate: at(11), Skew: int16(at(13)), Delay: at(15),
	}
}
