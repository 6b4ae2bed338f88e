// Package opus speaks the Opus codec, RFC 6716 as updated by RFC 8251, in
// integers only: the SILK layer of mono sound at 8, 12 and 16 kHz inside.
// CELT, hybrid and stereo packets are recognised and left to others, as are the
// frames of CELT at the joints of bandwidths and modes.
//
// A packet becomes sound in these stages, in this order:
//
//	packet.go     the table of contents, the framing and what is malformed
//	rangedec.go   the range decoder: bytes to symbols
//	header.go     flags of a frame: voice activity and redundancy
//	indices.go    symbols to the indices of one 10 or 20 ms frame
//	pulses.go     symbols to the excitation
//	params.go     indices to gains, filters (nlsf.go, lpc.go) and pitch
//	synth.go      long-term and short-term prediction: excitation to sound
//	conceal.go    what to say instead of a lost frame
//	noise.go      comfort noise under it
//	glue.go       the joint between concealed and decoded sound
//	resample.go   to the rate of the listener
//
// Names end in their Q format: gainQ16 is 65536 for 1.0. Sound is mono linear
// PCM, 16 bits signed. The rounding of every step is that of the reference
// decoder, so that the sound is equal bit for bit; where arithmetic may wrap in
// 32 bits, it wraps there too.
package opus
