package media

import (
	"sync/atomic"

	"peerphone/node/media/dsp"
)

// loudness is the level of the last whole second, before that what a sound level
// meter shows. The zero value has heard silence. One goroutine adds, any reads.
type loudness struct {
	meter dsp.Meter
	n     int          // samples of the second so far
	full  bool         // a whole second has passed
	above atomic.Int32 // dsp.SilentLevel
}

func (l *loudness) add(pcm []int16) {
	l.meter.Add(pcm)
	l.n += len(pcm)
	switch {
	case l.n >= dsp.Rate:
		rms, _ := l.meter.Take()
		l.show(rms)
		l.n, l.full = 0, true
	case !l.full:
		l.show(l.meter.RMS())
	}
}

func (l *loudness) show(level dsp.Level) { l.above.Store(int32(level - dsp.SilentLevel)) }

// level is in dBFS; 0 is a square wave at the limit.
func (l *loudness) level() float64 {
	return float64(dsp.Level(l.above.Load())+dsp.SilentLevel) / 100
}
