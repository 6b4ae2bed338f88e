package session

// windowSize is how far a packet may lag behind the newest and still be new.
// One window serves all paths of a session, so it spans the difference of
// their delays: at 100 packets per second, 20 seconds.
const windowSize = 2048

// window remembers which counters have been received (RFC 6479). The zero
// value has received nothing.
type window struct {
	newest uint64 // meaningful if any
	any    bool
	bits   [windowSize/64 + 1]uint64 // ring of blocks; one block more than the window, for the block being filled
}

const windowBlocks = windowSize/64 + 1

// fresh reports whether counter n has not been received and is not too old to
// tell.
func (w *window) fresh(n uint64) bool {
	switch {
	case !w.any || n > w.newest:
		return true
	case w.newest-n >= windowSize:
		return false
	}
	return w.bits[n/64%windowBlocks]&(1<<(n%64)) == 0
}

// mark notes that n, which is fresh, has been received and was authentic.
func (w *window) mark(n uint64) {
	if !w.any || n > w.newest {
		w.advance(n)
	}
	w.bits[n/64%windowBlocks] |= 1 << (n % 64)
}

func (w *window) advance(n uint64) {
	from := w.newest / 64
	if blocks := n/64 - from; blocks >= windowBlocks || !w.any {
		w.bits = [windowBlocks]uint64{}
	} else {
		for b := from + 1; b <= n/64; b++ {
			w.bits[b%windowBlocks] = 0
		}
	}
	w.newest, w.any = n, true
}

// full returns the counter whose low 16 bits are low and which lies nearest to
// the newest (RFC 9000 appendix A.3 decodes packet numbers the same way).
func (w *window) full(low uint16) uint64 {
	if !w.any {
		return uint64(low)
	}
	n := w.newest + 1 // the counter expected next
	candidate := n&^0xffff | uint64(low)
	switch {
	case candidate+0x8000 <= n:
		return candidate + 0x10000
	case candidate > n+0x8000 && candidate >= 0x10000:
		return candidate - 0x10000
	}
	return candidate
}
