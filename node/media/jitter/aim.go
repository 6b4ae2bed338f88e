package jitter

import (
	"time"

	"peerphone/hal"
)

const (
	// startWait is what sound waits at least, above the fastest packet, while
	// nothing is known: the first second.
	startWait = 40 * time.Millisecond
	// startShort is the same of packets of 10 ms: whoever sends them wants little
	// delay, and has 70 ms from mouth to ear.
	startShort = 36 * time.Millisecond
	startSpan  = time.Second
	// startFall is the time in which that minimum then falls to nothing.
	startFall = 4 * time.Second
	// Where packets have come evenly so far, within evenSpread, less is unknown:
	// that minimum is held for evenSpan and falls in evenFall.
	evenSpread = 3 * time.Millisecond
	evenSpan   = 250 * time.Millisecond
	evenFall   = time.Second
	// leastWait covers what a quiet network hides: a reader that is a few
	// milliseconds late.
	leastWait = 6 * time.Millisecond
	// mostWait bounds the delay: beyond it a talk becomes a walkie-talkie's.
	mostWait = 500 * time.Millisecond
	// safeWait is the wait up to which every packet of the last calmSpan is
	// waited for: nobody minds so little.
	safeWait = 40 * time.Millisecond
	calmSpan = 8 * time.Second
	// cheapWait is the wait up to which the spread of the packets is waited for
	// twice, scant what is added to the slowest in any case.
	cheapWait = 25 * time.Millisecond
	// busyWait covers a reader and a playout thread that are each a period and
	// more late, which a busy machine with two cores shows every few seconds;
	// up to busyMost all is waited for that was seen in the last calmSpan.
	busyWait = 35 * time.Millisecond
	busyMost = 70 * time.Millisecond
	scant    = 2 * time.Millisecond
	// impossible is how much faster than the fastest no network becomes: the
	// sender's time has jumped.
	impossible = 200 * time.Millisecond
	// price is what a frame made up costs, in ms that all sound waits: a wait of
	// one ms more is worth it that saves one frame in 30,000. Long waits cost
	// more than in proportion, since people begin to talk at the same time:
	// twice as much at convex ms as at none.
	price  = 30000
	convex = 120
)

// memories are how long the histograms remember, in units of 10 ms.
var memories = [...]float64{40, 150, 500, 1500, 6000}

// views are what can be made of the memories: each asks one for the best wait,
// at the price times worth. Those at less than the full price overlook a spike.
var views = [...]struct {
	memory int
	worth  float32
}{{0, 1}, {1, 1}, {2, 1}, {3, 1}, {4, 1}, {2, 1. / 8}, {3, 1. / 8}, {4, 1. / 8}}

// margins are added to what a histogram says, in steps.
var margins = [...]int{0, 1, 2}

const (
	policies = len(views) * len(margins)
	// costSpan is over how many packets the policies are compared.
	costSpan = 1500 // 30 s
	// wasSpan is for how many pulls it is known what each would have done: 640 ms.
	wasSpan = 64
)

// aim decides how long sound should wait. Several policies, each a memory and a
// margin, are followed at once; what each would have cost decides which is
// obeyed. All delays are transits: arrival less position, on the line of the
// sender's skew.
type aim struct {
	zero   time.Duration // of bin 0
	seen   int           // packets since the start
	start  time.Duration // what sound waits at first
	began  hal.Instant
	hist   [len(memories)]histogram
	best   [len(views)]float32 // bins that each would have now
	cost   [policies]float32
	obey   int
	was    [wasSpan][len(views)]float32 // best at the last pulls
	ticks  int
	grid   grid
	calm   calm
	copies calm // of copies, needed or not
	ways   calm // of the network alone: from the end of a packet to its arrival
	route  shorter
	busy   bool               // the machine lets threads wait: it may do that to the reader too
	tails  [bins + 64]float32 // of the histogram being solved
}

// grid is the raster of pulls: a packet can be missed at these transits only.
type grid struct {
	regular bool          // the raster stands still against the sender's time
	phase   time.Duration // where, modulo 10 ms
}

func (a *aim) reset() {
	*a = aim{}
	for i := range a.hist {
		a.hist[i].reset(float32(1 + 1/memories[i]))
	}
	for i := range a.cost {
		a.cost[i] = float32(2-i%len(margins)) * 4
	}
	a.obey = 2*len(margins) + 2
}

