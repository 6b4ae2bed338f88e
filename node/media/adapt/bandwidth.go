package adapt

import (
	"time"

	"peerphone/hal"
)

//go:generate go tool stringer -type=State -linecomment

// State is what the sender does with the bandwidth:
//
//	Starting --a few seconds--> Climbing
//	Starting --a thin line, before the first packet--> Holding
//	Starting, Climbing, Holding --too much--> Draining
//	Draining --the first report knows of no queue--> Starting
//	Draining --the queue is gone, or not ours--> Holding --patience--> Climbing
type State uint8

// The states.
const (
	Starting State = iota // starting
	Climbing              // climbing
	Holding               // holding
	Draining              // draining
)

const (
	// startRate is what a call begins with, in bytes a second with all headers.
	startRate = 5000
	// leastRate is never gone below: some 6 kb/s in packets of 120 ms. Who asks
	// for less hears no speech.
	leastRate = 1250
	startFor  = 3 * time.Second
	// Growth per second: at the start, where it is known to fit, and beyond.
	startGrowth  = .3
	climbGrowth  = .1
	beyondGrowth = .04
	// patience is how long the rate stays below where it was too much; it
	// doubles each time that this proves right.
	leastPatience = 15 * time.Second
	mostPatience  = 2 * time.Minute
	// trainPatience is how long the rate stays at first where a train has said what
	// the line lets through: it has measured that, and not run into it.
	trainPatience = 30 * time.Second
	// felt is how much longer packets wait when the rate has climbed too far.
	felt = 40 * time.Millisecond
	// full is how much of what comes through is used.
	full = .92
	// standFor is how long a queue may stand that does not drain, before it is
	// taken to be filled by others.
	standFor = 3 * time.Second
	// doubting is how much is left of the belief in what a train has measured when a
	// queue builds up all the same.
	doubting = .96
	// queued is what packets may wait besides their own length: jitter.
	queued = 50 * time.Millisecond
	// policed is a share of losses, of so many packets, that speaks of a limit on
	// the rate; it is tried out on some packets.
	policed        = .4
	policedPackets = 80
	triedPackets   = 40
	// fullRTT is a round trip so long that losses are rather those of a queue that was
	// full before the call began: that one is not seen to grow. Fewer of them do.
	fullRTT     = 400 * time.Millisecond
	fullLost    = .25
	fullPackets = 30
	// unheard is how long no report may come: then less is sent each second.
	unheard = 2500 * time.Millisecond
	// unheardFirst is the same of the first report: where nobody has measured the line
	// a call begins with what may be too much.
	unheardFirst = 1500 * time.Millisecond
)

// bandwidth decides how many bytes a second may be sent. It goes by the queue
// that builds up in front of a bottleneck, and by how much comes through.
type bandwidth struct {
	state   State
	most    float64
	allowed float64
	ceiling float64 // what came through when it was too much; 0: it never was
	known   float64 // what the line lets through, as a train has measured it; 0: nobody knows
	began   hal.Instant
	since   hal.Instant // of the state
	next    hal.Instant // Draining: when the rate may be cut again
	wait    time.Duration
	stands  time.Duration // a queue that is not ours
	from    time.Duration // the queue when Climbing began
	immune  hal.Instant   // until then loss is not taken for a limit on the rate
	trial   trial
	heard   hal.Instant   // the last report
	silence float64       // what was allowed when reports ceased; 0: they come
	guessed float64       // what was allowed before the other way was taken for ours; 0: it was not
	behind  time.Duration // what packets waited then, if that is right
}

// trial is whether fewer packets are lost at a lower rate.
type trial struct {
	rate           float64 // before; 0: there is no trial
	share          float64 // of packets lost then
	expected, lost float64 // since
}

// sample is what one report says.
type sample struct {
	dt       time.Duration // since the one before
	queue    time.Duration
	grown    time.Duration // of queue, since the one before
	through  float64       // bytes a second that came
	lost     float64       // share, of
	expected int           // so many packets
	whole    bool          // nearly all packets since the report before have come
	long     tally         // what was lost in the last ten seconds
	packet   time.Duration // of our packets
	rtt      time.Duration
	sent     hal.Instant // when the newest of those packets was
}

