// Package handset is what a telephone does with its keys, its hook and its
// call: keys and hook in, intents out; call and line in, tones, lamps, ringer
// and display lines out.
//
// It is a pure core and knows no call but the view of it that it is shown
// (CallView). It decides when the ringer rings, which tone sounds, and whether
// the lamp of the microphone is on; capture itself is opened and closed by the
// call.
package handset
