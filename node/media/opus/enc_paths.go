package opus

const (
	maxPaths = 6
	// decisionDelay is how many samples a decision may be put off.
	decisionDelay = 40
	// outOfRace is added to the cost of a path that is not to win any more.
	outOfRace = maxInt32 >> 4
)

// path is one way in which the last samples may have been quantized.
type path struct {
	lpcQ14 [maxOrder + maxSubframe]int32
	trail
}

// trail is a path without what it can always reach of its past. Rings are
// indexed by nsqWork.ring.
type trail struct {
	seeds      [decisionDelay]int32 // of the random numbers, after each sample
	levelQ10   [decisionDelay]int32
	outQ14     [decisionDelay]int32
	excitedQ15 [decisionDelay]int32
	shapeQ14   [decisionDelay]int32
	arQ14      [maxShapeOrder]int32
	lowQ14     int32
	diffQ14    int32
	seed       int32
	first      int32 // seed that the frame began with
	cost       int32 // Q10
}

// sample is one continuation of a path.
type sample struct {
	levelQ10   int32
	cost       int32 // Q10, of the path with it
	outQ14     int32
	lowQ14     int32
	diffQ14    int32
	shapeQ14   int32
	excitedQ14 int32
}

// quantizeLate fills pulses with those of the best of several paths, decided
// some samples late.
func (q *quantizer) quantizeLate(w *nsqWork, x *indices) {
	w.begin(x)
	lag := q.lag
	w.fork(q, x, lag)
	interpolated := x.interpolation < interpolationNone
	w.decided = false
	for k := range w.subframes {
		w.rewhitened = false
		if w.kind == voiced {
			lag = w.params.lags[k]
		}
		sub := w.subframeAt(k, lag, interpolated)
		if w.kind == voiced && shapesVoice(k, interpolated) {
			if k == 2 {
				w.decideAll(q, k*w.subframe())
			}
			w.rewhiten(q, k, &sub)
		}
		w.scaleInput(k, w.params.lags[k])
		if f := w.rescale(q, k, w.params.lags[k], w.delay); f != 0 {
			for i := range w.effort.survivors {
				w.paths[i].rescale(f)
			}
		}
		w.quantizeSubframe(q, &sub, k)
		w.decided = true
	}
	best := &w.paths[w.cheapest()]
	x.seed = int8(best.first)
	w.write(q, best, w.samples(), w.params.gainsQ16[w.subframes-1]>>6, 8)
	copy(q.lpcQ14[:maxOrder], best.lpcQ14[:maxOrder])
	q.arQ14 = best.arQ14
	q.lowQ14, q.diffQ14 = best.lowQ14, best.diffQ14
	w.end(q)
}

// fork begins all paths with the state of q and a seed of their own.
func (w *nsqWork) fork(q *quantizer, x *indices, lag int) {
	for i := range w.effort.survivors {
		p := &w.paths[i]
		p.trail = trail{
			arQ14: q.arQ14, lowQ14: q.lowQ14, diffQ14: q.diffQ14,
			first: (int32(i) + int32(x.seed)) & 3,
		}
		p.seed = p.first
		p.shapeQ14[0] = q.shapeQ14[w.memory()-1]
		copy(p.lpcQ14[:maxOrder], q.lpcQ14[:])
	}
	w.ring = 0
	w.delay = min(decisionDelay, w.subframe())
	if w.kind == voiced {
		for _, l := range w.params.lags[:w.subframes] {
			w.delay = min(w.delay, l-ltpOrder/2-1)
		}
	} else if lag > 0 {
		w.delay = min(w.delay, lag-ltpOrder/2-1)
	}
}

func (p *path) rescale(factorQ16 int32) {
	p.lowQ14, p.diffQ14 = mul32(factorQ16, p.lowQ14), mul32(factorQ16, p.diffQ14)
	multiply(p.lpcQ14[:maxOrder], factorQ16)
	multiply(p.arQ14[:], factorQ16)
	multiply(p.excitedQ15[:], factorQ16)
	multiply(p.shapeQ14[:], factorQ16)
}

// cheapest is the best path so far.
func (w *nsqWork) cheapest() (best int) {
	for i := range w.effort.survivors {
		if w.paths[i].cost < w.paths[best].cost {
			best = i
		}
	}
	return best
}

// decideAll decides for the best path at sample n of the frame.
func (w *nsqWork) decideAll(q *quantizer, n int) {
	best := w.cheapest()
	for i := range w.effort.survivors {
		if i != best {
			w.paths[i].cost += outOfRace
		}
	}
	w.write(q, &w.paths[best], n, w.params.gainsQ16[1], 14)
	w.decided = false
}

