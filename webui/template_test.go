package webui

import (
	"html"
	"math"
	"strings"
	"testing"

	"peerphone/node"
	"peerphone/node/media"
)

// hostile fills every text of a snapshot with s.
func hostile(s string) func(*node.Snapshot) {
	return func(n *node.Snapshot) {
		inCall(30)(n)
		n.Version, n.Self.Name, n.Self.Number, n.Self.Node = s, s, s, s
		n.Login = node.Login{State: s, Problem: s}
		n.Network.Listen, n.Network.Observed, n.Network.Homes = s, s+s, []string{s, s}
		n.Face.Lines, n.Face.Tone = []string{s, s}, s
		n.Face.Lamps = map[string]string{"line": s, "ring": s, "inuse": s}
		c := &n.Call
		c.Peer, c.Number, c.Reason, c.Safety, c.Codec, c.Path = s, s, s, s, s, s
	}
}

// marks counts the characters that make markup.
func marks(page string) (n [4]int) {
	for i, c := range []string{"<", ">", `"`, "'"} {
		n[i] = strings.Count(page, c)
	}
	return n
}

// TestHostileTextStaysText puts markup wherever the node has a text, in each
// phase of a call. The page must have the same tags and quotes as without.
func TestHostileTextStaysText(t *testing.T) {
	for _, state := range []string{"idle", "searching", "inviting", "ringing far", "ringing here", "talking", "ended", "unknown"} {
		show := func(s string) string {
			p := newPhone()
			p.become(hostile(s))
			p.become(func(n *node.Snapshot) { n.Call.State = state })
			return ask(p.page(t), "GET", "/", "").Body.String()
		}
		want := marks(show("workshop"))
		for _, evil := range []string{
			`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `</title></noscript><b>`,
			`&lt;`, `<!--`, "{{name}}", "\x00<\xff\xfe>", `javascript:alert(1)`, strings.Repeat(`"<>'`, 500),
		} {
			page := show(evil)
			if got := marks(page); got != want {
				t.Errorf("%s, %.40q: the page has %v of < > \" ', want %v", state, evil, got, want)
			}
			if text := strings.ReplaceAll(string([]rune(evil)), "\x00", "\ufffd"); !strings.Contains(html.UnescapeString(page), text) {
				t.Errorf("%s, %.40q: the text cannot be read on the page", state, evil)
			}
		}
	}
}

func FuzzAppendEscaped(f *testing.F) {
	for _, s := range []string{"kitchen", `<a href="'">&amp;`, "\xff\x00", "ü\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := string(appendEscaped(nil, s))
		if strings.ContainsAny(got, `<>"'`) || strings.ContainsRune(got, 0) {
			t.Errorf("%q became %q", s, got)
		}
		want := strings.Map(func(r rune) rune { // invalid UTF-8 is U+FFFD to it, too
			if r < ' ' && r != '\n' && r != '\t' {
				return '\ufffd'
			}
			return r
		}, s)
		if back := html.UnescapeString(got); back != want {
			t.Errorf("%q is read as %q, want %q", s, back, want)
		}
	})
}

// TestMarksAndPartsAgree finds parts that the page has no place for, marks
// that nobody fills, and places that the script would look for in vain.
func TestMarksAndPartsAgree(t *testing.T) {
	p := newPhone()
	u := p.page(t)
	live := u.parts()
	fixed := u.fixed(request("/"), live)
	marked := make(map[string]bool)
	for _, s := range u.page {
		if s.key == "" {
			continue
		}
		marked[s.key] = true
		if _, ok := live[s.key]; ok {
			continue
		}
		if _, ok := fixed[s.key]; !ok {
			t.Errorf("nobody fills the mark {{%s}}", s.key)
		}
	}
	page := loadPage()
	for key := range live {
		id, attribute, _ := strings.Cut(key, "@")
		if !marked[key] {
			t.Errorf("the page has no mark for %s", key)
		}
		_, tag, ok := strings.Cut(page, `id="`+id+`"`)
		if !ok {
			t.Errorf("the page has no element %s", id)
		}
		tag, rest, _ := strings.Cut(tag, ">")
		if attribute == "" && !strings.HasPrefix(rest, "{{"+key+"}}<") {
			t.Errorf("the text of %s is not its mark alone", id)
		}
		before, _, _ := strings.Cut(page, `id="`+id+`"`)
		tag = before[strings.LastIndex(before, "<"):] + tag
		if attribute != "" && !strings.Contains(tag, " "+attribute+`="{{`+key+`}}"`) {
			t.Errorf("the element %s has no attribute %s with its mark", id, attribute)
		}
	}
}

func TestMarkNotClosed(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a mark that is not closed was taken")
		}
	}()
	parseTemplate("a {{b c")
}

// TestNumbersThatJSONLacks plays digital silence, whose level is minus
// infinity.
func TestNumbersThatJSONLacks(t *testing.T) {
	p := newPhone()
	p.become(inCall(3))
	p.become(func(s *node.Snapshot) {
		s.Call.Media.LevelIn, s.Call.Media.MouthMS = math.Inf(-1), math.NaN()
		s.Call.History = []media.Second{{At: math.Inf(1), Now: media.Now{MouthMS: math.NaN(), LevelOut: math.Inf(-1), MOS: math.NaN()}}}
	})
	u := p.page(t)
	for _, path := range []string{"/", "/api/v1/state", "/page/state"} {
		w := ask(u, "GET", path, "")
		if body := w.Body.String(); w.Code != 200 || strings.Contains(body, "NaN") || strings.Contains(body, "Inf") {
			t.Errorf("%s: status %d: %s", path, w.Code, body)
		}
	}
	if !math.IsInf(p.Snapshot().Call.History[0].LevelOut, -1) {
		t.Error("the node's own history was changed")
	}
}

func TestClock(t *testing.T) {
	for seconds, want := range map[float64]string{0: "0:00", 59.9: "0:59", 61: "1:01", 3600: "1:00:00", 36061: "10:01:01", -5: "0:00", math.Inf(1): "27777:46:40"} {
		if got := clock(seconds); got != want {
			t.Errorf("%v seconds are %s, want %s", seconds, got, want)
		}
	}
}
