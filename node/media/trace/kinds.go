package trace

// kinds are the networks. Their numbers are what is usually measured: ITU-T
// G.1050 for managed and unmanaged networks, handovers of LTE, laptops that
// look for other radios. What a seed draws is in begin.
var kinds = []kind{
	{"lan", "a cable",
		func(w *way) { w.base = w.between(.5, 3) },
		func(w *way) float64 { return w.base + w.exp(.3) }},
	{"ppm", "a cable, and a clock that is wrong by up to 300 ppm",
		func(w *way) { w.base, w.skew = w.between(.5, 3), w.between(-300e-6, 300e-6) },
		func(w *way) float64 { return w.base + w.exp(.3) }},
	{"wifi", "a radio at home: a stall of 15 to 40 ms every other second; a clock that is wrong by up to 40 ppm",
		func(w *way) { w.base, w.skew = w.between(8, 20), w.between(-40e-6, 40e-6) },
		func(w *way) float64 { return w.or(.001, w.base+w.exp(2)+w.stalls(.5, 15, 40)) }},
	{"wifibusy", "a radio that many use: 1.5 stalls of 30 to 120 ms a second, 1 % lost",
		func(w *way) { w.base = w.between(8, 20) },
		func(w *way) float64 { return w.or(.01, w.base+w.exp(5)+w.stalls(1.5, 30, 120)) }},
	{"wifiscan", "a radio that looks for others every 10 s, for 150 to 400 ms",
		func(w *way) { w.base, w.next = w.between(8, 20), w.between(0, 1e4) },
		scanDelay},
	{"lte", "a mobile network: steps of 8 ms, a handover of 60 to 250 ms every 30 s",
		func(w *way) { w.base = w.between(25, 50) },
		lteDelay},
	{"bufferbloat", "a queue of 400 ms that others fill for 15 s and leave alone for 15 s",
		func(w *way) { w.base, w.next = w.between(10, 30), w.between(0, 30e3) },
		bloatDelay},
	{"burstloss", "3 % lost in bursts",
		func(w *way) { w.base, w.free = w.between(15, 40), true },
		func(w *way) float64 {
			if w.gilbert(.01, .25, .75) {
				return lost
			}
			return w.base + w.exp(3)
		}},
	{"reorder", "two paths: every tenth packet takes 20 to 45 ms more",
		func(w *way) { w.base, w.queue, w.free = w.between(15, 40), w.between(20, 45), true },
		func(w *way) float64 {
			d := w.base + w.exp(2)
			if w.chance(.1) {
				d += w.queue
			}
			return w.or(.005, d)
		}},
	{"route", "two routes, 30 to 90 ms apart, that take turns after about 20 s",
		func(w *way) { w.base, w.queue, w.next, w.free = 20, w.between(30, 90), 20e3, true },
		routeDelay},
	{"g1050b", "a partially managed network after ITU-T G.1050: impulses on 1 % of the packets",
		func(w *way) { w.base, w.free = w.between(30, 60), true },
		func(w *way) float64 {
			d := w.base + w.exp(1) + w.impulses(.01, 20, .7)
			if w.gilbert(.0005, .2, .3) {
				return lost
			}
			return d
		}},
	{"g1050c", "an unmanaged network after ITU-T G.1050: impulses on 2 % of the packets",
		func(w *way) { w.base, w.free = w.between(60, 110), true },
		func(w *way) float64 {
			d := w.base + w.exp(5) + w.impulses(.02, 60, .85)
			if w.gilbert(.004, .12, .4) {
				return lost
			}
			return d
		}},
	{"line", "an old line that carries other things too: packets wait up to 90 ms for a large one, seldom 220",
		func(w *way) { w.base = w.between(15, 30) },
		lineDelay},
	{"spike", "a cable on which everything waits once, for 200 to 500 ms, after half a minute",
		func(w *way) { w.base = w.between(1, 30) },
		spikeDelay},
}

func scanDelay(w *way) float64 {
	if w.sent >= w.next {
		w.stall = w.next + w.between(150, 400)
		w.next += 10e3
	}
	return w.or(.002, w.base+w.exp(2)+max(0, w.stall-w.sent))
}

func lteDelay(w *way) float64 {
	d := w.base + w.between(0, 9) + w.stalls(1./30, 60, 250)
	for w.chance(.1) {
		d += 8
	}
	return w.or(.002, d)
}

// bloatDelay fills a queue by about 200 ms per second until something is
// dropped; then the sender that fills it backs off.
func bloatDelay(w *way) float64 {
	const half, full = 15e3, 400
	phase := w.sent + w.next
	switch {
	case int(phase/half)%2 != 0:
		w.queue = max(0, w.queue-10)
	case w.queue >= full+w.between(0, 60):
		w.queue *= .6
		if w.chance(.3) {
			return lost
		}
	default:
		w.queue += w.between(1, 7)
	}
	return w.base + w.exp(2) + w.queue
}

func routeDelay(w *way) float64 {
	if w.sent >= w.next {
		w.bad = !w.bad
		w.next += w.between(15e3, 25e3)
	}
	d := w.base + w.exp(1.5)
	if w.bad {
		d += w.queue
	}
	return d
}

// lineDelay lets a packet wait for the end of what was sent before it.
func lineDelay(w *way) float64 {
	w.queue = max(0, w.queue-20)
	switch {
	case w.chance(.15):
		w.queue += w.between(30, 90)
	case w.chance(.003):
		w.queue += w.between(100, 220)
	}
	return w.or(.015, w.base+w.between(0, 5)+w.queue)
}

func spikeDelay(w *way) float64 {
	if w.stall == 0 && w.sent >= 30e3 {
		w.stall = w.sent + w.between(200, 500)
	}
	return w.base + w.exp(.5) + max(0, w.stall-w.sent)
}
