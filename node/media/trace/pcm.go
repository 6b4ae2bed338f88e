package trace

import (
	"encoding/binary"
	"errors"

	"peerphone/node/media/dsp"
)

var errPCM = errors.New("trace: not a packet of linear PCM")

// pcm decodes linear PCM of 16 bits, little endian.
type pcm struct {
	conceal dsp.Concealer
}

func (*pcm) Duration(packet []byte) int {
	if len(packet)%(2*dsp.Unit) != 0 {
		return 0
	}
	return len(packet) / (2 * dsp.Unit)
}

func (d *pcm) Decode(sound []int16, packet []byte) error {
	if len(packet) != 2*len(sound) {
		return errPCM
	}
	for i := range sound {
		sound[i] = int16(binary.LittleEndian.Uint16(packet[2*i:]))
	}
	d.conceal.Hear(sound)
	return nil
}

func (d *pcm) Conceal(sound []int16) { d.conceal.Conceal(sound) }
