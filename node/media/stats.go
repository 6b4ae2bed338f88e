// Package media turns frames of sound into packets and back: it owns the sound
// card's goroutines, the strip of a call, rate, redundancy and statistics.
package media

// Stats are the totals of one call's sound, from its start.
type Stats struct {
	Sent      uint64  `json:"sent"`     // packets
	Received  uint64  `json:"received"` // packets
	BytesUp   uint64  `json:"bytes_up"` // IP and UDP headers included
	BytesDown uint64  `json:"bytes_down"`
	Lost      uint64  `json:"lost"`      // packets that never came
	Late      uint64  `json:"late"`      // packets that came too late to be heard
	Concealed uint64  `json:"concealed"` // frames of 10 ms that were made up
	Stretched uint64  `json:"stretched"` // samples added or removed by time stretching
	DelayMS   float64 `json:"delay_ms"`  // jitter buffer: from arrival to sounding, now
	BufferMS  float64 `json:"buffer_ms"` // sound waiting in the buffer, now
	LevelIn   float64 `json:"level_in"`  // dBFS of the last second captured
	LevelOut  float64 `json:"level_out"` // dBFS of the last second played
	Seconds   float64 `json:"seconds"`   // since the strip began
}

// Second is one second of a call.
type Second struct {
	At        float64 `json:"at"` // seconds since the strip began
	DelayMS   float64 `json:"delay_ms"`
	BufferMS  float64 `json:"buffer_ms"`
	Lost      uint64  `json:"lost"`
	Concealed uint64  `json:"concealed"`
	LevelIn   float64 `json:"level_in"`
	LevelOut  float64 `json:"level_out"`
	BytesUp   uint64  `json:"bytes_up"`
	BytesDown uint64  `json:"bytes_down"`
}
