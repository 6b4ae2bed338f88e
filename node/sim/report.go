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

// Report says what has happened so far.
func (w *World) Report() Report {
	r := w.counts()
	traces := make([]trace, len(w.nodes))
	for i, n := range w.nodes {
		traces[i] = n.trace
	}
	r.TraceHash = hashOf(traces)
	return r
}

// add adds what another one has counted.
func (r *Report) add(o Report) {
	r.Events += o.Events
	r.Datagrams += o.Datagrams
	r.Bytes += o.Bytes
	r.Dialled += o.Dialled
	r.Rang += o.Rang
	r.Answered += o.Answered
	r.Busy += o.Busy
	r.Failed += o.Failed
	r.Begun += o.Begun
	r.Measured += o.Measured
	r.SoundOut += o.SoundOut
	r.SoundIn += o.SoundIn
	r.Relayed += o.Relayed
	r.Setup = append(r.Setup, o.Setup...)
	r.LoginAsks += o.LoginAsks
}
