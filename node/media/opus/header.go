package opus

// maxPart is how many frames of 20 ms one Opus frame holds at most.
const maxPart = 3

// header is what begins an Opus frame: flags for each of its frames.
type header struct {
	parts     int
	active    [maxPart]bool
	redundant [maxPart]bool // the frame before this Opus frame is in it too
}

// read reads the flags of parts frames. RFC 6716 sections 4.2.3 and 4.2.4.
func (h *header) read(d *rangeDecoder, parts int) {
	*h = header{parts: parts}
	for i := range parts {
		h.active[i] = d.bit(1)
	}
	if !d.bit(1) {
		return
	}
	which := 1
	switch parts {
	case 2:
		which = d.symbol(lbrrFlags2[:]) + 1
	case 3:
		which = d.symbol(lbrrFlags3[:]) + 1
	}
	for i := range parts {
		h.redundant[i] = which>>i&1 != 0
	}
}

// redundantCoding says how redundant frame i is coded.
func (h *header) redundantCoding(i int) coding {
	if i > 0 && h.redundant[i-1] {
		return conditional
	}
	return independent
}