// expect begins with what the line is said to let through, and reports whether
// that is less than would be sent anyhow.
func (b *bandwidth) expect(line float64) (thin bool) {
	if full*line >= min(startRate, b.most) {
		return false
	}
	b.known, b.ceiling = line, max(line, leastRate)
	b.allowed, b.wait = max(full*line, leastRate), trainPatience
	b.state = Holding
	return true
}

// line is how many bytes a second the line lets through; 0: it was never too few.
func (b *bandwidth) line() float64 {
	if b.ceiling == 0 {
		return 0
	}
	return max(b.ceiling, b.allowed/full)
}

func (b *bandwidth) begin(now hal.Instant) {
	b.began, b.since, b.heard = now, now, now
	if b.state == Starting {
		b.allowed, b.wait = min(startRate, b.most), leastPatience
	}
}

func (b *bandwidth) enter(s State, now hal.Instant) { b.state, b.since = s, now }

// take follows a report.
func (b *bandwidth) take(now hal.Instant, s sample) {
	b.heard = now
	if before := b.silence; before > 0 {
		b.silence = 0
		switch {
		case s.queue > b.bearable(s) || b.state != Holding:
		case s.whole:
			b.allowed = max(b.allowed, before) // reports were lost, nothing was choked
		default:
			b.enter(Climbing, now) // what went before the silence did not all come through
		}
	}
	if s.queue < b.stands/2 {
		b.stands = 0
	}
	b.learn(now, s)
	switch {
	case b.state == Draining:
		b.drain(now, s)
	case b.state == Climbing && b.ceiling > 0 && b.allowed > full*b.ceiling && s.queue > b.from+felt:
		b.retreat(now)
	case b.choked(s):
		b.cut(now, s)
	case b.limited(now, s):
		b.trial = trial{rate: b.allowed, share: s.long.share()}
		b.cut(now, s)
	default:
		b.climb(now, s)
	}
	b.allowed = min(max(b.allowed, leastRate), b.most)
}

// guess follows what comes the other way, before the first report: that waits
// behind all that the far end has sent too fast, where both ways are thin.
func (b *bandwidth) guess(now hal.Instant, s sample) (cut bool) {
	if b.state != Starting || b.guessed > 0 || !b.choked(s) {
		return false
	}
	b.guessed, b.behind = b.allowed, s.queue
	b.cut(now, s)
	b.allowed = min(max(b.allowed, leastRate), b.most)
	return true
}

// learn puts what was guessed right, when the first report comes: it speaks of a
// packet that waited as long as the guess has it, or did not.
func (b *bandwidth) learn(now hal.Instant, s sample) {
	if expected := b.expected(s.sent); b.guessed > 0 && expected >= onsetRise && s.queue < expected/3 {
		b.allowed, b.ceiling = b.guessed, 0
		b.enter(Starting, now)
	}
	b.guessed = 0
}

// expected is what a packet waited that was sent at an instant, if what was guessed
// is right.
func (b *bandwidth) expected(sent hal.Instant) time.Duration {
	if sent < b.since {
		share := sent.Sub(b.began).Seconds() / max(b.since.Sub(b.began).Seconds(), .001)
		return time.Duration(share * float64(b.behind))
	}
	drains := 1 - b.allowed/max(b.ceiling, 1)
	return b.behind - time.Duration(drains*float64(sent.Sub(b.since)))
}

// bearable is what packets may wait.
func (b *bandwidth) bearable(s sample) time.Duration { return queued + s.packet + b.stands }

// choked reports whether a queue of ours builds up.
func (b *bandwidth) choked(s sample) bool {
	limit := b.bearable(s)
	return s.queue > limit && (s.grown > 0 || s.queue > 2*limit || s.lost > .05)
}

// limited reports whether so much is lost that somebody must have limited the
// rate without a queue. The longer losses last, the more packets it takes to
// tell that from chance.
func (b *bandwidth) limited(now hal.Instant, s sample) bool {
	share, packets := policed, policedPackets*max(1, s.long.burst()-1)
	if s.rtt >= fullRTT {
		share, packets = fullLost, fullPackets
	}
	return s.long.share() >= share && s.long.expected >= packets && now >= b.immune
}

