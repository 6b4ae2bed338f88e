// Package sim is a whole telephone without hardware: a sound card made of WAV
// files that keeps the time of a real one, keys and hook that a program
// presses, and lamps, screen and ringer that it can look at.
package sim

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"peerphone/hal"
)

// Config describes a board. The zero value is a silent phone at 16 kHz.
type Config struct {
	// Mic is a WAV file of one channel and 16 bits at Rate. It plays from its
	// start each time the microphone opens, and again from its start when it
	// ends. "" is silence.
	Mic string
	// Speaker is the WAV file into which goes what the speaker plays, with
	// stamps beside it: a file NAME.stamps, and MicStamps, of lines
	// "sample_position instant_ns", one per period of 10 ms. The position is
	// that in the WAV file, or in what was captured since the microphone
	// opened; the instant is CLOCK_MONOTONIC's, when that sample sounded or
	// was captured. "": nothing is written.
	Speaker string
	// MicStamps defaults to mic.stamps beside Speaker.
	MicStamps string
	// Rate is that of the card, one of hal.Rates; 16000 by default.
	Rate int
	// DriftPPM is by how much the card's clock is fast.
	DriftPPM float64
	// Periods is the depth of the speaker's buffer in periods of 10 ms; 3 by
	// default.
	Periods int
	// MuteSpeaker plays silence instead of what is written.
	MuteSpeaker bool
	// Record bounds the recording; an hour by default.
	Record time.Duration
	// Clock is Monotonic by default.
	Clock Clock
}

// Board is a simulated telephone.
type Board struct {
	// constant after New
	cfg    Config
	format hal.Format
	sound  []int16 // of the microphone; empty: silence
	heard  *recorder
	spoken *recorder
	keys   *keys
	hook   *hook
	front  *front

	// shared with the audio goroutines
	stallMic     atomic.Int32 // reads that are to stall
	stallSpeaker atomic.Int32 // writes that are to stall

	mu        sync.Mutex // guards what follows
	unplugged bool
	mic       *mic     // nil: closed
	spk       *speaker // nil: closed
}

// New returns a board. It reads the whole microphone file, and creates the
// files to be written.
func New(cfg Config) (*Board, error) {
	cfg.setDefaults()
	format := hal.Format{Rate: cfg.Rate, Period: cfg.Rate / 100}
	if !format.Valid() {
		return nil, fmt.Errorf("sim: %d Hz: a card has one of %d", cfg.Rate, hal.Rates)
	}
	b := &Board{
		cfg:    cfg,
		format: format,
		keys:   newKeys(cfg.Clock),
		hook:   newHook(cfg.Clock),
		front:  newFront(),
	}
	if err := b.load(); err != nil {
		return nil, err
	}
	if err := b.record(); err != nil {
		return nil, err
	}
	return b, nil
}

func (c *Config) setDefaults() {
	if c.Rate == 0 {
		c.Rate = 16000
	}
	if c.Periods == 0 {
		c.Periods = 3
	}
	if c.Record == 0 {
		c.Record = time.Hour
	}
	if c.Clock == nil {
		c.Clock = Monotonic{}
	}
	if c.MicStamps == "" && c.Speaker != "" {
		c.MicStamps = filepath.Join(filepath.Dir(c.Speaker), "mic.stamps")
	}
}

func (b *Board) load() error {
	if b.cfg.Mic == "" {
		return nil
	}
	w, err := ReadWAV(b.cfg.Mic)
	if err != nil {
		return err
	}
	if w.Rate != b.cfg.Rate {
		return fmt.Errorf("%s: %w: %d samples per second; wanted %d", b.cfg.Mic, ErrWAVFormat, w.Rate, b.cfg.Rate)
	}
	b.sound = w.PCM
	return nil
}

// record opens the recordings.
func (b *Board) record() (err error) {
	if b.cfg.Speaker == "" {
		return nil
	}
	limit := int64(b.cfg.Record.Seconds() * float64(b.cfg.Rate))
	stamps := strings.TrimSuffix(b.cfg.Speaker, filepath.Ext(b.cfg.Speaker)) + ".stamps"
	if b.heard, err = newRecorder(b.format, b.cfg.Speaker, stamps, limit); err != nil {
		return err
	}
	if b.spoken, err = newRecorder(b.format, "", b.cfg.MicStamps, limit); err != nil {
		b.heard.close()
		return err
	}
	return nil
}

// Devices returns the parts of the telephone.
func (b *Board) Devices() hal.Devices {
	return hal.Devices{
		Card:   b,
		Keypad: b.keys,
		Hook:   b.hook,
		Lamps:  b.front.lamps(),
		Screen: b.front,
		Ringer: (*ringer)(b.front),
	}
}

// Close closes what is open, ends the key and hook channels, and completes the
// files. The error is the first that writing them met.
func (b *Board) Close() error {
	b.Unplug()
	b.keys.close()
	b.hook.close()
	err := b.heard.close()
	if e := b.spoken.close(); err == nil {
		err = e
	}
	return err
}

// Format returns the format of the sound card.
func (b *Board) Format() hal.Format { return b.format }

// Now returns the time of the board's clock.
func (b *Board) Now() hal.Instant { return b.cfg.Clock.Now() }

// Sleep waits in the board's time.
func (b *Board) Sleep(until hal.Instant) { b.cfg.Clock.Sleep(until) }
