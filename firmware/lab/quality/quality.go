// Package quality judges how good speech sounds after a codec, against what was
// said before it: a number from 1, bad, to 4.6, no difference to be heard.
//
// It looks at what an ear gets (loudness.go): the loudness in bands as wide as
// those of the ear, frame by frame, of both. Differences count where they are
// not masked, and more if something was added than if something is missing
// (score.go). The weights are chosen so that the ranking is that of PESQ, ITU-T
// P.862.2, which is not part of this project: testdata/pesq.txt has what both
// say of eight clips, through several codecs.
//
// In a call the delay changes. ScoreAt takes each frame where it was heard, as
// judge.Follow finds it. Mean over the same clips in lab voice, PESQ and score: a
// clean network 4.31 4.23, a bottleneck of 2,000 bytes a second 3.45 3.39, of
// 1,500 2.32 2.05, 15 ms of jitter 3.52 3.53, 5 % lost 3.57 3.62, 20 % 3.09 3.16, 20 % in
// bursts of three 2.65 2.73.
package quality

// Rate is the sample rate of all sound here, in Hz.
const Rate = 16000
