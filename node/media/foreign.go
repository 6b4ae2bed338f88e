package media

import (
	"errors"
	"fmt"

	theirs "github.com/pion/opus"
)

// foreign hears the Opus packets that our codec does not speak - CELT, hybrid
// and stereo - through github.com/pion/opus, in floating point and with
// allocations: no phone of ours sends them. It is made when the first one comes.
type foreign struct {
	hz      int
	decoder *theirs.Decoder
}

var errForeign = errors.New("media: foreign Opus packet of another length than it says")

// decode fills pcm with a packet's sound, both channels as one.
func (f *foreign) decode(pcm []int16, packet []byte) (err error) {
	defer func() {
		// A packet must cost no more than itself, whoever wrote the decoder.
		if r := recover(); r != nil {
			f.decoder, err = nil, fmt.Errorf("media: foreign Opus packet: %v", r)
		}
	}()
	if f.decoder == nil {
		d, err := theirs.NewDecoderWithOutput(f.hz, 1)
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
	return nil
}
