package sim

import "sync/atomic"

// Stall makes the next Read and the next Write stall.
func (b *Board) Stall() {
	b.stallMic.Add(1)
	b.stallSpeaker.Add(1)
}

// takeStall takes one stall off n; only one goroutine does.
func takeStall(n *atomic.Int32) bool {
	if n.Load() == 0 {
		return false
	}
	n.Add(-1)
	return true
}

// Unplug takes the card away: what is open ends with hal.ErrGone, what is
// opened fails with it.
func (b *Board) Unplug() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unplugged = true
	if b.mic != nil {
		b.mic.end.set(endGone)
		b.mic = nil
	}
	if b.spk != nil {
		b.spk.end.set(endGone)
		b.spk = nil
	}
}

// Plug brings the card back.
func (b *Board) Plug() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unplugged = false
}
