package media

import (
	"errors"
	"sync"

	"peerphone/hal"
	"peerphone/node/media/dsp"
)

// linger is how many frames of silence are played before the speaker is closed,
// 500 ms: the last sound is heard to its end, and a tone that follows at once
// finds the card open.
const linger = 50

// playout is the goroutine between legs, tones and the speaker. The stages for
// each 10 ms: wait until there is nearly room in the card, the leg's pull, the
// tone, the keys, to the card's rate, write, and the leg's books with the instant
// at which it sounds.
type playout struct {
	// constant after newPlayout
	e    *Engine
	wake chan struct{} // capacity 1: something may be wanted
	stop chan struct{}
	done chan struct{}

	// owned by run
	leg    *Leg // that sounded in the last frame
	tone   dsp.Tone
	dtmf   dsp.DTMF
	pcm    [dsp.Unit]int16
	card   []int16 // one period at the card's rate
	silent int     // frames since there was something to play
	room   room

	mu      sync.Mutex // guards speaker
	speaker hal.Speaker
}

func newPlayout(e *Engine) *playout {
	return &playout{
		e:    e,
		wake: make(chan struct{}, 1),
		stop: make(chan struct{}),
		done: make(chan struct{}),
		card: make([]int16, e.format.Period),
	}
}

// poke tells run to look again.
func (p *playout) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// end closes the speaker and waits until run has ended.
func (p *playout) end() {
	close(p.stop)
	p.shut()
	<-p.done
}

func (p *playout) run() {
	defer close(p.done)
	defer p.e.speaker.set(CardClosed)
	defer p.shut()
	Urgent()
	for p.sleep() {
		former := p.e.speaker.get()
		err := p.play()
		p.shut()
		switch {
		case err == nil:
			p.e.speaker.set(CardClosed)
		case p.stopped():
			return
		default:
			p.e.speaker.gone(former, err)
			if !pause(retryCard, p.stop) {
				return
			}
		}
	}
}

// sleep waits until something is to be played, and returns false at the end.
func (p *playout) sleep() bool {
	for !p.wanted() {
		p.e.speaker.set(CardClosed)
		select {
		case <-p.wake:
		case <-p.stop:
			return false
		}
	}
	return !p.stopped()
}

func (p *playout) wanted() bool {
	return p.e.leg.Load() != nil || Tone(p.e.tone.Load()) != ToneNone || len(p.e.keys) > 0
}

// play opens the speaker and plays until there was nothing to play for a while.
func (p *playout) play() error {
	if p.e.speaker.get() != CardGone {
		p.e.speaker.set(CardOpening)
	}
	speaker, err := p.open()
	if err != nil {
		return err
	}
	p.e.speaker.set(CardOpen)
	p.room = room{}
	for p.silent = 0; p.silent < linger; {
		p.e.sleep(p.room.begin)
		p.render()
		at, err := p.write(speaker)
		if err != nil {
			return err
		}
		if p.leg != nil {
			p.leg.sounds(at)
		}
	}
	return nil
}

// render fills pcm with the next 10 ms.
func (p *playout) render() {
	p.silent++
	leg := p.e.leg.Load()
	switch {
	case p.leg != nil && p.leg != leg:
		// The leg is taken away in the middle of a word: 10 ms more, fading.
		p.leg.pull(p.e.now(), p.pcm[:])
		dsp.FadeOut(p.pcm[:])
		p.leg = nil
	case leg != nil:
		p.leg = leg
		leg.pull(p.e.now(), p.pcm[:])
		p.silent = 0
	default:
		clear(p.pcm[:])
	}
	p.tone.Set(Tone(p.e.tone.Load()).cadence())
	if !p.tone.Silent() {
		p.tone.Add(p.pcm[:])
		p.silent = 0
	}
	p.keys()
}

// period is pcm at the card's rate.
func (p *playout) period() []int16 {
	if p.e.up == nil {
		return p.pcm[:]
	}
	p.e.up.Convert(p.card, p.pcm[:])
	return p.card
}

// write hands pcm to the card; after a stall, which may leave more or less in
// the card than before, once more.
func (p *playout) write(speaker hal.Speaker) (sounds hal.Instant, err error) {
	out := p.period()
	for range maxStalls {
		began := p.e.now()
		sounds, err = speaker.Write(out)
		if !errors.Is(err, hal.ErrStall) {
			p.room.written(began, p.e.now(), sounds)
			return sounds, err
		}
		p.room.ahead = peak{}
		p.e.speaker.stalls.Add(1)
	}
	return 0, err
}

// open opens the speaker, unless playout is to end.
func (p *playout) open() (hal.Speaker, error) {
	s, err := p.e.card.OpenSpeaker()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped() {
		s.Close()
		return nil, hal.ErrClosed
	}
	p.speaker = s
	return s, nil
}

// shut closes the speaker if it is open.
func (p *playout) shut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.speaker != nil {
		p.speaker.Close()
		p.speaker = nil
	}
}

func (p *playout) stopped() bool {
	select {
	case <-p.stop:
		return true
	default:
		return false
	}
}
