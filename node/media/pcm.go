package media

import (
	"encoding/binary"
	"errors"

	"peerphone/node/media/dsp"
)

const (
	// pcmUnits makes packets of 20 ms: 640 bytes.
	pcmUnits = 2
	// pcmMost is the longest packet that fits into a datagram: 30 ms.
	pcmMost = 3
)

var errPCM = errors.New("media: pcm packet is not whole units of 10 ms")

// pcmEncoder writes linear PCM: 16 bits, little endian.
type pcmEncoder struct{}

func (pcmEncoder) Units() int { return pcmUnits }

func (pcmEncoder) Encode(dst []byte, pcm []int16) []byte {
	for _, s := range pcm {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(s))
	}
	return dst
}

// pcmDecoder reads it, and conceals by repeating the last pitch period.
type pcmDecoder struct {
	conceal dsp.Concealer
}

func (*pcmDecoder) Duration(packet []byte) int {
	units := len(packet) / (2 * dsp.Unit)
	if len(packet)%(2*dsp.Unit) != 0 || units > pcmMost {
		return 0
	}
	return units
}

func (d *pcmDecoder) Decode(pcm []int16, packet []byte) error {
	if len(packet) != 2*len(pcm) || d.Duration(packet) == 0 {
		return errPCM
	}
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(packet[2*i:]))
	}
	d.conceal.Hear(pcm)
	return nil
}

func (d *pcmDecoder) Conceal(pcm []int16) { d.conceal.Conceal(pcm) }
