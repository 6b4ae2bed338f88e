package hal

import (
	"errors"
	"slices"
)

// Errors of a sound card. ErrStall is passing: the stream has been restarted
// and the next call goes on; a Write that stalls has taken nothing. ErrGone is
// final for this Mic or Speaker.
var (
	ErrStall  = errors.New("hal: sound card stalled (xrun)")
	ErrGone   = errors.New("hal: sound card is gone")
	ErrClosed = errors.New("hal: closed")
)

// Format is what a card delivers and takes: mono linear PCM, 16 bits signed.
type Format struct {
	Rate   int // samples per second: one of Rates
	Period int // samples per Frame: 10 ms
}

// Rates are the rates that a card of a telephone may have, in samples per
// second.
var Rates = []int{8000, 16000, 24000, 32000, 44100, 48000}

// Valid reports whether a telephone can use a card of this format.
func (f Format) Valid() bool { return slices.Contains(Rates, f.Rate) && f.Period == f.Rate/100 }

// Frame is one period of sound.
type Frame struct {
	PCM []int16 // Period samples; the caller owns the memory and reuses it
	At  Instant // when the first sample was captured
	Gap bool    // samples were lost just before this frame
}

// Mic captures sound.
type Mic interface {
	// Read waits for the next period, fills f.PCM (length Format.Period) and
	// sets At and Gap. It never allocates. Close ends a waiting Read with
	// ErrClosed.
	Read(f *Frame) error
	Close() error
}

// Speaker plays sound.
type Speaker interface {
	// Write waits until there is room for one period, hands it to the card
	// and returns when its first sample will sound. It never allocates. Close
	// ends a waiting Write with ErrClosed.
	Write(pcm []int16) (sounds Instant, err error)
	Close() error
}

// Card opens the two directions of a sound card. A Mic is open only while a
// call needs it; each direction can be open once at a time.
type Card interface {
	OpenMic() (Mic, error)
	OpenSpeaker() (Speaker, error)
}

// Formatter tells the format of a card; every Card of ours has it.
type Formatter interface {
	Format() Format
}
