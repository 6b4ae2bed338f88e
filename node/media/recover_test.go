package media

import (
	"testing"

	"peerphone/node/media/dsp"
	"peerphone/node/media/opus"
)

// A packet with in-band FEC gives back the sound of the one before, whose
// energy a concealment would have let fade.
func TestOpusRecoversThePacketBefore(t *testing.T) {
	e, err := opus.NewEncoder(opus.EncoderConfig{Bitrate: 24000, Complexity: 2, FrameMS: 20, Bandwidth: opus.Wide, FEC: true, ExpectedLoss: 20})
	if err != nil {
		t.Fatal(err)
	}
	said := speech(3, 16000, 2)
	var packets [][]byte
	for i := 0; i+2*dsp.Unit <= len(said); i += 2 * dsp.Unit {
		p, err := e.Encode(nil, said[i:i+2*dsp.Unit])
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, p)
	}
	d := newOpusDecoder().(*opusDecoder)
	var pcm [2 * dsp.Unit]int16
	recovered := 0
	for i := 1; i < len(packets); i++ {
		if d.listener.heard == ourselves && i%10 == 0 && d.Recovers(packets[i]) {
			if err := d.Recover(pcm[:], packets[i]); err != nil {
				t.Fatal(err)
			}
			recovered++
		}
		if err := d.Decode(pcm[:], packets[i]); err != nil {
			t.Fatal(err)
		}
	}
	if recovered == 0 {
		t.Error("no packet holds the one before")
	}
}
