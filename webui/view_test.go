package webui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"peerphone/node"
	"peerphone/node/media"
)

// TestSay tells in one sentence what the telephone does.
func TestSay(t *testing.T) {
	call := func(state string) func(*node.Snapshot) {
		return func(s *node.Snapshot) {
			s.Face.Lifted = true
			s.Call = node.CallView{State: state, Peer: "workshop", Number: "1002"}
		}
	}
	notice := func(tone, text string) func(*node.Snapshot) {
		return func(s *node.Snapshot) {
			call("ended")(s)
			s.Face.Tone, s.Face.Lines = tone, []string{text, "1002"}
		}
	}
	for _, c := range []struct {
		name  string
		state func(*node.Snapshot)
		want  string
	}{
		{"ready", func(s *node.Snapshot) {}, "Ready. Lift the receiver, dial a number, then #."},
		{"lifted", func(s *node.Snapshot) { s.Face.Lifted = true }, "Dial a number, then #."},
		{"searching", call("searching"), "Looking for 1002."},
		{"connecting", call("connecting"), "Found workshop (1002). Getting through to it."},
		{"inviting", call("inviting"), "Found workshop (1002). Getting through to it."},
		{"ringing far", call("ringing far"), "It rings at workshop (1002)."},
		{"ringing here", ringing, "workshop (1002) is calling. Lift the receiver to answer."},
		{"a stranger", func(s *node.Snapshot) { ringing(s); s.Call.Peer, s.Call.Number = "", "" }, "someone is calling. Lift the receiver to answer."},
		{"talking", call("talking"), "Talking with workshop (1002), encrypted from end to end."},
		{"busy", notice("busy", "Busy"), "Busy. Put the receiver back."},
		{"unknown number", notice("congestion", "Unknown number"), "Unknown number. Put the receiver back."},
		{"the next call", notice("dial", "Dial a number"), "Dial a number, then #."},
		{"refused", refused, "The login server refused this telephone."},
		{"logging in", func(s *node.Snapshot) { s.Login.State = "asking" }, "Logging in."},
		{"no account", func(s *node.Snapshot) { s.Login = node.Login{State: "none"} }, "This telephone has no account yet."},
		{"a supernode", func(s *node.Snapshot) { s.Login = node.Login{}; s.Self = node.Self{} }, "No telephone here: this node serves others."},
		{"server away", func(s *node.Snapshot) { s.Login = node.Login{State: "waiting"} }, "Waiting for the login server; it is asked again by itself."},
		{"alone", func(s *node.Snapshot) { s.Network.Homes = nil }, "Looking for the network. Nobody can call this telephone yet."},
	} {
		p := newPhone()
		p.become(c.state)
		if got := view(p.Snapshot(), time.Now())["say"]; got != c.want {
			t.Errorf("%s: the page says %q, want %q", c.name, got, c.want)
		}
	}
}

// TestCallWords shows how a call is and how it ended.
func TestCallWords(t *testing.T) {
	now := time.Date(2026, 1, 3, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		call node.CallView
		want string
	}{
		{node.CallView{State: "idle"}, "No call."},
		{node.CallView{State: "talking", Since: now.Add(-75 * time.Second)}, "Talking for 1:15"},
		{node.CallView{State: "talking", Since: now.Add(time.Hour)}, "Talking"}, // the clock was set
		{node.CallView{State: "ringing far", Since: now.Add(-2 * time.Second)}, "Ringing there for 0:02"},
		{node.CallView{State: "ended", Reason: "no answer"}, "Over: nobody answered."},
		{node.CallView{State: "ended", Reason: "hung up"}, "Over: the other telephone hung up."},
		{node.CallView{State: "ended", Reason: "meteorite"}, "Over: meteorite."},
	} {
		if got := stateWords(c.call, now); got != c.want {
			t.Errorf("%+v: %q, want %q", c.call, got, c.want)
		}
	}
}

