package media

import (
	"errors"
	"fmt"

	theirs "github.com/pion/opus"

	"peerphone/node/media/dsp"
)

// foreign hears the Opus packets that our codec does not speak - CELT, hybrid
// and stereo - through github.com/pion/opus, in floating point and with
// allocations: no phone of ours sends them. That decoder has no concealment, so
// what is missing is made up by repeating pitch periods. The zero value is
// ready.
type foreign struct {
	decoder *theirs.Decoder
	conceal dsp.Concealer
}

var errForeign = errors.New("media: foreign Opus packet of another length than it says")

// decode fills pcm with a packet's sound at 16 kHz, both channels as one.
func (f *foreign) decode(pcm []int16, packet []byte) (err error) {
	defer func() {
		// A packet must cost no more than itself, whoever wrote the decoder.
		if r := recover(); r != nil {
			f.decoder, err = nil, fmt.Errorf("media: foreign Opus packet: %v", r)
		}
	}()
	if f.decoder == nil {
		d, err := theirs.NewDecoderWithOutput(16000, 1)
		if err != nil {
			return fmt.Errorf("media: %w", err)
		}
		f.decoder = &d
	}
	n, err := f.decoder.DecodeToInt16(packet, pcm)
	if err != nil {
		return fmt.Errorf("media: foreign Opus packet: %w", err)
	}
	if n != len(pcm) {
		return errForeign
	}
	f.conceal.Hear(pcm)
	return nil
}
