package sim

import "peerphone/hal"

// speaker plays into a recording in the card's time. When it opens, and after a
// stall, its buffer holds silence but for one period, so that the first sound
// waits as long as every other.
type speaker struct {
	// constant
	b     *Board
	depth int64 // of the buffer, in samples

	// owned by Write
	pace    pace
	written int64 // samples since pace began, the silence included

	end endOf
}

// OpenSpeaker begins to play.
func (b *Board) OpenSpeaker() (hal.Speaker, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.unplugged:
		return nil, hal.ErrGone
	case b.spk != nil:
		return nil, errBusy
	}
	b.spk = &speaker{b: b, depth: int64(b.cfg.Periods * b.format.Period)}
	b.spk.start()
	return b.spk, nil
}

func (s *speaker) start() {
	s.pace = newPace(s.b.Now(), &s.b.cfg)
	s.written = s.depth - int64(s.b.format.Period)
}

// Write waits until there is room for pcm and hands it over. When the buffer
// had run dry it returns hal.ErrStall, starts again, and pcm is to be written
// once more.
func (s *speaker) Write(pcm []int16) (hal.Instant, error) {
	if err := s.end.err(); err != nil {
		return 0, err
	}
	if s.dry() {
		s.restart()
		return 0, hal.ErrStall
	}
	// There is room when the card has played so much that pcm fits.
	if room := s.pace.at(s.written + int64(len(pcm)) - s.depth); s.b.Now() < room {
		s.b.cfg.Clock.Sleep(room)
	}
	if err := s.end.err(); err != nil {
		return 0, err
	}
	sounds := s.pace.at(s.written)
	s.b.heard.write(pcm, sounds, s.b.cfg.MuteSpeaker)
	s.written += int64(len(pcm))
	return sounds, nil
}

// dry reports whether the card has played all it had.
func (s *speaker) dry() bool {
	return takeStall(&s.b.stallSpeaker) || s.b.Now() >= s.pace.at(s.written)
}

// restart begins anew after a stall. The silence that was heard meanwhile is
// recorded.
func (s *speaker) restart() {
	ended := s.pace.at(s.written)
	s.start()
	silence := s.pace.elapsed(s.pace.at(s.written)) - s.pace.elapsed(ended)
	s.b.heard.silence(silence)
}

// Close ends a waiting Write at the end of its period.
func (s *speaker) Close() error {
	s.end.set(endClosed)
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	if s.b.spk == s {
		s.b.spk = nil
	}
	return nil
}
