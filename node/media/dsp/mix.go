package dsp

// A Mixer lets each party of a conference hear all others and not itself. Each
// sum is limited by a gain of its own that falls before a peak comes, so that
// nothing is clipped, and rises again slowly. It delays by MixDelay; as long as
// nothing exceeds full scale, and so while one party speaks, it changes nothing.
type Mixer struct {
	limiters []limiter // by party
	sum      [Unit]int32
}

const (
	// mixPiece is over what a gain changes, in samples: 2 ms.
	mixPiece = Rate / 500
	// MixDelay is by how many samples a Mixer delays: a piece, so that its
	// peak is known before it is heard.
	MixDelay = mixPiece
	// unityQ15 is a gain of 1.
	unityQ15 = 1 << 15
	// releasePieces is in how many pieces a gain returns to 1 but for 1/e:
	// 400 ms, slow beside a syllable.
	releasePieces = 200
	// holdPieces is for how long a gain stays before it returns, 100 ms: longer
	// than the beats of voices that are mixed.
	holdPieces = 50
	// nearly is the part by which a peak may be smaller than the gain was made
	// for and still hold it: half a decibel.
	nearly = 16
)

// NewMixer returns a Mixer for that many parties, at most 256.
func NewMixer(parties int) *Mixer {
	m := &Mixer{limiters: make([]limiter, min(parties, 256))}
	for i := range m.limiters {
		m.limiters[i] = limiter{gain: unityQ15, allowed: unityQ15}
	}
	return m
}

// Mix mixes whole units of 10 ms. in[i] is what party i said, nil: nothing;
// out[i] is filled with what it hears, nil: it need not hear anything, and its
// limiter rests. Those who said nothing hear the same, so that one out will do
// for all of them. Lengths are equal.
func (m *Mixer) Mix(out, in [][]int16) {
	total := 0
	for _, o := range out {
		total = max(total, len(o))
	}
	for at := 0; at+Unit <= total; at += Unit {
		m.add(in, at)
		for i, o := range out {
			if o == nil {
				continue
			}
			var own []int16
			if in[i] != nil {
				own = in[i][at : at+Unit]
			}
			m.limiters[i].unit(o[at:at+Unit], &m.sum, own)
		}
	}
}

// add sums up all parties.
func (m *Mixer) add(in [][]int16, at int) {
	clear(m.sum[:])
	for _, x := range in {
		if x == nil {
			continue
		}
		for i, s := range x[at : at+Unit] {
			m.sum[i] += int32(s)
		}
	}
}

// limiter holds one sum to full scale.
type limiter struct {
	gain    int32 // at the start of the piece that waits, Q15
	allowed int32 // the most that this piece bears, Q15
	hold    int   // pieces until the gain may rise
	waits   [mixPiece]int32
}

// unit limits 10 ms of sum without own.
func (l *limiter) unit(dst []int16, sum *[Unit]int32, own []int16) {
	var next [mixPiece]int32
	for at := 0; at < Unit; at += mixPiece {
		s := (*[mixPiece]int32)(sum[at:])
		if own == nil {
			next = *s
		} else {
			o := (*[mixPiece]int16)(own[at:])
			for i := range next {
				next[i] = s[i] - int32(o[i])
			}
		}
		l.piece((*[mixPiece]int16)(dst[at:]), &next)
		l.waits = next
	}
}

// piece lets out what waits; next comes behind it.
func (l *limiter) piece(dst *[mixPiece]int16, next *[mixPiece]int32) {
	allowed := bearable(next)
	end := min(l.rise(), l.allowed, allowed)
	if l.gain == unityQ15 && end == unityQ15 {
		for i, v := range l.waits {
			dst[i] = int16(v)
		}
	} else {
		// Both ends are at most what the piece bears, so all between is.
		for i, v := range l.waits {
			g := l.gain + (end-l.gain)*int32(i)/mixPiece
			dst[i] = int16(int64(v) * int64(g) >> 15)
		}
	}
	if allowed < unityQ15 && allowed <= end+end/nearly {
		l.hold = holdPieces
	}
	l.gain, l.allowed = end, allowed
}

// rise is the gain a piece later if nothing holds it down.
func (l *limiter) rise() int32 {
	if l.hold > 0 {
		l.hold--
		return l.gain
	}
	return l.gain + (unityQ15-l.gain+releasePieces-1)/releasePieces
}

// bearable is the largest gain, at most 1, that brings x within 16 bits.
func bearable(x *[mixPiece]int32) int32 {
	var low, high int32
	for _, v := range x {
		low, high = min(low, v), max(high, v)
	}
	peak := max(high, -low-1)
	if peak <= 32767 {
		return unityQ15
	}
	return 32767 << 15 / peak
}
