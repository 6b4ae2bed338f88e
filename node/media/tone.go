package media

import "peerphone/node/media/dsp"

//go:generate go tool stringer -type=Tone,CardState -linecomment

// Tone is a tone of ITU-T E.180 that the caller hears.
type Tone uint8

// The tones.
const (
	ToneNone       Tone = iota // none
	ToneDial                   // dial
	ToneRingback               // ringback
	ToneBusy                   // busy
	ToneCongestion             // congestion
)

func (t Tone) cadence() dsp.Cadence {
	switch t {
	case ToneDial:
		return dsp.Dial
	case ToneRingback:
		return dsp.Ringback
	case ToneBusy:
		return dsp.Busy
	case ToneCongestion:
		return dsp.Congestion
	}
	return dsp.Silence
}
