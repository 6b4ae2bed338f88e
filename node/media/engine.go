package media

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"peerphone/hal"
	"peerphone/node/media/dsp"
)

const (
	// retryCard is how long a card that is gone is left alone.
	retryCard = time.Second
	// maxStalls is how many stalls in a row make a card gone.
	maxStalls = 50
)

// ErrFormat is the error of a card whose format the engine cannot use.
var ErrFormat = errors.New("media: unsupported card format")

// CardState is what one direction of the sound card is doing:
//
//	Closed --wanted--> Opening --opened--> Open --not wanted--> Closed
//	Opening --error--> Gone; Open --error--> Gone
//	Gone --1 s--> Opening; Gone --not wanted--> Closed
type CardState uint8

// The states.
const (
	CardClosed  CardState = iota // closed
	CardOpening                  // opening
	CardOpen                     // open
	CardGone                     // gone
)

// direction is one direction's state, for anyone to see.
type direction struct {
	name   string
	log    *slog.Logger
	state  atomic.Uint32
	stalls atomic.Uint64
}

func (d *direction) set(s CardState) { d.state.Store(uint32(s)) }

func (d *direction) get() CardState { return CardState(d.state.Load()) }

// gone notes an error that ends the stream. Only the first of a row is logged.
func (d *direction) gone(former CardState, err error) {
	if former != CardGone {
		d.log.Warn("sound card failed", "direction", d.name, "error", err)
	}
	d.set(CardGone)
}

// An Engine owns the sound card: one goroutine captures while there is a leg,
// one plays while there is a leg or a tone. Its methods are for the control
// loop.
type Engine struct {
	// constant after NewEngine
	card   hal.Card
	format hal.Format
	now    func() hal.Instant
	sleep  func(until hal.Instant)
	log    *slog.Logger
	down   *dsp.Resampler // from the card's rate, for who captures; nil: it is the engine's
	up     *dsp.Resampler // to the card's rate, for playout; nil: it is the engine's

	// shared
	tone    atomic.Uint32
	leg     atomic.Pointer[Leg]
	keys    chan byte // pressed, for playout to sound
	mic     direction
	speaker direction

	playout *playout

	mu      sync.Mutex // guards capture and closed; never taken by an audio goroutine
	capture *capture   // nil: nobody talks
	closed  bool
}

// clocked is a card on another clock than CLOCK_MONOTONIC: a simulated one.
type clocked interface {
	Now() hal.Instant
	// Sleep returns at until, or a little later; at once when it has passed.
	Sleep(until hal.Instant)
}

// NewEngine returns an engine on card, which it opens when there is something
// to play or to capture.
func NewEngine(card hal.Card, log *slog.Logger) (*Engine, error) {
	f, ok := card.(hal.Formatter)
	if !ok {
		return nil, fmt.Errorf("%w: the card does not tell it", ErrFormat)
	}
	e := &Engine{card: card, format: f.Format(), now: hal.Now, sleep: hal.Sleep, log: log, keys: make(chan byte, keyQueue)}
	if !e.format.Valid() {
		return nil, fmt.Errorf("%w: %d Hz in periods of %d", ErrFormat, e.format.Rate, e.format.Period)
	}
	if err := e.convert(); err != nil {
		return nil, err
	}
	if c, ok := card.(clocked); ok {
		e.now, e.sleep = c.Now, c.Sleep
	}
	e.mic = direction{name: "capture", log: log}
	e.speaker = direction{name: "playout", log: log}
	e.playout = newPlayout(e)
	go e.playout.run() // owned by Engine, ended by Close
	return e, nil
}

// convert makes what turns the card's rate into the engine's and back.
func (e *Engine) convert() (err error) {
	if e.format.Rate == dsp.Rate {
		return nil
	}
	if e.down, err = dsp.NewResampler(e.format.Rate, dsp.Rate); err != nil {
		return err
	}
	e.up, err = dsp.NewResampler(dsp.Rate, e.format.Rate)
	return err
}

// Tone plays t until the next call of Tone; ToneNone: nothing.
func (e *Engine) Tone(t Tone) {
	e.tone.Store(uint32(t))
	e.playout.poke()
}

// Talk opens capture and walks l. nil ends that: the microphone is closed when
// Talk returns.
func (e *Engine) Talk(l *Leg) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || l != nil && e.leg.Load() == l {
		return
	}
	if e.capture != nil {
		e.capture.end()
		e.capture = nil
	}
	e.leg.Store(l)
	e.playout.poke()
	if l != nil {
		e.capture = newCapture(e, l)
		go e.capture.run() // owned by Engine, ended by Talk or Close
	}
}

// Close ends both goroutines and closes the card.
func (e *Engine) Close() {
	e.Talk(nil)
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.closed = true
		e.playout.end()
	}
}

// Card returns what the two directions of the sound card are doing.
func (e *Engine) Card() (mic, speaker CardState) { return e.mic.get(), e.speaker.get() }

// Stalls returns how often the two directions have stalled since the start.
func (e *Engine) Stalls() (mic, speaker uint64) {
	return e.mic.stalls.Load(), e.speaker.stalls.Load()
}