// write puts out the last samples of a path, up to sample n of the frame; gain
// is in Q(2+shift).
func (w *nsqWork) write(q *quantizer, p *path, n int, gain int32, shift uint) {
	for i := range w.delay {
		at := (w.ring + w.delay - 1 - i) % decisionDelay
		to := n - w.delay + i
		w.pulses[to] = int8(round(p.levelQ10[at], 10))
		q.out[w.memory()+to] = sat16(round(mul32(p.outQ14[at], gain), shift))
		q.shapeQ14[w.at-w.delay+i] = p.shapeQ14[at]
	}
}

// quantizeSubframe extends all paths by subframe k.
func (w *nsqWork) quantizeSubframe(q *quantizer, sub *subframeWork, k int) {
	n := w.subframe()
	paths := w.paths[:w.effort.survivors]
	for i := range n {
		pitchQ14, noiseQ14 := w.periodic(q, sub)
		w.extendAll(paths, sub, i, pitchQ14, noiseQ14)
		if w.ring--; w.ring < 0 {
			w.ring = decisionDelay - 1
		}
		last := w.ring + w.delay
		if last >= decisionDelay {
			last -= decisionDelay
		}
		best := w.race(i, last)
		if w.decided || i >= w.delay {
			p, to := &paths[best], k*n+i-w.delay
			w.pulses[to] = int8(round(p.levelQ10[last], 10))
			q.out[w.memory()+to] = sat16(round(mul32(p.outQ14[last], w.delayed[last]), 8))
			q.shapeQ14[w.at-w.delay] = p.shapeQ14[last]
			w.excitedQ15[w.excitedAt-w.delay] = p.excitedQ15[last]
		}
		w.at++
		w.excitedAt++
		for j := range paths {
			paths[j].append(&w.next[j][0], i, w.ring)
		}
		w.delayed[w.ring] = sub.gainQ10
	}
	for j := range paths {
		copy(paths[j].lpcQ14[:maxOrder], paths[j].lpcQ14[n:])
	}
}

// periodic is what all paths share: the long-term prediction, and the same less
// the noise that follows the pitch.
func (w *nsqWork) periodic(q *quantizer, sub *subframeWork) (pitchQ14, lessNoiseQ14 int32) {
	if w.kind == voiced {
		pitchQ14 = longPrediction(w.excitedQ15[w.excitedAt-sub.lag-2:], &sub.taps) << 1
	}
	if sub.lag <= 0 {
		return pitchQ14, 0
	}
	past := (*[harmonicTaps]int32)(q.shapeQ14[w.at-sub.lag-1:])
	h := mul16(addSat(past[2], past[0]), sub.harmonic1) + mul16(past[1], sub.harmonic0)
	return pitchQ14, pitchQ14 - h<<2
}

// extendAll finds the levels that may follow each path; where there are registers
// for it, two at a time.
func (w *nsqWork) extendAll(paths []path, sub *subframeWork, i int, pitchQ14, lessNoiseQ14 int32) {
	j := 0
	for ; wide && j+1 < len(paths); j += 2 {
		p1, p2 := &paths[j], &paths[j+1]
		noise1, noise2 := feedBackTwo(p1, p2, sub.shapeQ13, sub.warpQ16)
		p1.extend(w, sub, i, pitchQ14, lessNoiseQ14, noise1, &w.next[j])
		p2.extend(w, sub, i, pitchQ14, lessNoiseQ14, noise2, &w.next[j+1])
	}
	for ; j < len(paths); j++ {
		noise := paths[j].feedBack(sub.shapeQ13, sub.warpQ16)
		paths[j].extend(w, sub, i, pitchQ14, lessNoiseQ14, noise, &w.next[j])
	}
}

// extend finds the two levels that may follow; noise is what feedBack returns.
func (p *path) extend(w *nsqWork, sub *subframeWork, i int, pitchQ14, lessNoiseQ14, noise int32, next *[2]sample) {
	p.seed = random(p.seed)
	past := (*[maxOrder]int32)(p.lpcQ14[i:])
	var predicted int32 // Q14
	if len(sub.aQ12) == maxOrder {
		predicted = predictQ10x16(past, (*[16]int16)(sub.aQ12)) << 4
	} else {
		predicted = predictQ10x10(past, (*[10]int16)(sub.aQ12)) << 4
	}
	noise = (noise<<1 + mul16(p.lowQ14, sub.tiltQ14)) << 2
	low := (mul16(p.shapeQ14[w.ring], sub.lowFeedQ14) + mul16(p.lowQ14, sub.lowBackQ14)) << 2
	inQ10 := w.xQ10[i]
	r := inQ10 - round(subSat(lessNoiseQ14+predicted, addSat(noise, low)), 4)
	if p.seed < 0 {
		r = -r
	}
	a, b := levels(r, w.offset, sub.lambdaQ10)
	a.cost >>= 10
	b.cost >>= 10
	if a.cost >= b.cost {
		a, b = b, a
	}
	inQ14 := inQ10 << 4
	for j, l := range [2]level{a, b} {
		excited := l.levelQ10 << 4
		if p.seed < 0 {
			excited = -excited
		}
		excited += pitchQ14
		out := excited + predicted
		diff := out - inQ14
		lowQ14 := diff - noise
		next[j] = sample{
			levelQ10: l.levelQ10, cost: p.cost + l.cost, outQ14: out, lowQ14: lowQ14,
			diffQ14: diff, shapeQ14: subSat(lowQ14, low), excitedQ14: excited,
		}
	}
}