// observe learns from the transit of a packet.
func (a *aim) observe(x arrival, transit time.Duration) {
	at := x.at
	low, _ := a.calm.limits()
	if a.seen > 0 && transit < low-impossible {
		a.reset()
	}
	by := time.Duration(0)
	if a.seen == 0 {
		a.zero, a.began, a.start = transit-before*binWidth, at, startWait
		if x.units == 1 {
			a.start = startShort
		}
	} else if x.by == itself {
		by = a.route.observe(at, transit)
	}
	a.seen++
	a.calm.observe(at, transit)
	a.ways.observe(at, transit-time.Duration(x.units)*unit)
	a.copies.tick(at)
	if x.by == needed {
		a.copies.observe(at, transit)
	}
	bin := a.bin(transit)
	late := float32(transit-a.zero) / float32(binWidth)
	missed := late > a.wait(a.obey)
	a.judge(late)
	for i := range a.hist {
		a.hist[i].add(bin, x.units)
	}
	if by > 0 {
		a.shorten(by, a.route.least)
	}
	for i, v := range views {
		if missed || a.seen%len(views) == i || a.seen < 100 {
			a.best[i] = a.solve(&a.hist[v.memory], v.worth*price)
		}
	}
	a.choose()
}

// offered learns how long a copy took that was not needed: the next one may be.
// One that took longer than sound may wait is no use to anybody.
func (a *aim) offered(at hal.Instant, transit time.Duration) {
	if low, _ := a.calm.limits(); a.seen > 0 && transit-low < mostWait {
		a.copies.observe(at, transit)
	}
}

// bin files a transit; when it lies outside, all is moved.
func (a *aim) bin(transit time.Duration) int {
	bin := int((transit - a.zero) / binWidth)
	if transit < a.zero {
		a.shift(before - bin)
		bin = before
	}
	if bin >= bins {
		low := bins
		for i := range a.hist {
			low = min(low, a.hist[i].low)
		}
		if by := min(low-before/2, bin-bins+before); by > 0 {
			a.shift(-by)
			bin -= by
		}
	}
	return min(bin, bins-1)
}

func (a *aim) shift(by int) {
	a.zero -= time.Duration(by) * binWidth
	for i := range a.was {
		for j := range a.was[i] {
			a.was[i][j] += float32(by)
		}
	}
	for i := range a.hist {
		a.hist[i].shift(by)
	}
	for i := range a.best {
		a.best[i] += float32(by)
	}
}

// tick takes note of a pull.
func (a *aim) tick() {
	a.ticks++
	a.was[a.ticks%wasSpan] = a.best
}

// judge lets each policy pay for a packet that came that late, with the wait
// that it had when the packet was due at the earliest: what the packet itself
// teaches came too late for it.
func (a *aim) judge(late float32) {
	pace := 1 / float32(min(a.seen+100, costSpan))
	low, _ := a.calm.limits()
	ago := int(late-float32(low-a.zero)/float32(binWidth)) / 10
	then := &a.was[max(0, a.ticks-min(max(ago, 0), wasSpan-1))%wasSpan]
	if a.ticks < wasSpan {
		then = &a.best
	}
	first := a.waitOf(then, 0)
	for i := range a.cost {
		w := a.waitOf(then, i)
		c := a.toll(w) - a.toll(first) + price*a.grid.missing(late-w)
		a.cost[i] += (c - a.cost[i]) * pace
	}
}

// toll is what a wait costs: long ones more than in proportion.
func (a *aim) toll(w float32) float32 {
	low, _ := a.calm.limits()
	w -= float32(low-a.zero) / float32(binWidth)
	return w * (1 + max(0, w)/convex)
}

// missing is the share of a frame that is made up for a packet that came so
// many ms too late.
func (g grid) missing(ms float32) float32 {
	if !g.regular {
		return min(max(0, (ms+8)/20), 1)
	}
	switch {
	case ms <= 0:
		return 0
	case ms <= 10:
		return .5
	}
	return 1
}

func (a *aim) choose() {
	best := a.obey
	for i, c := range a.cost {
		if c < a.cost[best]-1 {
			best = i
		}
	}
	a.obey = best
}

