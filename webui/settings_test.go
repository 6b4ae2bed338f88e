package webui

import (
	"context"
	"strings"
	"testing"

	"peerphone/node"
)

// Configure implements Owner.
func (p *phone) Configure(_ context.Context, change func(*node.Settings)) error {
	p.become(func(s *node.Snapshot) { change(&s.Settings) })
	return nil
}

// Hold implements Owner.
func (p *phone) Hold(_ context.Context, on bool) error {
	p.become(func(s *node.Snapshot) {
		s.Call.Hold = ""
		if on {
			s.Call.Hold = "held here"
		}
	})
	return nil
}

func TestHold(t *testing.T) {
	for _, c := range []struct {
		kind, body string
		status     int
		hold, says string
	}{
		{jsonType, `{"on":true}`, 204, "held here", ""},
		{formType, "on=true", 303, "held here", ""},
		{jsonType, `{"on":false}`, 204, "", ""},
		{jsonType, `{"off":true}`, 400, "", "no field"},
		{jsonType, `{}`, 400, "", "missing"},
		{formType, "on=yes", 400, "", "true or false"},
	} {
		p := newPhone()
		w := ask(p.page(t), "POST", "/api/v1/hold", c.body, with("Content-Type", c.kind))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) || p.Snapshot().Call.Hold != c.hold {
			t.Errorf("%s: %d %s, call %q; want %d, %q and %q", c.body, w.Code, w.Body, p.Snapshot().Call.Hold, c.status, c.says, c.hold)
		}
	}
}

func TestSwitches(t *testing.T) {
	for _, c := range []struct {
		kind, body string
		status     int
		on         bool
		says       string
	}{
		{jsonType, `{"check_releases":true}`, 204, true, ""},
		{jsonType, `{"check_releases":false}`, 204, false, ""},
		{formType, "check_releases=true&moving=", 303, true, ""},
		{formType, "check_releases=on", 400, false, "true or false"},
		{formType, "check_releases=true&check_releases=false", 400, false, "exactly once"},
		{formType, "moving=", 400, false, "Name a setting"},
		{jsonType, `{"root":true}`, 400, false, "no setting"},
		{jsonType, `{"check_releases":"yes"}`, 400, false, "not what is expected"},
		{jsonType, `{}`, 400, false, "Name a setting"},
	} {
		p := newPhone()
		w := ask(p.page(t), "POST", "/api/v1/settings", c.body, with("Content-Type", c.kind))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s: %d %s, want %d and %q", c.body, w.Code, w.Body, c.status, c.says)
		}
		if got := p.Snapshot().Settings.CheckReleases; got != c.on {
			t.Errorf("%s: the setting is %v, want %v", c.body, got, c.on)
		}
	}
}

func TestReleaseWords(t *testing.T) {
	for _, c := range []struct {
		release node.ReleaseView
		want    string
	}{
		{node.ReleaseView{State: node.ReleaseNewer, Newest: "1.3.0"}, "1.3.0 is there; you have 1.2.1."},
		{node.ReleaseView{State: node.ReleaseCurrent, Newest: "1.2.1"}, "You have 1.2.1, the newest."},
		{node.ReleaseView{State: node.ReleaseFailed, Problem: "the server answers 404 Not Found"}, "You have 1.2.1. Whether there is a newer one could not be found out: the server answers 404 Not Found."},
		{node.ReleaseView{State: node.ReleaseOther, Newest: "1.3.0"}, "You have 1.2.1, which is no release; the newest is 1.3.0."},
		{node.ReleaseView{State: node.ReleaseWaiting}, "You have 1.2.1. Nobody has been asked yet whether there is a newer one."},
		{node.ReleaseView{}, "You have 1.2.1. No address is set at which to ask for a newer one."},
	} {
		if got := releaseWords(c.release, "v1.2.1"); got != c.want {
			t.Errorf("%+v: %q, want %q", c.release, got, c.want)
		}
	}
}
