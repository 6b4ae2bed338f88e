package webui

import (
	"net/http"
	"strings"
	"testing"
)

func TestHosts(t *testing.T) {
	u := newPhone().page(t)
	for _, c := range []struct {
		host string
		ok   bool
	}{
		{"phone.test", true},
		{"PHONE.test.", true},
		{"phone.test:8081", true},
		{"192.0.2.7", true},
		{"192.0.2.7:80", true},
		{"[2001:db8::7]:8081", true},
		{"[2001:0DB8:0::7]:8081", true},
		{"[2001:db8::7]", false}, // another port
		{"[2001:db8::7]:80", false},
		{"evil.test", false},
		{"phone.test.evil.test", false},
		{"localhost", false}, // not in this list
		{"192.0.2.8", false},
		{"", false},
		{"phone.test:80:80", false},
		{strings.Repeat("a", 5000), false},
		{"<script>alert(1)</script>", false},
	} {
		w := ask(u, "GET", "/", "", at(c.host))
		if ok := w.Code == 200; ok != c.ok {
			t.Errorf("host %.40q: status %d, want allowed %v", c.host, w.Code, c.ok)
		}
		if c.ok {
			continue
		}
		wantHeaders(t, w.Header())
		wantProblem(t, w.Body.Bytes(), http.StatusMisdirectedRequest, "does not answer to the name")
		if w.Body.Len() > 700 {
			t.Errorf("host %.40q: %d bytes of answer", c.host, w.Body.Len())
		}
	}
}

func TestHostsAreLoopbackAtFirst(t *testing.T) {
	p := newPhone()
	u := New(Config{Node: p, Appliance: p})
	for host, want := range map[string]int{"localhost:8081": 200, "127.0.0.1:9": 200, "[::1]:8081": 200, "phone.local": 421, "10.0.0.1": 421} {
		if w := ask(u, "GET", "/", "", at(host)); w.Code != want {
			t.Errorf("host %s: status %d, want %d", host, w.Code, want)
		}
	}
}

// TestHostileHostOnAPage sees to it that an error page is as inert as the
// others.
func TestHostileHostOnAPage(t *testing.T) {
	w := ask(newPhone().page(t), "GET", "/", "", at("<script>alert(1)</script>"), with("Accept", "text/html,*/*"))
	if w.Code != http.StatusMisdirectedRequest || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Errorf("status %d, %s", w.Code, w.Header().Get("Content-Type"))
	}
	if body := w.Body.String(); strings.Contains(body, "<script") || !strings.Contains(body, "&lt;script&gt;") {
		t.Errorf("the page is %s", body)
	}
}

func TestForeignOrigins(t *testing.T) {
	const keyBody = `{"key":"5"}`
	json := with("Content-Type", "application/json")
	for _, c := range []struct {
		name, method, path string
		change             []func(*http.Request)
		ok                 bool
	}{
		{"a program", "POST", "/api/v1/key", nil, true},
		{"the page itself", "POST", "/api/v1/key", []func(*http.Request){with("Sec-Fetch-Site", "same-origin")}, true},
		{"the page, browser without fetch metadata", "POST", "/api/v1/key", []func(*http.Request){with("Origin", "http://phone.test")}, true},
		{"another site", "POST", "/api/v1/key", []func(*http.Request){with("Sec-Fetch-Site", "cross-site")}, false},
		{"another port of this host", "POST", "/api/v1/key", []func(*http.Request){with("Sec-Fetch-Site", "same-site")}, false},
		{"another site, old browser", "POST", "/api/v1/key", []func(*http.Request){with("Origin", "http://evil.test")}, false},
		{"a sandboxed frame, old browser", "POST", "/api/v1/key", []func(*http.Request){with("Origin", "null")}, false},
		{"a foreign form", "POST", "/api/v1/hook", []func(*http.Request){with("Sec-Fetch-Site", "cross-site"), with("Sec-Fetch-Mode", "navigate")}, false},
		{"a foreign link", "GET", "/", []func(*http.Request){with("Sec-Fetch-Site", "cross-site"), with("Sec-Fetch-Mode", "navigate")}, true},
		{"typed by a person", "GET", "/api/v1/state", []func(*http.Request){with("Sec-Fetch-Site", "none"), with("Sec-Fetch-Mode", "navigate")}, true},
		{"a foreign link to the state", "GET", "/api/v1/state", []func(*http.Request){with("Sec-Fetch-Site", "cross-site"), with("Sec-Fetch-Mode", "navigate")}, false},
		{"a foreign stream", "GET", "/api/v1/events", []func(*http.Request){with("Sec-Fetch-Site", "cross-site"), with("Sec-Fetch-Mode", "cors")}, false},
		{"a foreign stream, old browser", "GET", "/page/events", []func(*http.Request){with("Origin", "http://evil.test")}, false},
		{"a foreign picture", "GET", "/page/events", []func(*http.Request){with("Sec-Fetch-Site", "same-site"), with("Sec-Fetch-Mode", "no-cors")}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPhone()
			w := ask(p.page(t), c.method, c.path, keyBody, append(c.change, json)...)
			if ok := w.Code < 300; ok != c.ok {
				t.Fatalf("status %d, want allowed %v: %s", w.Code, c.ok, w.Body)
			}
			if !c.ok {
				wantHeaders(t, w.Header())
				wantProblem(t, w.Body.Bytes(), http.StatusForbidden, "another site")
				if p.log() != "" {
					t.Errorf("the telephone did %q", p.log())
				}
			}
		})
	}
}
