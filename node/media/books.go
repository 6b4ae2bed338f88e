package media

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"peerphone/hal"
	"peerphone/node/media/dsp"
	"peerphone/node/media/jitter"
)

// historySeconds bounds a leg's History: the last five minutes.
const historySeconds = 300

// books keep a leg's statistics.
type books struct {
	sent, received     atomic.Uint64
	bytesUp, bytesDown atomic.Uint64
	foreign            atomic.Uint64 // payloads of another codec, or of none
	in, out            loudness
	began, last        atomic.Int64  // hal.Instant of the first and the last 10 ms
	delay, buffer      atomic.Int64  // now, in ns
	old                atomic.Int64  // likewise: age of sound when it is heard, less the network at its best
	lookAhead          time.Duration // of the codec; constant
	far                far
	near               near

	// owned by the playout goroutine
	sound    jitter.Sound
	pulled   hal.Instant // when sound was
	second   tally
	score    score
	finished hal.Instant // when the current second ends; 0: not begun
	before   totals      // when it began

	mu      sync.Mutex // guards what follows; playout only tries it
	history [historySeconds]Second
	seconds int     // ever written
	summary Summary // of them all; its means are sums
}

// tally sums up one second.
type tally struct {
	delay, buffer, age    time.Duration
	delays, buffers, ages int
}

// totals are the counters of which History shows the increase.
type totals struct {
	lost, concealed, madeUp, stretched, up, down uint64
}

func (b *books) begin(at hal.Instant) {
	b.began.CompareAndSwap(0, int64(at))
	b.last.Store(int64(at))
}

// played closes the books on one frame, which sounds at the instant at.
func (b *books) played(at hal.Instant, j *jitter.Buffer) {
	if b.sound.Arrived != 0 {
		d := at.Add(b.sound.Offset).Sub(b.sound.Arrived)
		b.second.delay += d
		b.second.delays++
		smooth(&b.delay, d)
	}
	if b.sound.Age != 0 {
		d := b.sound.Age + at.Sub(b.pulled)
		b.second.age += d
		b.second.ages++
		smooth(&b.old, d)
	}
	b.buffer.Store(int64(b.sound.Buffer))
	b.second.buffer += b.sound.Buffer
	b.second.buffers++
	if b.finished == 0 {
		b.finished = at.Add(time.Second)
	}
	if at >= b.finished {
		b.turn(j)
	}
}

// smooth averages a delay over the last eight or so.
func smooth(mean *atomic.Int64, d time.Duration) {
	if now := mean.Load(); now == 0 {
		mean.Store(int64(d))
	} else {
		mean.Store(now + (int64(d)-now)/8)
	}
}

// turn writes the second down. When somebody is reading it tries again with the
// next frame.
func (b *books) turn(j *jitter.Buffer) {
	if !b.mu.TryLock() {
		return
	}
	defer b.mu.Unlock()
	c := j.Counters()
	now := totals{c.Lost, c.Concealed, c.MadeUp, c.Stretched, b.bytesUp.Load(), b.bytesDown.Load()}
	s := Second{
		At:        b.age(),
		Lost:      more(now.lost, b.before.lost),
		Concealed: more(now.concealed, b.before.concealed),
		Stretched: more(now.stretched, b.before.stretched),
		BytesUp:   more(now.up, b.before.up),
		BytesDown: more(now.down, b.before.down),
	}
	if b.second.buffers > 0 {
		madeUp := float64(more(now.madeUp, b.before.madeUp)) / float64(b.second.buffers*dsp.Unit)
		age := b.second.age / time.Duration(max(b.second.ages, 1))
		b.score.rate(b.mouth(age), madeUp, b.far.impairs(b.far.turn()))
	}
	s.Now = b.now(j)
	if b.second.delays > 0 {
		s.DelayMS = meanMS(b.second.delay, b.second.delays)
	}
	if b.second.ages > 0 {
		s.MouthMS = ms(b.mouth(b.second.age / time.Duration(b.second.ages)))
	}
	s.BufferMS = meanMS(b.second.buffer, b.second.buffers)
	s.round()
	b.history[b.seconds%historySeconds] = s
	b.seconds++
	b.summary.add(s)
	b.before, b.second = now, tally{}
	b.finished = b.finished.Add(time.Second)
}

// now is what the call is like.
func (b *books) now(j *jitter.Buffer) Now {
	r, mos := b.score.get()
	return Now{
		DelayMS:   ms(time.Duration(b.delay.Load())),
		MouthMS:   ms(b.mouth(time.Duration(b.old.Load()))),
		TargetMS:  ms(j.Target()),
		BufferMS:  ms(time.Duration(b.buffer.Load())),
		RTTMS:     ms(time.Duration(b.near.rtt.Load())),
		SkewPPM:   j.Skew(),
		LevelIn:   b.in.level(),
		LevelOut:  b.out.level(),
		Bitrate:   int(b.near.bitrate.Load()),
		PacketMS:  float64(b.near.packet.Load()),
		Copies:    int(b.near.copies.Load()),
		LossUp:    float64(b.near.loss.Load()) / 1e4,
		AllowedUp: int(b.near.allowed.Load()), ThroughUp: int(b.near.through.Load()),
		Score: r,
		MOS:   mos,
	}
}

// more is by how much a total grew; a loss can turn out to be late.
func more(now, before uint64) uint64 { return max(now, before) - before }

func meanMS(sum time.Duration, n int) float64 {
	if n == 0 {
		return 0
	}
	return ms(sum / time.Duration(n))
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// round leaves what is worth to be shown.
func (s *Second) round() {
	for _, v := range []*float64{
		&s.At, &s.DelayMS, &s.MouthMS, &s.TargetMS, &s.BufferMS, &s.RTTMS, &s.SkewPPM, &s.LevelIn, &s.LevelOut, &s.Score, &s.MOS,
	} {
		*v = math.Round(100**v) / 100
	}
}

// age is the time since the strip began, in seconds.
func (b *books) age() float64 { return float64(b.last.Load()-b.began.Load()) / 1e9 }

// Stats returns the totals of the call.
func (l *Leg) Stats() Stats {
	b, c := &l.books, l.jitter.Counters()
	return Stats{
		Sent:      b.sent.Load(),
		Received:  b.received.Load(),
		BytesUp:   b.bytesUp.Load(),
		BytesDown: b.bytesDown.Load(),
		Lost:      c.Lost,
		Late:      c.Late,
		Concealed: c.Concealed,
		Stretched: c.Stretched,
		Restored:  c.Restored,
		Now:       b.now(l.jitter),
		Seconds:   b.age(),
	}
}

// History returns the seconds of the call, oldest first, at most the last 300.
func (l *Leg) History() []Second {
	b := &l.books
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(b.seconds, historySeconds)
	h := make([]Second, 0, n)
	for i := b.seconds - n; i < b.seconds; i++ {
		h = append(h, b.history[i%historySeconds])
	}
	return h
}

// Summary returns what the seconds of the call come to, all of them.
func (l *Leg) Summary() Summary {
	b := &l.books
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.summary.mean()
}
