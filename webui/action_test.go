package webui

import (
	"net/http"
	"strings"
	"testing"
)

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

func TestActions(t *testing.T) {
	for _, c := range []struct {
		path, kind, body string
		status           int
		did              string // by the telephone
		says             string // the problem, or where a form is led
	}{
		{"/api/v1/key", jsonType, `{"key":"5"}`, 204, "5", ""},
		{"/api/v1/key", jsonType + "; charset=utf-8", ` {"key":"#"} `, 204, "#", ""},
		{"/api/v1/hook", jsonType, `{"lifted":true}`, 204, "lift", ""},
		{"/api/v1/hook", jsonType, `{"lifted":false}`, 204, "hang up", ""},
		{"/api/v1/key", formType, "key=*", 303, "*", "/#key-star"},
		{"/api/v1/key", formType, "moving=&key=%23", 303, "#", "/#key-hash"},
		{"/api/v1/key", formType, "still=&key=7", 303, "7", "/?still#key-7"},
		{"/api/v1/hook", formType, "lifted=true", 303, "lift", "/#hook"},
		{"/api/v1/hook", formType, "lifted=false&still=//evil.test", 303, "hang up", "/?still#hook"},

		{"/api/v1/key", jsonType, ``, 400, "", "not what is expected"},
		{"/api/v1/key", jsonType, `{`, 400, "", "not what is expected"},
		{"/api/v1/key", jsonType, `null`, 400, "", "no key"},
		{"/api/v1/key", jsonType, `{}`, 400, "", "no key"},
		{"/api/v1/key", jsonType, `{"key":5}`, 400, "", "not what is expected"},
		{"/api/v1/key", jsonType, `{"key":"A"}`, 400, "", `no key "A"`},
		{"/api/v1/key", jsonType, `{"key":"12"}`, 400, "", `no key "12"`},
		{"/api/v1/key", jsonType, `{"key":"\u0000"}`, 400, "", "no key"},
		{"/api/v1/key", jsonType, `{"key":"５"}`, 400, "", "no key"},
		{"/api/v1/key", jsonType, `{"key":"` + strings.Repeat("1", 1000) + `"}`, 400, "", "…"},
		{"/api/v1/key", jsonType, `{"key":"1","hold":true}`, 400, "", "hold"},
		{"/api/v1/key", jsonType, `{"key":"1"}{"key":"2"}`, 400, "", "follows"},
		{"/api/v1/key", jsonType, `{"key":"1"}x`, 400, "", "follows"},
		{"/api/v1/key", jsonType, `{"key":"` + strings.Repeat(" ", 70_000) + `"}`, 413, "", "64 kB"},
		{"/api/v1/key", formType, "key=" + strings.Repeat("1", 70_000), 413, "", "64 kB"},
		{"/api/v1/key", formType, "", 400, "", "exactly once"},
		{"/api/v1/key", formType, "key=1&key=2", 400, "", "exactly once"},
		{"/api/v1/key", formType, "key=%zz", 400, "", "cannot be read"},
		{"/api/v1/key", "text/plain", `{"key":"1"}`, 415, "", "application/json"},
		{"/api/v1/key", "", `{"key":"1"}`, 415, "", "application/json"},
		{"/api/v1/key?key=1", formType, "", 400, "", "exactly once"},
		{"/api/v1/hook", jsonType, `{}`, 400, "", "missing"},
		{"/api/v1/hook", jsonType, `{"lifted":"yes"}`, 400, "", "not what is expected"},
		{"/api/v1/hook", formType, "lifted=up", 400, "", "true or false"},
	} {
		t.Run(c.path+" "+c.kind+" "+clip(c.body), func(t *testing.T) {
			p := newPhone()
			w := ask(p.page(t), "POST", c.path, c.body, with("Content-Type", c.kind))
			if w.Code != c.status {
				t.Errorf("status %d, want %d: %s", w.Code, c.status, w.Body)
			}
			if p.log() != c.did {
				t.Errorf("the telephone did %q, want %q", p.log(), c.did)
			}
			wantHeaders(t, w.Header())
			switch {
			case c.status == 303:
				if where := w.Header().Get("Location"); where != c.says {
					t.Errorf("led to %q, want %q", where, c.says)
				}
			case c.status >= 400:
				wantProblem(t, w.Body.Bytes(), c.status, c.says)
			}
		})
	}
}

func TestTelephoneFails(t *testing.T) {
	p := newPhone()
	p.fails = errStuck
	w := ask(p.page(t), "POST", "/api/v1/key", `{"key":"1"}`, with("Content-Type", jsonType))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d", w.Code)
	}
	wantProblem(t, w.Body.Bytes(), http.StatusServiceUnavailable, errStuck.Error())

	// A person without script is told on a page, with a way back.
	w = ask(p.page(t), "POST", "/api/v1/key", "key=1", with("Content-Type", formType), with("Accept", "text/html"))
	if body := w.Body.String(); w.Code != http.StatusServiceUnavailable || !strings.Contains(body, errStuck.Error()) || !strings.Contains(body, `href="/"`) {
		t.Errorf("status %d: %s", w.Code, body)
	}
}

func TestNoTelephone(t *testing.T) {
	p := newPhone()
	p.snapshot.Self.Phone = false
	u := New(Config{Node: p, Hosts: []string{"phone.test"}})
	if w := ask(u, "POST", "/api/v1/key", `{"key":"1"}`, with("Content-Type", jsonType)); w.Code != http.StatusNotFound {
		t.Errorf("status %d, want 404", w.Code)
	}
	if body := ask(u, "GET", "/", "").Body.String(); !strings.Contains(body, `data-phone="no"`) {
		t.Error("the page shows a telephone")
	}
}
