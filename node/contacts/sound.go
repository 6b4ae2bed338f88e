package contacts

import (
	"math"
	"time"
)

// Sound is how one heard the other in a call. Scores are R of the E-model,
// ITU-T G.107.1, of 129 at most.
type Sound struct {
	Score     float64       `json:"score"`        // mean over the seconds
	MOS       float64       `json:"mos"`          // as a mean opinion, 1 to 4.5
	Worst     float64       `json:"worst"`        // score of the worst second
	WorstAt   time.Duration `json:"worst_at_ns"`  // its end, from the start of the sound
	Mouth     time.Duration `json:"mouth_ns"`     // mean time from mouth to ear
	Concealed time.Duration `json:"concealed_ns"` // sound that was made up
	Lost      uint64        `json:"lost"`         // packets
}

// check refuses what no call has.
func (s Sound) check() bool {
	within := func(v, most float64) bool { return v >= 0 && v <= most && !math.IsNaN(v) }
	return within(s.Score, 129) && within(s.Worst, 129) && within(s.MOS, 4.5) &&
		s.WorstAt >= 0 && s.Mouth >= 0 && s.Concealed >= 0
}

// Sounded says how the call that was added last sounded: ErrBadEntry, also of one
// that was not answered.
func (l *Log) Sounded(_ time.Time, s Sound) error {
	if len(l.list) == 0 {
		return ErrBadEntry
	}
	e := l.list[len(l.list)-1]
	e.Sound = s
	if err := e.check(); err != nil {
		return err
	}
	l.list[len(l.list)-1] = e
	l.out = append(l.out, Changed{})
	return nil
}
