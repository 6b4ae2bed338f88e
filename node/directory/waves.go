package directory

import (
	"time"

	"peerphone/node/wire"
)

const (
	// Who looks for something asks waveFirst supernodes, then waveNext more when all
	// of those have answered or the second of them is overdue, after waveWait at most,
	// and so on: the paper's 4, then 8. When many were silent lately it begins with
	// eight.
	waveFirst = 4
	waveNext  = 8
	waveWait  = 150 * time.Millisecond
	// askWait is how long one supernode may take.
	askWait = time.Second
)

// waves are the supernodes that one job asks, some after the others.
type waves struct {
	queue []wire.Member // not yet asked, the most promising first
	open  asks
	sent  int
	wave  time.Time // when the next wave goes out; cleared when the queue is empty
}

// send sends out a wave.
func (w *waves) send(now time.Time, x *Index, j job, m wire.Message) {
	n := waveNext
	if w.sent == 0 {
		n = x.fellows.first()
	}
	w.sent++
	n = min(n, len(w.queue))
	wave := w.queue[:n]
	for _, to := range wave {
		w.open = append(w.open, x.put(now, j, to, askWait, m))
	}
	w.queue = w.queue[n:]
	w.wave = time.Time{}
	if len(w.queue) > 0 {
		w.wave = now.Add(x.fellows.patience(now, wave))
	}
}

// late reports whether the next wave is to go out though not all have answered, and
// notes who should have.
func (w *waves) late(now time.Time, x *Index) bool {
	if !passed(w.wave, now) {
		return false
	}
	x.fellows.missed(now, w.open)
	return true
}

// cancel forgets everybody who has yet to answer.
func (w *waves) cancel(x *Index) {
	for _, a := range w.open {
		x.giveUp(a)
	}
	w.open = nil
}

func (w *waves) due() time.Time { return earlier(w.wave, w.open.due()) }
