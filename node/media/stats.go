// Package media turns frames of sound into packets and back: it owns the sound
// card's goroutines, the strip of a call, rate, redundancy and statistics.
package media

// Stats are the totals of one call's sound, from its start, and what it is like
// now.
type Stats struct {
	Sent      uint64 `json:"sent"`     // packets
	Received  uint64 `json:"received"` // packets
	BytesUp   uint64 `json:"bytes_up"` // IP and UDP headers included
	BytesDown uint64 `json:"bytes_down"`
	Lost      uint64 `json:"lost"`      // packets whose sound never came, in a copy neither
	Late      uint64 `json:"late"`      // packets that came too late to be heard
	Restored  uint64 `json:"restored"`  // units of 10 ms that came as a copy
	Concealed uint64 `json:"concealed"` // frames of 10 ms that were made up
	Stretched uint64 `json:"stretched"` // samples added or removed by time stretching
	Now
	Seconds float64 `json:"seconds"` // since the strip began
}

// Second is one second of a call.
type Second struct {
	At        float64 `json:"at"` // seconds since the strip began, at its end
	Lost      uint64  `json:"lost"`
	Concealed uint64  `json:"concealed"`
	Stretched uint64  `json:"stretched"`
	BytesUp   uint64  `json:"bytes_up"`
	BytesDown uint64  `json:"bytes_down"`
	Now
}

// Summary is what all seconds of a call come to. The zero value is that of none.
type Summary struct {
	Seconds   int     // that something was heard in
	Score     float64 // R of the E-model, mean
	MOS       float64 // as a mean opinion, mean
	MouthMS   float64 // from mouth to ear, mean
	Worst     float64 // score of the worst second
	WorstAt   float64 // its end, in seconds since the strip began
	Concealed uint64  // frames of 10 ms that were made up
	Lost      uint64  // packets
}

// add takes a second; the means are sums until mean.
func (m *Summary) add(s Second) {
	m.Concealed += s.Concealed
	m.Lost += s.Lost
	if s.MouthMS == 0 {
		return // nothing has come yet
	}
	m.Seconds++
	m.Score, m.MOS, m.MouthMS = m.Score+s.Score, m.MOS+s.MOS, m.MouthMS+s.MouthMS
	if m.Seconds == 1 || s.Score < m.Worst {
		m.Worst, m.WorstAt = s.Score, s.At
	}
}

// mean returns m with means for sums.
func (m Summary) mean() Summary {
	n := float64(max(m.Seconds, 1))
	m.Score, m.MOS, m.MouthMS = m.Score/n, m.MOS/n, m.MouthMS/n
	return m
}

// Now is what a call is like at one time; in a Second it is the mean of those
// figures that move.
type Now struct {
	DelayMS   float64 `json:"delay_ms"`   // from a packet's arrival to its sounding: buffer and card
	MouthMS   float64 `json:"mouth_ms"`   // from the far mouth to our ear: packet, codec, network, buffer and card; the way of the fastest packets is half the round trip
	TargetMS  float64 `json:"target_ms"`  // how long sound is meant to wait in the buffer
	BufferMS  float64 `json:"buffer_ms"`  // sound waiting in the buffer
	RTTMS     float64 `json:"rtt_ms"`     // round trip; 0: not known
	SkewPPM   float64 `json:"skew_ppm"`   // by how many millionths the far clock is slow
	LevelIn   float64 `json:"level_in"`   // dBFS of the last second captured
	LevelOut  float64 `json:"level_out"`  // dBFS of the last second played
	Bitrate   int     `json:"bitrate"`    // bit/s that we code at
	PacketMS  float64 `json:"packet_ms"`  // of our packets
	Copies    int     `json:"copies"`     // of earlier packets in each of ours
	LossUp    float64 `json:"loss_up"`    // share of our packets that the network loses, as the far end says
	AllowedUp int     `json:"allowed_up"` // bytes a second that we may send
	ThroughUp int     `json:"through_up"` // bytes a second that come there of what we send; 0: nobody says
	Score     float64 `json:"score"`      // R of the E-model, ITU-T G.107.1, of what we hear: 0 to 129
	MOS       float64 `json:"mos"`        // the same as a mean opinion: 1 to 4.5
}