// cut goes down to what comes through, less what empties the queue in a second
// or two.
func (b *bandwidth) cut(now hal.Instant, s sample) {
	through := min(s.through, b.allowed)
	if s.grown > 0 {
		// What was sent in dt arrives in dt and what the queue has grown. What
		// came in the last second may still be of better times.
		through = min(through, b.allowed*float64(s.dt)/float64(s.dt+s.grown))
	}
	if b.ceiling > 0 && through < b.ceiling*1.2 && b.state == Climbing {
		b.wait = min(2*b.wait, mostPatience)
	}
	// What was measured is believed more than a queue that others may have filled, but
	// less each time. A silence drains that.
	b.known *= doubting
	b.ceiling = max(through, b.known, leastRate)
	b.empty(s)
	b.next = now.Add(s.rtt + s.queue + reportSoon)
	b.enter(Draining, now)
}

// empty sends less than comes through.
func (b *bandwidth) empty(s sample) {
	if b.known > 0 && b.ceiling <= b.known && b.ceiling < thinLine {
		b.allowed = full * b.ceiling
		return
	}
	drain := 1 - s.queue.Seconds()/1.5
	b.allowed = b.ceiling * min(max(drain, .5), .9)
}

// drain waits until the queue is gone.
func (b *bandwidth) drain(now hal.Instant, s sample) {
	limit := b.bearable(s)
	if s.queue > limit && s.through > b.ceiling {
		b.ceiling = min(s.through, b.most) // a bottleneck that has a queue lets all through that it can
		b.empty(s)
	}
	if b.trial.rate > 0 && now >= b.next {
		b.trial.expected += float64(s.expected)
		b.trial.lost += s.lost * float64(s.expected)
	}
	switch t := b.trial; {
	case now < b.next && (s.queue > limit || t.rate > 0):
	case t.rate > 0 && t.expected < triedPackets:
	case t.rate > 0 && t.lost > t.share/2*t.expected:
		// Sending less did not help: the network loses at any rate.
		b.allowed, b.ceiling = t.rate, 0
		b.immune = now.Add(mostPatience)
		b.trial = trial{}
		b.enter(Holding, now)
	case s.queue <= limit:
		b.trial = trial{}
		b.allowed = full * b.ceiling
		b.enter(Holding, now)
	case s.grown > 0 && s.queue > limit:
		b.cut(now, s)
	case now.Sub(b.since) > standFor+s.queue:
		b.stands = s.queue
		b.allowed = full * b.ceiling
		b.enter(Holding, now)
	}
}

// retreat ends a climb that the queue has felt: there is no more than there was.
func (b *bandwidth) retreat(now hal.Instant) {
	b.allowed = full * b.ceiling
	b.wait = min(2*b.wait, mostPatience)
	b.enter(Holding, now)
}

// climb lets the rate grow.
func (b *bandwidth) climb(now hal.Instant, s sample) {
	seconds := min(s.dt, time.Second).Seconds()
	switch b.state {
	case Starting:
		b.allowed *= 1 + startGrowth*seconds
		if now.Sub(b.began) > startFor {
			b.enter(Climbing, now)
		}
	case Holding:
		if now.Sub(b.since) > b.wait {
			b.from = s.queue
			b.enter(Climbing, now)
		}
	default:
		growth := climbGrowth
		if b.ceiling > 0 && b.allowed > .9*b.ceiling {
			growth = beyondGrowth
		}
		b.allowed *= 1 + growth*seconds
		if b.allowed > 1.3*b.ceiling {
			b.ceiling, b.wait = 0, leastPatience
		}
	}
}

// patience is how long no report may come.
func (b *bandwidth) patience() time.Duration {
	if b.heard == b.began && b.silence == 0 {
		return unheardFirst
	}
	return unheard
}

// tick sends less while no reports come.
func (b *bandwidth) tick(now hal.Instant) {
	if now.Sub(b.heard) < b.patience() {
		return
	}
	b.silence = max(b.silence, b.allowed)
	b.allowed = max(.7*b.allowed, leastRate)
	b.heard = now.Add(time.Second - unheard)
	b.enter(Holding, now)
}
