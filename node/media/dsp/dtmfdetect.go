package dsp

const (
	// dtmfStep is the raster of detection, in samples: 2.5 ms.
	dtmfStep = Rate / 400
	// dtmfSpan is the number of steps of a window, 12.5 ms; they weigh 1, 2, 3,
	// 2, 1, so that a frequency of the other group is 40 dB down.
	dtmfSpan   = 5
	dtmfWeight = 9 * dtmfStep
	// dtmfAccept is how many windows in a row make a key: a tone of 32 ms, half
	// way between the 23 that must be refused and the 40 that must be accepted
	// (ITU-T Q.24 annex A, the figures of AT&T).
	dtmfAccept = 12
	// dtmfGap is how many windows without the tone end a key: a gap of 10 ms
	// does not, a pause of 40 ms does.
	dtmfGap = 8
	// dtmfShare is the least share of the power that the two tones have in a
	// window, in percent, and dtmfPure that in all windows of a key but its
	// ends: noise at 15 dB leaves 97, frequencies 1.5 % off 83, and vowels that
	// were taken for keys had 75.
	dtmfShare = 64
	dtmfPure  = 78
	// dtmfSteady is how much of the turning of phase must be common to all
	// windows of a key, in percent: a voice glides.
	dtmfSteady = 90
	// dtmfTwist is the largest ratio of the powers of the two tones: 10.8 dB, which
	// noise does not reach from 8.
	dtmfTwist = 12
	// dtmfFaint is the least amplitude of a tone, in 16-bit steps: -50 dBFS.
	dtmfFaint = 100
)

// dtmfTan is the tangent of the angle by which a frequency 2.5 % off turns in
// two steps, Q8: half way between the 1.5 % that must be accepted and the 3.5 %
// that must be refused.
var dtmfTan = [8]int64{156, 177, 202, 233, 358, 446, 588, 863}

// A phasor is the sum of sound under a turning pointer.
type phasor struct{ re, im int64 }

func (p phasor) power() int64 { return p.re*p.re + p.im*p.im }

// turned is by how much p has turned since q, times both lengths, scaled so that
// the power of ten of them fits.
func (p phasor) turned(q phasor) phasor {
	return phasor{(p.re*q.re + p.im*q.im) >> 20, (p.im*q.re - p.re*q.im) >> 20}
}

func (p phasor) plus(q phasor) phasor { return phasor{p.re + q.re, p.im + q.im} }

// DTMFDetector finds the keys of ITU-T Q.23 in sound, within the limits of
// ITU-T Q.24: frequencies up to 1.5 % off are accepted and 3.5 % off refused,
// tones from 40 ms on are accepted and up to 23 ms refused, one tone may be
// 8 dB stronger than the other, and the noise may have -15 dB. Frequencies
// are measured by how their phases turn. The zero value works.
type DTMFDetector struct {
	phases [8]uint32
	filled int                  // samples in the step
	energy int64                // of the step
	sums   [8][2]int32          // of the step
	steps  [dtmfSpan]dtmfPieces // the last ones, oldest first
	before [2][8]phasor         // the last two windows, oldest first

	key    int // place in dtmfKeys of the tone that is followed, if any
	count  int // its windows
	absent int // windows since it was there
	told   bool
	turn   [2]phasor // of the two tones: sums over the key's windows
	length [2]int64  // and sums of their lengths
	tones  int64     // power of the tones in those windows
	all    int64     // and energy
}

// dtmfPieces are what a step adds to windows.
type dtmfPieces struct {
	energy int64
	at     [8]phasor
}

// Hear takes at most 10 ms and returns the key whose tone has lasted long
// enough in them; 0: none has. A key is told once.
func (d *DTMFDetector) Hear(pcm []int16) (key byte) {
	for _, s := range pcm {
		v := int32(s)
		d.energy += int64(v * v)
		for i := range d.sums {
			p := d.phases[i] >> 22
			d.sums[i][0] += v * int32(sineQ15[(p+256)&1023]) >> 15
			d.sums[i][1] -= v * int32(sineQ15[p]) >> 15
			d.phases[i] += dtmfTurns[i]
		}
		if d.filled++; d.filled == dtmfStep {
			if k := d.step(); k != 0 {
				key = k
			}
		}
	}
	return key
}

