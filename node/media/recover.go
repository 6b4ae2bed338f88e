package media

import (
	"errors"

	"peerphone/node/media/jitter"
	"peerphone/node/media/opus"
)

var errNoCopy = errors.New("media: packet does not hold the sound before it")

var _ jitter.Recoverer = (*opusDecoder)(nil)

// Recovers reports whether the packet holds the sound before it, coarsely.
func (*opusDecoder) Recovers(packet []byte) bool {
	p, err := opus.Parse(packet)
	return err == nil && p.Redundant && p.Mode == opus.SILK && !p.Stereo
}

// Recover decodes the sound that was lost right before packet.
func (d *opusDecoder) Recover(pcm []int16, packet []byte) error {
	if d.listener.heard != ourselves {
		return errNoCopy
	}
	return d.listener.own.DecodeFEC(pcm, packet)
}
