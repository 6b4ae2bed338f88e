package webui

import (
	"testing"
	"time"

	"peerphone/node"
)

func TestPresenceWords(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		contact node.ContactView
		want    string
	}{
		{node.ContactView{State: "unknown"}, "unknown; you can see it after a call with each other"},
		{node.ContactView{State: "unknown", Watched: true}, "unknown"},
		{node.ContactView{State: "unknown", Watched: true, At: now.Add(-3 * time.Hour)}, "unknown, last heard of 3\u00a0h ago"},
		{node.ContactView{State: "reachable", Watched: true, At: now.Add(-20 * time.Second)}, "reachable, as of just now"},
		{node.ContactView{State: "reachable", Watched: true, At: now.Add(time.Minute)}, "reachable, as of just now"},
		{node.ContactView{State: "not reachable", Watched: true, At: now.Add(-90 * time.Minute)}, "not reachable, as of 90\u00a0min ago"},
		{node.ContactView{State: "not reachable", Watched: true, At: now.Add(-80 * time.Hour)}, "not reachable, as of 3\u00a0days ago"},
	} {
		if got := presenceWords(c.contact, now); got != c.want {
			t.Errorf("%+v: %q, want %q", c.contact, got, c.want)
		}
	}
}

func TestContactsAreBounded(t *testing.T) {
	p := parts{}
	viewContacts(p, make([]node.ContactView, 500), time.Now())
	if n := len(p["contacts"].([][]string)); n != shownContacts || p["contacts-none"] != "And 400 more." {
		t.Errorf("%d rows, %q", n, p["contacts-none"])
	}
}
