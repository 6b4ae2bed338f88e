package media

import (
	"peerphone/node/media/jitter"
	"peerphone/node/wire"
)

// Encoder turns sound into packets, in order. Sound is 16 kHz mono.
type Encoder interface {
	// Units is the duration of one packet in units of 10 ms, 1 to 6.
	Units() int
	// Encode appends the packet for pcm, of Units, to dst. With room in dst it
	// allocates nothing.
	Encode(dst []byte, pcm []int16) []byte
}

// Coarser is an Encoder that can make a second, smaller packet of the sound it
// encoded last: what a copy of it should be.
type Coarser interface {
	// AppendCoarse appends it to dst, or nothing where there is none.
	AppendCoarse(dst []byte) []byte
}

// Bounder is an Encoder whose packets can be held to a size.
type Bounder interface {
	// Bound says how large the next packets may be at most, in bytes; what is said
	// shall be understood all the same.
	Bound(bytes int)
}

// Decoder turns packets into sound, and makes up what is missing.
type Decoder = jitter.Decoder

// Codecs returns the codecs that NewLeg takes, the best first.
func Codecs() []wire.Codec { return []wire.Codec{wire.CodecOpus, wire.CodecPCM16} }

func newEncoder(c wire.Codec) Encoder {
	switch c {
	case wire.CodecPCM16:
		return pcmEncoder{}
	case wire.CodecOpus:
		return newOpusEncoder()
	}
	return nil
}

func newDecoder(c wire.Codec) Decoder {
	switch c {
	case wire.CodecPCM16:
		return new(pcmDecoder)
	case wire.CodecOpus:
		return newOpusDecoder()
	}
	return nil
}

// CodecName is the codec's name for people: "pcm", "opus".
func CodecName(c wire.Codec) string {
	switch c {
	case wire.CodecPCM16:
		return "pcm"
	case wire.CodecOpus:
		return "opus"
	}
	return "unknown"
}