// wait is what a policy says, in bins.
func (a *aim) wait(policy int) float32 { return a.waitOf(&a.best, policy) }

func (a *aim) waitOf(best *[len(views)]float32, policy int) float32 {
	step := 5
	if a.grid.regular {
		step = 10
	}
	return best[policy/len(margins)] + float32(margins[policy%len(margins)]*step)
}

// solve finds the wait at which a little more would cost more than it saves.
func (a *aim) solve(h *histogram, price float32) float32 {
	var sum float32
	clear(a.tails[h.high+1:])
	for i := h.high; i >= h.low; i-- {
		sum += h.weight[i]
		a.tails[i] = sum
	}
	for i := max(0, h.low-12); i < h.low; i++ {
		a.tails[i] = sum
	}
	scale := price / sum
	if a.grid.regular {
		return a.solveGrid(h, scale)
	}
	best, least := float32(h.low), float32(0)
	for i := max(h.low, 5); i < min(h.high+12, bins); i++ {
		c := a.toll(float32(i)) + scale*(a.tails[max(0, i-8)]+a.tails[max(0, i-4)]+a.tails[i]+a.tails[i+5]+a.tails[i+12])/5
		if least == 0 || c < least {
			best, least = float32(i), c
		}
	}
	return best
}

func (a *aim) solveGrid(h *histogram, scale float32) float32 {
	phase := (a.grid.phase - a.zero) % unit
	if phase < 0 {
		phase += unit
	}
	first := float32(phase) / float32(binWidth)
	for int(first)+10 < h.low {
		first += 10
	}
	best, least := float32(0), float32(0)
	for w := first; int(w) < bins; w += 10 {
		i := int(w)
		c := a.toll(w) + scale*(a.tails[i]+a.tails[i+10])/2
		if least == 0 || c < least {
			best, least = w, c
		}
		if i > h.high {
			break
		}
	}
	return best
}

// target is the transit at which sound should be played.
func (a *aim) target(now hal.Instant) time.Duration {
	if a.seen == 0 {
		return 0
	}
	t := a.zero + time.Duration(a.wait(a.obey)*float32(binWidth))
	low, high := a.calm.limits()
	least := low + leastWait
	if spread := high - low; spread < safeWait {
		least = max(least, high+scant, min(high+spread, low+cheapWait))
	}
	if a.busy {
		least = max(least, low+busyWait, min(high+scant, low+busyMost))
	}
	if _, slowest := a.copies.limits(); a.copied() {
		least = max(least, slowest+scant) // who sends copies pays for them with quality
	}
	if !a.grid.regular {
		least += max(0, unit-(high-low)/2)
	}
	least = max(least, low+startLeast(a.start, now.Sub(a.began), high-low))
	return min(a.grid.above(t, least), low+mostWait)
}

// startLeast is what sound waits at least in a call that began with a wait, of an
// age, whose packets came within spread.
func startLeast(wait, age, spread time.Duration) time.Duration {
	span, fall := startSpan, startFall
	if spread <= evenSpread {
		span, fall = evenSpan, evenFall
	}
	left := min(fall, max(0, span+fall-age))
	return wait * (left / time.Millisecond) / (fall / time.Millisecond)
}

// copied reports whether packets have come with copies of late.
func (a *aim) copied() bool { return a.copies.turn != 0 }

// wanted is the target above the fastest packets.
func (a *aim) wanted(now hal.Instant) time.Duration {
	if a.seen == 0 {
		return startWait
	}
	low, _ := a.calm.limits()
	return a.target(now) - low
}

// overdue reports whether a packet of that age that has not come will more
// likely than not take another pull to come.
func (a *aim) overdue(age time.Duration) bool {
	h := &a.hist[2]
	from := int((age - a.zero) / binWidth)
	var later, much float32
	for i := max(from-1, h.low); i <= h.high; i++ {
		later += h.weight[i]
		if i > from+10 {
			much += h.weight[i]
		}
	}
	return later < h.total/4 && much*2 >= later
}

// above raises t to least, on the raster.
func (g grid) above(t, least time.Duration) time.Duration {
	if t >= least {
		return t
	}
	if !g.regular {
		return least
	}
	return t + (least-t+unit-1)/unit*unit
}
