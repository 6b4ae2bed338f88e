package opus

// passFeedQ28 and passBackQ28 are a high-pass filter for 16 kHz: -3 dB at 60 Hz,
// -0.4 at 100. The reference goes up to 100 Hz with the voice; that is no better.
var (
	passFeedQ28 = [3]int32{264071170, -528142340, 264071170}
	passBackQ28 = [2]int32{-528059860, 259777835}
)

const (
	// switchMS is after how long the bandwidth changes even if somebody speaks.
	switchMS = 5000
	// fadeSteps is how many frames the low-pass filter takes from open to closed.
	fadeSteps = 256
	fadeParts = 4 // pieces between the filters of the table
	historyMS = 30
)

// encoderDelay is the delay of the rate converter in samples, for 8, 12 and 16
// kHz inside, so that it is one in all.
var encoderDelay = [...]int{0, 1, 10}

// entry is what input goes through first: a high-pass filter, the rate converter,
// and a low-pass filter around changes of the rate. RFC 6716 sections 5.2.1 and
// 5.2.3.
type entry struct {
	state [2]int32

	history   [historyMS * maxKHz]int16 // filtered, at 16 kHz
	filtered  [maxInner * maxSamples]int16
	kHz       int // of the converter's output; 0: none yet
	converter resampler
	late      int16                          // its last sample
	converted [1 + maxInner*maxSamples]int16 // late, then the Opus frame
	fade      fade

	mayChange bool // nobody spoke in the last frame, or it is time
	sinceMS   int  // how long the rate was not free to change
}

// filter takes off what is below the voice.
func (n *entry) filter(pcm []int16) []int16 {
	x := n.filtered[:len(pcm)]
	copy(x, pcm)
	filter2Q28(x, &passFeedQ28, &passBackQ28, &n.state)
	return x
}

// next is the input of frame i of an Opus frame, one sample late; x is all of it
// at 16 kHz.
func (n *entry) next(s *frameEncoder, x []int16, i int) []int16 {
	if i == 0 {
		size := s.inner * s.samples()
		n.converted[0] = n.late
		n.converter.convert(n.converted[1:1+size], x)
		n.late = n.converted[size]
		n.remember(x)
	}
	return n.converted[i*s.samples():][:s.samples()]
}

// remember keeps the last input.
func (n *entry) remember(x []int16) {
	if keep := len(n.history) - len(x); keep > 0 {
		copy(n.history[:], n.history[len(x):])
		copy(n.history[keep:], x)
	} else {
		copy(n.history[:], x[-keep:])
	}
}

// rate is which rate to use inside, in kHz, at a bandwidth.
func (n *entry) rate(b Bandwidth) int {
	want := 8 + 4*int(b)
	if n.kHz == 0 || want == n.kHz {
		n.fade.open()
		return want
	}
	if !n.mayChange {
		return n.kHz
	}
	if want < n.kHz && !n.fade.close() {
		return n.kHz
	}
	if want > n.kHz {
		n.fade.begin()
		return want
	}
	n.fade = fade{}
	return want
}

// refill converts the history for a new rate.
func (n *entry) refill(s *frameEncoder) {
	n.kHz = s.kHz
	n.converter.init(maxKHz, s.kHz)
	n.converter.delay = encoderDelay[s.kHz/4-2]
	var past [historyMS * maxKHz]int16
	n.converter.convert(past[:historyMS*s.kHz], n.history[:])
	last := historyMS*s.kHz - 1
	n.late = past[last]
	size := s.memory() + lookShapeMS*s.kHz
	copy(s.sound[:size], past[last-size:last])
}

// judge decides whether the rate may change before the next frame.
func (n *entry) judge(speechQ8 int32, ms int) {
	if speechQ8 < activeQ8+mul16(3188, int16(n.sinceMS)) {
		n.mayChange, n.sinceMS = true, 0
		return
	}
	n.mayChange = false
	n.sinceMS = min(n.sinceMS+ms, switchMS)
}

// fade is a low-pass filter that closes before the rate goes down and opens
// after it went up. The zero value lets all through.
type fade struct {
	step  int // of fadeSteps; fadeSteps: wide open
	by    int // per frame; 0: off
	state [2]int32
}

// begin starts to open.
func (f *fade) begin() { *f = fade{by: 1} }

// open goes on to open, if it was not wide open.
func (f *fade) open() {
	if f.step >= fadeSteps {
		f.by = 0
	} else if f.by < 0 {
		f.by = 1
	}
}

// close goes on to close; true: it is closed.
func (f *fade) close() bool {
	if f.by == 0 {
		*f = fade{step: fadeSteps}
	}
	if f.step <= 0 {
		return true
	}
	f.by = -2
	return false
}

// run filters the input of one frame.
func (f *fade) run(x []int16) {
	if f.by == 0 {
		return
	}
	feed, back := f.filter()
	f.step = min(max(f.step+f.by, 0), fadeSteps)
	filter2Q28(x, &feed, &back, &f.state)
}

// filter is between two filters of the table.
func (f *fade) filter() (feed [3]int32, back [2]int32) {
	atQ16 := int32(fadeSteps-f.step) << 16 / (fadeSteps / fadeParts)
	i, part := int(atQ16>>16), atQ16&0xffff
	if i >= fadeParts {
		return fadeFeedQ28[fadeParts], fadeBackQ28[fadeParts]
	}
	from := 0
	if part >= 1<<15 { // from the other side, since 16 bits hold no more
		from, part = 1, part-1<<16
	}
	for j := range feed {
		feed[j] = fadeFeedQ28[i+from][j] + mul16(fadeFeedQ28[i+1][j]-fadeFeedQ28[i][j], int16(part))
	}
	for j := range back {
		back[j] = fadeBackQ28[i+from][j] + mul16(fadeBackQ28[i+1][j]-fadeBackQ28[i][j], int16(part))
	}
	return feed, back
}
