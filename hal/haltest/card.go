package haltest

import (
	"errors"
	"sync"
	"time"

	"peerphone/hal"
)

// cardDepth is the depth of the fake speaker's buffer in periods.
const cardDepth = 3

var errBusy = errors.New("haltest: this direction is open already")

// Card is a fake sound card. Its microphone hears what Hear says, its speaker's
// sound is kept for Played.
type Card struct {
	format hal.Format

	mu       sync.Mutex // guards what follows
	source   func(pcm []int16)
	played   []int16
	mic, spk *stream
	opened   [2]int
	stalls   [2]int
	gone     bool
}

// The directions of a card, as indices.
const (
	capture = iota
	playback
)

// NewCard returns a card with periods of 10 ms that hears silence.
func NewCard(rate int) *Card {
	return &Card{
		format: hal.Format{Rate: rate, Period: rate / 100},
		source: func(pcm []int16) { clear(pcm) },
	}
}

// Format returns the format.
func (c *Card) Format() hal.Format { return c.format }

// Now returns the card's time.
func (c *Card) Now() hal.Instant { return goTime() }

// Sleep waits in the card's time.
func (c *Card) Sleep(until hal.Instant) { time.Sleep(until.Sub(goTime())) }

// Hear lets source fill what the microphone captures from now on.
func (c *Card) Hear(source func(pcm []int16)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.source = source
}

// Played returns what the speaker has been given so far, and forgets it.
func (c *Card) Played() []int16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.played
	c.played = nil
	return p
}

// Open reports which directions are open.
func (c *Card) Open() (mic, speaker bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mic != nil, c.spk != nil
}

// Opened returns how often each direction has been opened.
func (c *Card) Opened() (mic, speaker int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.opened[capture], c.opened[playback]
}

// Stall makes the next n calls of Read and of Write stall.
func (c *Card) Stall(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stalls = [2]int{n, n}
}

// Unplug takes the card away.
func (c *Card) Unplug() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone = true
	for _, s := range []*stream{c.mic, c.spk} {
		if s != nil {
			s.end(hal.ErrGone)
		}
	}
	c.mic, c.spk = nil, nil
}

// Plug brings it back.
func (c *Card) Plug() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone = false
}

// OpenMic opens the microphone.
func (c *Card) OpenMic() (hal.Mic, error) {
	s, err := c.open(capture, &c.mic)
	if err != nil {
		return nil, err
	}
	return (*mic)(s), nil
}

// OpenSpeaker opens the speaker.
func (c *Card) OpenSpeaker() (hal.Speaker, error) {
	s, err := c.open(playback, &c.spk)
	if err != nil {
		return nil, err
	}
	s.periods = cardDepth - 1
	return (*speaker)(s), nil
}

func (c *Card) open(direction int, at **stream) (*stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.gone:
		return nil, hal.ErrGone
	case *at != nil:
		return nil, errBusy
	}
	c.opened[direction]++
	*at = &stream{card: c, start: goTime(), stop: make(chan struct{}), timer: time.NewTimer(time.Hour)}
	return *at, nil
}

// stream is one open direction.
type stream struct {
	card    *Card
	start   hal.Instant
	timer   *time.Timer
	stop    chan struct{}
	once    sync.Once
	why     error // set before stop is closed
	periods int   // done since start
	gap     bool
}

func (s *stream) end(why error) {
	s.once.Do(func() {
		s.why = why
		close(s.stop)
	})
}

func (s *stream) at(period int) hal.Instant {
	return s.start.Add(time.Duration(period) * 10 * time.Millisecond)
}

// wait waits for an instant or the end.
func (s *stream) wait(until hal.Instant) error {
	select {
	case <-s.stop:
		return s.why
	default:
	}
	s.timer.Reset(max(until.Sub(goTime()), 0))
	select {
	case <-s.stop:
		return s.why
	case <-s.timer.C:
		return nil
	}
}

func (s *stream) stalled(direction int) bool {
	s.card.mu.Lock()
	defer s.card.mu.Unlock()
	if s.card.stalls[direction] == 0 {
		return false
	}
	s.card.stalls[direction]--
	s.gap = true
	return true
}

func (s *stream) shut(at **stream) error {
	s.end(hal.ErrClosed)
	s.card.mu.Lock()
	defer s.card.mu.Unlock()
	if *at == s {
		*at = nil
	}
	return nil
}

type mic stream

func (m *mic) Read(f *hal.Frame) error {
	s := (*stream)(m)
	if err := s.wait(s.at(s.periods + 1)); err != nil {
		return err
	}
	if s.stalled(capture) {
		s.periods++
		return hal.ErrStall
	}
	f.At, f.Gap, s.gap = s.at(s.periods), s.gap, false
	s.periods++
	s.card.mu.Lock()
	defer s.card.mu.Unlock()
	s.card.source(f.PCM)
	return nil
}

func (m *mic) Close() error { return (*stream)(m).shut(&m.card.mic) }

type speaker stream

func (p *speaker) Write(pcm []int16) (hal.Instant, error) {
	s := (*stream)(p)
	if err := s.wait(s.at(s.periods + 1 - cardDepth)); err != nil {
		return 0, err
	}
	if s.stalled(playback) {
		s.start, s.periods = goTime(), cardDepth-1
		return 0, hal.ErrStall
	}
	sounds := s.at(s.periods)
	s.periods++
	s.card.mu.Lock()
	defer s.card.mu.Unlock()
	s.card.played = append(s.card.played, pcm...)
	return sounds, nil
}

func (p *speaker) Close() error { return (*stream)(p).shut(&p.card.spk) }