var dtmfTurns = func() (t [8]uint32) {
	for i, hz := range dtmfHz {
		t[i] = turns(hz)
	}
	return t
}()

// step closes a step and looks at the window that ends with it.
func (d *DTMFDetector) step() byte {
	copy(d.steps[:], d.steps[1:])
	last := &d.steps[dtmfSpan-1]
	last.energy = d.energy
	for i, s := range d.sums {
		last.at[i] = phasor{int64(s[0]), int64(s[1])}
	}
	d.filled, d.energy, d.sums = 0, 0, [8][2]int32{}
	var energy int64
	var at [8]phasor
	for k := range d.steps {
		weight := int64(min(k, dtmfSpan-1-k) + 1)
		energy += weight * d.steps[k].energy
		for i, p := range d.steps[k].at {
			at[i].re += weight * p.re
			at[i].im += weight * p.im
		}
	}
	key := d.window(energy, &at)
	d.before[0], d.before[1] = d.before[1], at
	return key
}

// window looks at one window.
func (d *DTMFDetector) window(energy int64, at *[8]phasor) byte {
	low, high := strongest(at[:4]), 4+strongest(at[4:])
	if !dtmfLike(energy, at[low].power(), at[high].power()) {
		return d.miss()
	}
	if key := low*4 + high - 4; key != d.key || d.count == 0 {
		d.key, d.count, d.told = key, 0, false
		d.turn, d.length, d.tones, d.all = [2]phasor{}, [2]int64{}, 0, 0
	}
	d.absent = 0
	if d.count++; d.count > 2 {
		if d.count <= dtmfAccept-2 {
			d.tones += at[low].power() + at[high].power()
			d.all += energy
		}
		for i, f := range [2]int{low, high} {
			t := at[f].turned(d.before[0][f])
			d.turn[i] = d.turn[i].plus(t)
			d.length[i] += int64(root(uint64(t.power())))
		}
	}
	if d.told || d.count != dtmfAccept {
		return 0
	}
	if !mostly(dtmfPure, d.all, d.tones) || !d.exact(0, low) || !d.exact(1, high) {
		return 0
	}
	d.told = true
	return dtmfKeys[d.key]
}

// miss takes note of a window without a tone.
func (d *DTMFDetector) miss() byte {
	if d.absent++; d.absent >= dtmfGap || !d.told && d.absent > dtmfGap/2 {
		d.count = 0
	}
	return 0
}

// exact reports whether the tone has turned together, and by no more than a
// frequency 2.5 % off does.
func (d *DTMFDetector) exact(i, hz int) bool {
	t := d.turn[i]
	side := max(t.im, -t.im)
	return t.re > 0 && side<<8 <= t.re*dtmfTan[hz] &&
		100*int64(root(uint64(t.power()))) >= dtmfSteady*d.length[i]
}

// strongest is the place of the largest of four.
func strongest(at []phasor) int {
	best, most := 0, int64(-1)
	for i, p := range at {
		if v := p.power(); v > most {
			best, most = i, v
		}
	}
	return best
}

// mostly reports whether tones of that power make up a share, in percent, of
// energy: an amplitude A makes a power of (A/2*dtmfWeight)^2 and an energy of
// A*A/2*dtmfWeight.
func mostly(percent, energy, power int64) bool {
	return 2*100*power >= percent*dtmfWeight*energy
}

// dtmfLike reports whether a window of that energy holds two tones of those
// powers and hardly anything else.
func dtmfLike(energy, low, high int64) bool {
	const faint = (dtmfFaint / 2 * dtmfWeight) * (dtmfFaint / 2 * dtmfWeight)
	return min(low, high) >= faint && low <= dtmfTwist*high && high <= dtmfTwist*low &&
		mostly(dtmfShare, energy, low+high)
}