// TestChart draws calls of any length within the chart's plane.
func TestChart(t *testing.T) {
	for _, seconds := range []int{0, 1, 10, chartPoints, chartPoints + 1, 3600, 100_000} {
		var history []media.Second
		for i := range seconds {
			history = append(history, media.Second{At: float64(i + 1), Now: media.Now{MouthMS: float64(i % 300), BufferMS: -1}})
		}
		p := parts{}
		chart(p, gather(history, chartPoints))
		points := strings.Fields(p["delay@points"].(string))
		if n := min(seconds, chartPoints); len(points) > n || len(points) < n/2 {
			t.Errorf("%d seconds are drawn by %d points", seconds, len(points))
		}
		for _, q := range points {
			var x, y float64
			if _, err := fmt.Sscanf(q, "%f,%f", &x, &y); err != nil || x < chartLeft || x > chartRight || y < chartTop || y > chartBottom {
				t.Fatalf("%d seconds: the point %s is outside, %v", seconds, q, err)
			}
		}
		if rows := p["seconds"].([][]string); len(rows) > tableRows {
			t.Errorf("%d seconds make %d rows", seconds, len(rows))
		}
	}
}

// TestGather keeps what matters of each stretch: the worst, and every loss.
func TestGather(t *testing.T) {
	history := []media.Second{
		{At: 1, Lost: 1, Now: media.Now{MouthMS: 40, BufferMS: 30, LevelIn: -20, MOS: 4}},
		{At: 2, Lost: 2, Concealed: 4, Now: media.Now{MouthMS: 90, BufferMS: 20, LevelIn: -30, MOS: 3}},
		{At: 3, Now: media.Now{MouthMS: 50, BufferMS: 60}},
	}
	got := gather(history, 2)
	if len(got) != 2 || got[0] != (media.Second{At: 2, Lost: 3, Concealed: 4, Now: media.Now{MouthMS: 90, BufferMS: 30, LevelIn: -20, MOS: 3}}) || got[1] != history[2] {
		t.Errorf("got %+v", got)
	}
}

func TestRoundUp(t *testing.T) {
	for v, want := range map[float64]float64{0: 10, 40: 40, 41: 80, 81: 100, 101: 200, 950: 1000, 1e9: 1e9} {
		if got := roundUp(v); got != want {
			t.Errorf("an axis to %v ends at %v, want %v", v, got, want)
		}
	}
}

// TestDisplay draws text as dots and looks at them.
func TestDisplay(t *testing.T) {
	for _, c := range []struct {
		lines []string
		want  string
	}{
		{nil, ""},
		{[]string{"", "   "}, ""},
		{[]string{"-"}, "M0 3h5"},
		{[]string{" -", "-"}, "M6 3h5M0 12h5"},
		{[]string{strings.Repeat(" ", 16) + "-"}, ""}, // cut
		{[]string{"", "", "-"}, ""},
		{[]string{"T"}, "M0 0h5M2 1h1M2 2h1M2 3h1M2 4h1M2 5h1M2 6h1"},
		{[]string{"é"}, "M0 0h5M0 1h5M0 2h5M0 3h5M0 4h5M0 5h5M0 6h5"}, // not in its font
		{[]string{"\xff-"}, "M0 0h5M0 1h5M0 2h5M0 3h5M0 4h5M0 5h5M0 6h5M6 3h5"},
	} {
		if got := dots(fit(c.lines)); got != c.want {
			t.Errorf("%q is drawn %q, want %q", c.lines, got, c.want)
		}
	}
	if len(font) != '~'-' '+1 {
		t.Errorf("the font has %d characters", len(font))
	}
}

// TestShades tells the telephones of the smallest network apart.
func TestShades(t *testing.T) {
	kitchen, workshop := shade(node.Self{Name: "kitchen", Number: "1001"}), shade(node.Self{Name: "workshop", Number: "1002"})
	if kitchen == workshop {
		t.Errorf("kitchen and workshop are both of shade %s", kitchen)
	}
}

// BenchmarkView measures what one update of the page costs in a call of an
// hour.
func BenchmarkView(b *testing.B) {
	p := newPhone()
	p.become(inCall(3600))
	u := p.page(b)
	for b.Loop() {
		mustJSON(u.parts())
	}
}
