package main

import (
	"sync"

	"peerphone/firmware/lab/speech"
	"peerphone/firmware/lab/wav"
)

// babble is the kitchen's recording without its pauses: what a microphone must
// hear so that each packet is known for one of sound by its length.
var babble = sync.OnceValues(func() ([]byte, error) {
	s, err := wav.Parse(speech.Kitchen)
	if err != nil {
		return nil, err
	}
	return wav.AppendFile(nil, wav.Sound{Rate: s.Rate, PCM: withoutPauses(s.PCM, s.Rate)}), nil
})

// loudEnough is the mean square, in squares of a sample's unit, from which a
// piece of a recording is a vowel: -27 dBFS. What is softer makes packets that
// are as short as others.
const loudEnough = 1500 * 1500

// withoutPauses leaves the pieces of 20 ms out that are quiet.
func withoutPauses(pcm []int16, rate int) (loud []int16) {
	for piece := rate / 50; len(pcm) >= piece; pcm = pcm[piece:] {
		sum := 0
		for _, v := range pcm[:piece] {
			sum += int(v) * int(v)
		}
		if sum/piece >= loudEnough {
			loud = append(loud, pcm[:piece]...)
		}
	}
	return loud
}
