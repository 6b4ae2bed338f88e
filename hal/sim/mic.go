package sim

import (
	"errors"
	"sync/atomic"

	"peerphone/hal"
)

// micPeriods is the depth of the capture buffer, 500 ms: a reader that is late
// by less loses nothing.
const micPeriods = 50

// errBusy is the error of opening a direction twice.
var errBusy = errors.New("sim: this direction is open already")

// mic plays a recording in the card's time.
type mic struct {
	// constant
	b    *Board
	pace pace

	// owned by Read
	next int64 // sample with which the next period begins
	from int   // the same in the recording
	gap  bool  // samples were lost before next

	end endOf
}

// endOf says how a stream ended: 0 not yet, else an index into endErrors.
type endOf struct{ v atomic.Uint32 }

const (
	endClosed uint32 = 1 + iota
	endGone
)

func (e *endOf) set(v uint32) { e.v.CompareAndSwap(0, v) }

func (e *endOf) err() error {
	switch e.v.Load() {
	case endClosed:
		return hal.ErrClosed
	case endGone:
		return hal.ErrGone
	}
	return nil
}

// OpenMic begins the recording anew.
func (b *Board) OpenMic() (hal.Mic, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.unplugged:
		return nil, hal.ErrGone
	case b.mic != nil:
		return nil, errBusy
	}
	b.mic = &mic{b: b, pace: newPace(b.Now(), &b.cfg)}
	return b.mic, nil
}

// Read waits until the period is over and copies it.
func (m *mic) Read(f *hal.Frame) error {
	if err := m.end.err(); err != nil {
		return err
	}
	if takeStall(&m.b.stallMic) {
		m.lose(m.pace.elapsed(m.b.Now()))
		return hal.ErrStall
	}
	period := int64(len(f.PCM))
	due := m.pace.at(m.next + period)
	if now := m.b.Now(); now < due {
		m.b.cfg.Clock.Sleep(due)
	} else if m.pace.elapsed(now)-m.next > micPeriods*period {
		m.lose(m.pace.elapsed(now))
		return hal.ErrStall
	}
	if err := m.end.err(); err != nil {
		return err
	}
	f.At, f.Gap = m.pace.at(m.next), m.gap
	m.copy(f.PCM)
	m.b.spoken.stamp(m.next, f.At)
	m.next, m.gap = m.next+period, false
	return nil
}

// lose passes over everything up to sample to: the buffer has overrun.
func (m *mic) lose(to int64) {
	if n := len(m.b.sound); n > 0 && to > m.next {
		m.from = int((int64(m.from) + to - m.next) % int64(n))
	}
	m.next, m.gap = max(to, m.next), true
}

// copy fills pcm from the recording, which goes round.
func (m *mic) copy(pcm []int16) {
	if len(m.b.sound) == 0 {
		clear(pcm)
		return
	}
	for len(pcm) > 0 {
		n := copy(pcm, m.b.sound[m.from:])
		pcm = pcm[n:]
		m.from = (m.from + n) % len(m.b.sound)
	}
}

// Close ends a waiting Read at the end of its period.
func (m *mic) Close() error {
	m.end.set(endClosed)
	m.b.mu.Lock()
	defer m.b.mu.Unlock()
	if m.b.mic == m {
		m.b.mic = nil
	}
	return nil
}
