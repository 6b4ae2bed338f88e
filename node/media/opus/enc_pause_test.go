package opus

import "testing"

// pausing is speech, two seconds in which nobody speaks, and speech: the pause
// is the noise of a quiet room, or nothing but zeros.
func pausing(t *testing.T, noise int32) (sound []int16, from, to int) {
	t.Helper()
	said := heard(t)[:16000]
	sound = append(sound, said...)
	from = len(sound)
	seed := int32(1)
	for range 2 * 16000 {
		seed = random(seed)
		sound = append(sound, int16(mul16(seed, int16(noise))>>15))
	}
	return append(sound, said...), from, len(sound)
}

// TestEncoderIsSilentInPauses leaves out packets when nobody speaks, if it may,
// and none of speech; the far end hears noise of the same level meanwhile.
func TestEncoderIsSilentInPauses(t *testing.T) {
	for _, noise := range []int32{0, 20} {
		sound, from, to := pausing(t, noise)
		for _, ms := range []int{20, 60} {
			sent := func(dtx bool) (packets []codedPacket, left, leftOfSpeech int) {
				e := newEncoder(t, EncoderConfig{Bitrate: 16000, Complexity: 5, FrameMS: ms, Bandwidth: Wide, DTX: dtx})
				packets = encodeAll(t, e, sound)
				for i, p := range packets {
					at := i * ms * 16
					switch {
					case len(p.data) > 1:
					case at > from && at < to+1600: // speech begins softly
						left++
					default:
						leftOfSpeech++
					}
				}
				return packets, left, leftOfSpeech
			}
			if _, left, leftOfSpeech := sent(false); left+leftOfSpeech > 0 {
				t.Errorf("noise %d, %d ms: %d packets left out, want none", noise, ms, left+leftOfSpeech)
			}
			packets, left, leftOfSpeech := sent(true)
			if possible := (to - from) / 16 / ms; left < possible*2/3 || leftOfSpeech > 0 {
				t.Errorf("noise %d, %d ms: %d of %d packets of the pause left out, and %d of speech", noise, ms, left, possible, leftOfSpeech)
			}
			got, _ := decodeAll(t, packets, 16000)
			level, want := power(got[from+16000:to]), power(sound[from+16000:to])
			if level > 4*want+4 || want > 4*level+4 {
				t.Errorf("noise %d, %d ms: power %d in the pause, want %d", noise, ms, level, want)
			}
		}
	}
}
