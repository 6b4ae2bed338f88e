package webui

import (
	"encoding/json"
	"math"
	"net/http"
	"slices"

	"peerphone/node"
	"peerphone/node/media"
)

// streamedHistory is how many seconds of a call each event carries. All of
// them would be more than a MB after an hour, ten times a second.
const streamedHistory = 30

// serveState answers with the whole snapshot.
func (u *UI) serveState(w http.ResponseWriter, r *http.Request) {
	serveJSON(w, encodable(u.node.Snapshot()))
}

// streamState sends the snapshot, with the last seconds of its history, at
// each change.
func (u *UI) streamState(w http.ResponseWriter, r *http.Request) {
	u.stream(w, r, "state", 0, func() []byte {
		s := u.node.Snapshot()
		if n := len(s.Call.History); n > streamedHistory {
			s.Call.History = s.Call.History[n-streamedHistory:]
		}
		return mustJSON(encodable(s))
	})
}

// encodable replaces the numbers that JSON does not have: the level of digital
// silence is minus infinity.
func encodable(s node.Snapshot) node.Snapshot {
	m := &s.Call.Media
	encodableNow(&m.Now)
	makeFinite(&m.Seconds)
	t := &s.Timing
	makeFinite(&t.Login, &t.Search, &t.Setup, &t.Direct)
	s.Call.History = slices.Clone(s.Call.History)
	for i := range s.Call.History {
		encodableSecond(&s.Call.History[i])
	}
	return s
}

func encodableSecond(s *media.Second) {
	encodableNow(&s.Now)
	makeFinite(&s.At)
}

func encodableNow(n *media.Now) {
	makeFinite(&n.DelayMS, &n.MouthMS, &n.TargetMS, &n.BufferMS, &n.RTTMS, &n.SkewPPM, &n.LevelIn, &n.LevelOut,
		&n.PacketMS, &n.LossUp, &n.Score, &n.MOS)
}

// makeFinite replaces what is not a number by 0 and brings the rest within
// bounds that no measurement of ours leaves.
func makeFinite(fs ...*float64) {
	const most = 1e9
	for _, f := range fs {
		if math.IsNaN(*f) {
			*f = 0
		}
		*f = min(max(*f, -most), most)
	}
}

func serveJSON(w http.ResponseWriter, v any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.Write(mustJSON(v))
}

// mustJSON encodes a value of ours, in which there is nothing that JSON does
// not have.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("webui: " + err.Error())
	}
	return b
}
