package webui

import (
	"strings"
	"testing"
	"time"

	"peerphone/node"
)

func TestHeardWords(t *testing.T) {
	for _, c := range []struct {
		sound node.Heard
		want  string
	}{
		{node.Heard{}, "–"},
		{heardWell, "good, 108; 88 at worst, at 1:11; 84\u00a0ms from mouth to ear; 40\u00a0ms made up"},
		{heardBadly, "hardly to be understood, 60; 0 at worst, at 0:09; 700\u00a0ms from mouth to ear"},
	} {
		if got := heardWords(c.sound); got != c.want {
			t.Errorf("%+v: %q, want %q", c.sound, got, c.want)
		}
	}
}

func TestLogIsBounded(t *testing.T) {
	p, now := parts{}, time.Now()
	viewLog(p, make([]node.LoggedCall, 500), now)
	if n := len(p["log"].([][]string)); n != shownLog || p["log-none"] != "" {
		t.Errorf("%d rows, %q", n, p["log-none"])
	}
	viewLog(p, nil, now)
	if p["log-none"] != "No calls yet." {
		t.Errorf("without a call: %q", p["log-none"])
	}
	viewLog(p, []node.LoggedCall{{Direction: "missed", Number: "1003", At: now, Reason: "no answer"}}, now)
	if got := strings.Join(p["log"].([][]string)[0], "|"); got != "missed|1003|just now|no answer|–" {
		t.Errorf("a missed call: %q", got)
	}
}
