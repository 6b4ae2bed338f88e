package media

import (
	"errors"
	"sync"
	"time"

	"peerphone/hal"
	"peerphone/node/media/dsp"
)

// capture is the goroutine between the microphone and a leg, from Talk(leg) to
// the next Talk. The stages: read, to 16 kHz, the leg's capture.
type capture struct {
	// constant after newCapture
	e    *Engine
	leg  *Leg
	stop chan struct{}
	done chan struct{}

	// owned by run
	frame hal.Frame
	pcm   [dsp.Unit]int16

	mu  sync.Mutex // guards mic
	mic hal.Mic    // nil: not open
}

func newCapture(e *Engine, l *Leg) *capture {
	c := &capture{e: e, leg: l, stop: make(chan struct{}), done: make(chan struct{})}
	c.frame.PCM = make([]int16, e.format.Period)
	return c
}

// end closes the microphone and waits until run has ended.
func (c *capture) end() {
	close(c.stop)
	c.shut()
	<-c.done
}

func (c *capture) run() {
	defer close(c.done)
	defer c.e.mic.set(CardClosed)
	defer c.shut()
	Urgent()
	for {
		former := c.e.mic.get()
		err := c.talk()
		if c.stopped() {
			return
		}
		c.shut()
		c.e.mic.gone(former, err)
		c.leg.idle(c.e.now())
		if !pause(retryCard, c.stop) {
			return
		}
	}
}

// talk opens the microphone and walks the leg until there is an error.
func (c *capture) talk() error {
	if c.e.mic.get() != CardGone {
		c.e.mic.set(CardOpening)
	}
	mic, err := c.open()
	if err != nil {
		return err
	}
	c.e.mic.set(CardOpen)
	if c.e.down != nil {
		c.e.down.Reset()
	}
	for stalls := 0; stalls < maxStalls; {
		err = mic.Read(&c.frame)
		switch {
		case err == nil:
			c.walk()
			stalls = 0
		case errors.Is(err, hal.ErrStall):
			c.e.mic.stalls.Add(1)
			stalls++
		default:
			return err
		}
	}
	return err
}

func (c *capture) walk() {
	pcm := c.frame.PCM
	if c.e.down != nil {
		c.e.down.Convert(c.pcm[:], pcm)
		pcm = c.pcm[:]
	}
	c.leg.capture(c.frame.At, c.frame.Gap, pcm)
}

// open opens the microphone, unless capture is to end.
func (c *capture) open() (hal.Mic, error) {
	mic, err := c.e.card.OpenMic()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped() {
		mic.Close()
		return nil, hal.ErrClosed
	}
	c.mic = mic
	return mic, nil
}

// shut closes the microphone if it is open.
func (c *capture) shut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mic != nil {
		c.mic.Close()
		c.mic = nil
	}
}

func (c *capture) stopped() bool {
	select {
	case <-c.stop:
		return true
	default:
		return false
	}
}

// pause waits for d and returns false if stop is closed meanwhile.
func pause(d time.Duration, stop <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-stop:
		return false
	}
}
