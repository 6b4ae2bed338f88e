// Package speech holds the two recordings that the simulated phones say when
// nobody gives them another: made with espeak-ng by `make speech`, which holds
// the exact command, from the texts beside them.
//
// Both are WAV files of 16 kHz, mono, 16 bits, a little over ten seconds long;
// the voices and the texts differ, so that one cannot pass for the other.
package speech

import _ "embed" // the recordings are part of the program

// Kitchen is what the kitchen says, a WAV file: a British voice.
//
//go:embed kitchen.wav
var Kitchen []byte

// Workshop is what the workshop says, a WAV file: an American voice.
//
//go:embed workshop.wav
var Workshop []byte
