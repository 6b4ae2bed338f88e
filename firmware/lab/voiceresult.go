package main

import (
	"math"
	"time"

	"peerphone/node/media"
	"peerphone/node/media/jitter"
)

// voiceResult is what came of a call. Packets and bytes are those sent from when
// the speech began until it ended; shares are of that time.
type voiceResult struct {
	Sent      int     `json:"sent"`             // packets
	Arrived   int     `json:"arrived"`          // of them
	Dropped   int     `json:"dropped"`          // at the bottleneck
	Lost      int     `json:"lost"`             // behind it
	BytesPerS float64 `json:"bytes_per_s"`      // with the headers of session, UDP and IP, and what a relay adds
	MostPerS  int     `json:"most_bytes_per_s"` // in any second of the whole call
	Delay     float64 `json:"delay"`            // ms from mouth to ear, mean, as the sound says
	Believed  float64 `json:"believed"`         // the same as the phone believes, for whom there and back take equally long
	Concealed float64 `json:"concealed"`        // share of the time that was made up
	Stretched float64 `json:"stretched"`        // share added or left out
	Restored  int     `json:"restored"`         // units of 10 ms that came as a copy only, in all the call
	Score     float64 `json:"score"`            // as PESQ would, 1 to 4.64
	R         float64 `json:"r"`                // of the E-model, mean over the seconds
	Bitrate   int     `json:"bitrate"`          // at the end
	PacketMS  float64 `json:"packet_ms"`
	Copies    int     `json:"copies"`
	LossUp    float64 `json:"loss_up"` // share, as reported
	RTTMS     float64 `json:"rtt_ms"`
}

// result sums up, and returns what was heard of the n samples said.
func (c voiceCommand) result(call *voiceCall, n int) (voiceResult, []int16) {
	l, up := call.ends[0].out.counted, call.ends[0].leg.Stats()
	seconds := float64(n) / jitter.Rate
	r := voiceResult{
		Sent: l.sent, Arrived: l.sent - l.dropped - l.lost, Dropped: l.dropped, Lost: l.lost,
		BytesPerS: round(float64(l.bytes)/seconds, 1), Bitrate: up.Bitrate, PacketMS: up.PacketMS, Copies: up.Copies,
		LossUp: round(up.LossUp, 3), RTTMS: round(up.RTTMS, 1), Restored: int(call.ends[1].leg.Stats().Restored),
	}
	r.hears(ended(call.ends[1].record, c.Warm.Seconds()+.5, c.Warm.Seconds()+seconds+.5))
	for _, s := range call.ends[0].record {
		r.MostPerS = max(r.MostPerS, int(s.BytesUp))
	}
	h := call.heardOf(c.warm(), n, time.Duration(r.Believed*float64(time.Millisecond)))
	r.Delay, r.Score = round(ms(h.delay), 1), round(h.score, 2)
	return r, h.pcm
}

// ended are the seconds that did in that time.
func ended(record []media.Second, from, to float64) (part []media.Second) {
	for _, s := range record {
		if s.At >= from && s.At <= to {
			part = append(part, s)
		}
	}
	return part
}

// hears sums up what the listener's record says.
func (r *voiceResult) hears(record []media.Second) {
	n := math.Max(1, float64(len(record)))
	for _, s := range record {
		r.Believed += s.MouthMS / n
		r.R += s.Score / n
		r.Concealed += float64(s.Concealed) / 100 / n
		r.Stretched += float64(s.Stretched) / jitter.Rate / n
	}
	r.Believed, r.R = round(r.Believed, 1), round(r.R, 1)
	r.Concealed, r.Stretched = round(r.Concealed, 4), round(r.Stretched, 4)
}
