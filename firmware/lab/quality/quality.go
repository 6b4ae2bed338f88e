// Package quality judges how good speech sounds after a codec, against what was
// said before it: a number from 1, bad, to 4.6, no difference to be heard.
//
// It looks at what an ear gets (loudness.go): the loudness in bands as wide as
// those of the ear, frame by frame, of both. Differences count where they are
// not masked, and more if something was added than if something is missing
// (score.go). The weights are chosen so that the ranking is that of PESQ, ITU-T
// P.862.2, which is not part of this project: testdata/pesq.txt has what both
// say of eight clips, through several codecs.
package quality

// Rate is the sample rate of all sound here, in Hz.
const Rate = 16000
