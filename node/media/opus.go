package media

import (
	"runtime"

	"peerphone/node/media/opus"
)

const (
	// opusUnits makes packets of 20 ms.
	opusUnits = 2
	// opusBitrate keeps the whole path within 5 kB/s: 2,250 bytes of sound and
	// 50 packets of 53 bytes of headers in a second.
	opusBitrate = 18000
)

// complexity is what the smallest boards, with 32-bit processors, can afford.
func complexity() int {
	if runtime.GOARCH == "arm" {
		return 2
	}
	return 5
}

// opusEncoder encodes wideband speech.
type opusEncoder struct{ encoder *opus.Encoder }

func newOpusEncoder() Encoder {
	e, err := opus.NewEncoder(opus.EncoderConfig{
		Bitrate: opusBitrate, Complexity: complexity(), FrameMS: 10 * opusUnits, Bandwidth: opus.Wide,
	})
	if err != nil {
		panic("media: " + err.Error()) // the configuration is ours and constant
	}
	return opusEncoder{e}
}

func (opusEncoder) Units() int { return opusUnits }

// Encode appends a packet; sound of another length than Units is our own bug
// and gives none.
func (o opusEncoder) Encode(dst []byte, pcm []int16) []byte {
	packet, err := o.encoder.Encode(dst, pcm)
	if err != nil {
		return dst
	}
	return packet
}

// opusDecoder hears every Opus packet: SILK in mono by our own decoder, all
// else by the foreign one. Who decoded last also conceals.
type opusDecoder struct {
	own     *opus.Decoder
	foreign foreign
	last    speaker
}

// speaker is who decoded last.
type speaker uint8

const (
	nobody speaker = iota
	ourselves
	theForeigner
)

func newOpusDecoder() Decoder {
	d, err := opus.NewDecoder(16000)
	if err != nil {
		panic("media: " + err.Error()) // a rate that it knows
	}
	return &opusDecoder{own: d}
}

func (*opusDecoder) Duration(packet []byte) int {
	p, err := opus.Parse(packet)
	if err != nil || p.Duration()%unit != 0 {
		return 0
	}
	return int(p.Duration() / unit)
}

func (d *opusDecoder) Decode(pcm []int16, packet []byte) error {
	p, err := opus.Parse(packet)
	if err != nil {
		return err
	}
	if p.Mode != opus.SILK || p.Stereo {
		d.last = theForeigner
		return d.foreign.decode(pcm, packet)
	}
	if d.last == theForeigner {
		d.own.Reset() // RFC 6716 section 4.5.2
	}
	d.last = ourselves
	_, err = d.own.Decode(pcm, packet)
	return err
}

func (d *opusDecoder) Conceal(pcm []int16) {
	switch d.last {
	case ourselves:
		d.own.Conceal(pcm)
	case theForeigner:
		d.foreign.conceal.Conceal(pcm)
	default:
		clear(pcm)
	}
}
