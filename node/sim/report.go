package sim

import "time"

// Report counts what happened in a world.
type Report struct {
	Seed      uint64
	Events    uint64
	Datagrams uint64
	Bytes     uint64 // IP and UDP headers included

	Dialled  int // numbers that users sent
	Rang     int // the caller heard ringback
	Answered int // both talk
	Busy     int // the caller heard busy, or the far end hung up on it
	Failed   int // the caller heard congestion
	Begun    int // ends at which sound began
	Measured int // of them those that knew their line
	SoundOut uint64
	SoundIn  uint64
	Relayed  uint64          // frames that relays passed on
	Setup    []time.Duration // from the number sent until ringback

	LoginAsks int // how often the login server was asked

	TraceHash string
}
