package opus

const (
	// pauseBefore is after how many frames without speech nothing is sent,
	// pauseLength for how many; then one is sent, so that the comfort noise
	// keeps up.
	pauseBefore = 10
	pauseLength = 20
)

// pause decides when nothing is sent (DTX).
type pause struct {
	allowed  bool // in the Opus frame at work
	quiet    int  // frames without speech
	silentMS int  // how long there was nothing but zeros
}

// hear tells whether pcm is nothing but zeros.
func (p *pause) hear(pcm []int16) bool {
	for _, v := range pcm {
		if v != 0 {
			return false
		}
	}
	return true
}

// begin begins an Opus frame.
func (p *pause) begin(allowed bool) { p.allowed = allowed }

// frame takes an inner frame.
func (p *pause) frame(active bool) {
	if active {
		p.quiet = 0
		p.allowed = false
		return
	}
	p.quiet++
	if p.quiet <= pauseBefore {
		p.allowed = false
	} else if p.quiet > pauseBefore+pauseLength {
		p.quiet = pauseBefore
		p.allowed = false
	}
}

// skips tells whether the Opus frame need not be sent.
func (p *pause) skips() bool { return p.allowed }

// lasts takes ms of zeros and tells whether they need not be sent.
func (p *pause) lasts(ms int) bool {
	p.silentMS += ms
	if p.silentMS <= pauseBefore*20 {
		return false
	}
	if p.silentMS <= (pauseBefore+pauseLength)*20 {
		return true
	}
	p.silentMS = pauseBefore * 20
	return false
}