// feedBack runs the shaping filter, with all-pass sections where warp is not 0,
// over its state; Q11.
func (p *path) feedBack(aQ13 []int16, warpQ16 int16) int32 {
	s, c := p.arQ14[:len(aQ13)], aQ13
	sum := int32(len(aQ13) >> 1)
	b := p.diffQ14 + mul16(s[0], warpQ16)
	a := s[0] + mul16(s[1]-b, warpQ16)
	s[0] = b
	sum += mul16(b, c[0])
	s, c = s[1:], c[1:]
	for ; len(s) >= 3 && len(c) >= 3; s, c = s[2:], c[2:] {
		b = s[0] + mul16(s[1]-a, warpQ16)
		s[0] = a
		sum += mul16(a, c[0])
		a = s[1] + mul16(s[2]-b, warpQ16)
		s[1] = b
		sum += mul16(b, c[1])
	}
	s[0] = a
	return sum + mul16(a, c[0])
}

// feedBackTwo is feedBack of two paths at once: every section waits for the one
// before it, and while one path waits a processor has time for the other.
func feedBackTwo(p1, p2 *path, aQ13 []int16, warpQ16 int16) (noise1, noise2 int32) {
	n := len(aQ13)
	s, t, c := p1.arQ14[:n], p2.arQ14[:n], aQ13
	sum1, sum2 := int32(n>>1), int32(n>>1)
	b1, b2 := p1.diffQ14+mul16(s[0], warpQ16), p2.diffQ14+mul16(t[0], warpQ16)
	a1, a2 := s[0]+mul16(s[1]-b1, warpQ16), t[0]+mul16(t[1]-b2, warpQ16)
	s[0], t[0] = b1, b2
	sum1 += mul16(b1, c[0])
	sum2 += mul16(b2, c[0])
	s, t, c = s[1:], t[1:], c[1:]
	for ; len(s) >= 3 && len(t) >= 3 && len(c) >= 3; s, t, c = s[2:], t[2:], c[2:] {
		b1, b2 = s[0]+mul16(s[1]-a1, warpQ16), t[0]+mul16(t[1]-a2, warpQ16)
		s[0], t[0] = a1, a2
		sum1 += mul16(a1, c[0])
		sum2 += mul16(a2, c[0])
		a1, a2 = s[1]+mul16(s[2]-b1, warpQ16), t[1]+mul16(t[2]-b2, warpQ16)
		s[1], t[1] = b1, b2
		sum1 += mul16(b1, c[1])
		sum2 += mul16(b2, c[1])
	}
	s[0], t[0] = a1, a2
	return sum1 + mul16(a1, c[0]), sum2 + mul16(a2, c[0])
}

// race drops paths that differ from the best one where it is decided now, and
// lets the best second continuation take the place of the worst path. It
// returns the path to decide for.
func (w *nsqWork) race(i, last int) (best int) {
	paths := w.paths[:w.effort.survivors]
	for j := range paths {
		if w.next[j][0].cost < w.next[best][0].cost {
			best = j
		}
	}
	seed := paths[best].seeds[last]
	for j := range paths {
		if paths[j].seeds[last] != seed {
			w.next[j][0].cost += outOfRace
			w.next[j][1].cost += outOfRace
		}
	}
	worst, second := 0, 0
	for j := range paths {
		if w.next[j][0].cost > w.next[worst][0].cost {
			worst = j
		}
		if w.next[j][1].cost < w.next[second][1].cost {
			second = j
		}
	}
	if w.next[second][1].cost < w.next[worst][0].cost {
		copy(paths[worst].lpcQ14[i:], paths[second].lpcQ14[i:])
		paths[worst].trail = paths[second].trail
		w.next[worst][0] = w.next[second][1]
	}
	return best
}

// append makes s the last sample of the path, number i of the subframe.
func (p *path) append(s *sample, i, ring int) {
	p.lowQ14, p.diffQ14 = s.lowQ14, s.diffQ14
	p.lpcQ14[maxOrder+i] = s.outQ14
	p.outQ14[ring] = s.outQ14
	p.levelQ10[ring] = s.levelQ10
	p.excitedQ15[ring] = s.excitedQ14 << 1
	p.shapeQ14[ring] = s.shapeQ14
	p.seed += round(s.levelQ10, 10)
	p.seeds[ring] = p.seed
	p.cost = s.cost
}
