package webui

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"peerphone/node"
)

// policyInConventions is the policy that every page of the project has; ours
// adds Trusted Types.
const policyInConventions = "default-src 'none'; style-src 'self'; img-src 'self' data:; connect-src 'self'; script-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func TestRoutes(t *testing.T) {
	u := newPhone().page(t)
	for _, c := range []struct {
		method, path string
		status       int
		kind         string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8"},
		{"HEAD", "/", 200, "text/html; charset=utf-8"},
		{"GET", "/?still", 200, "text/html; charset=utf-8"},
		{"GET", "/assets/page.css", 200, "text/css; charset=utf-8"},
		{"GET", "/assets/page.js", 200, "text/javascript; charset=utf-8"},
		{"GET", "/assets/icon.svg", 200, "image/svg+xml"},
		{"GET", "/assets/page.html", 404, "application/problem+json"},
		{"GET", "/assets/../webui.go", 307, ""},
		{"GET", "/page/state", 200, "application/json"},
		{"GET", "/api/v1/state", 200, "application/json"},
		{"GET", "/favicon.ico", 404, "application/problem+json"},
		{"GET", "/api/v1/key", 405, "application/problem+json"},
		{"GET", "/api/v1/hook", 405, "application/problem+json"},
		{"PUT", "/api/v1/hook", 405, "application/problem+json"},
		{"POST", "/", 405, "application/problem+json"},
		{"POST", "/api/v1/events", 405, "application/problem+json"},
		{"DELETE", "/api/v1/state", 405, "application/problem+json"},
		{"OPTIONS", "/api/v1/key", 405, "application/problem+json"},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			w := ask(u, c.method, c.path, "")
			if w.Code != c.status {
				t.Errorf("status %d, want %d: %s", w.Code, c.status, w.Body)
			}
			if kind := w.Header().Get("Content-Type"); c.kind != "" && kind != c.kind {
				t.Errorf("Content-Type %q, want %q", kind, c.kind)
			}
			wantHeaders(t, w.Header())
			if c.kind == "application/problem+json" {
				wantProblem(t, w.Body.Bytes(), c.status, "")
			}
			if c.status == 405 && w.Header().Get("Allow") == "" {
				t.Error("no Allow header")
			}
		})
	}
}

// wantHeaders checks what every answer has to carry, errors too.
func wantHeaders(t *testing.T, h http.Header) {
	t.Helper()
	for name, want := range map[string]string{
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "no-referrer",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := h.Get("Content-Security-Policy"); !strings.HasPrefix(got, policyInConventions+";") || strings.Contains(got, "unsafe") {
		t.Errorf("Content-Security-Policy is %q", got)
	}
	if got := h.Get("Permissions-Policy"); !strings.Contains(got, "microphone=()") {
		t.Errorf("Permissions-Policy is %q", got)
	}
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("there is a %s: no other site may read or call anything", name)
		}
	}
}

// wantProblem checks an error's body, and that it says the words.
func wantProblem(t *testing.T, body []byte, status int, words string) {
	t.Helper()
	var p problem
	if err := json.Unmarshal(body, &p); err != nil {
		t.Fatalf("the problem is no JSON: %v: %s", err, body)
	}
	if p.Type != "about:blank" || p.Title == "" || p.Status != status || p.Detail == "" {
		t.Errorf("the problem is %+v, want status %d and all else said", p, status)
	}
	if !strings.Contains(p.Detail, words) {
		t.Errorf("the problem says %q, want in it %q", p.Detail, words)
	}
}

func TestStateIsTheSnapshot(t *testing.T) {
	p := newPhone()
	p.become(inCall(300))
	w := ask(p.page(t), "GET", "/api/v1/state", "")
	var got node.Snapshot
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Self != p.snapshot.Self || got.Call.Peer != "workshop" || len(got.Call.History) != 300 {
		t.Errorf("got %+v", got)
	}
	if c := w.Header().Get("Cache-Control"); c != "no-store" {
		t.Errorf("Cache-Control %q", c)
	}
}

func TestAssetsAreCached(t *testing.T) {
	u := newPhone().page(t)
	page := ask(u, "GET", "/", "").Body.String()
	for _, name := range []string{"page.css", "page.js", "icon.svg"} {
		_, rest, ok := strings.Cut(page, "/assets/"+name+"?v=")
		version, _, _ := strings.Cut(rest, `"`)
		if !ok {
			t.Fatalf("the page does not refer to %s by its version", name)
		}
		w := ask(u, "GET", "/assets/"+name+"?v="+version, "")
		if c := w.Header().Get("Cache-Control"); !strings.Contains(c, "immutable") {
			t.Errorf("%s by its version: Cache-Control %q", name, c)
		}
		for _, other := range []string{"/assets/" + name, "/assets/" + name + "?v=old"} {
			if c := ask(u, "GET", other, "").Header().Get("Cache-Control"); c != "no-cache" {
				t.Errorf("%s: Cache-Control %q, want no-cache", other, c)
			}
		}
		tag := w.Header().Get("ETag")
		if tag == "" {
			t.Errorf("%s has no ETag", name)
		}
		if w := ask(u, "GET", "/assets/"+name, "", with("If-None-Match", tag)); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
			t.Errorf("%s with its ETag: %d and %d bytes, want 304 and none", name, w.Code, w.Body.Len())
		}
	}
}

// TestWeight holds the budget of the page with all that it loads.
func TestWeight(t *testing.T) {
	const budget = 30 << 10
	p := newPhone()
	p.become(inCall(600))
	u := p.page(t)
	var total int
	for _, path := range []string{"/", "/assets/page.css", "/assets/page.js", "/assets/icon.svg"} {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(ask(u, "GET", path, "").Body.Bytes())
		z.Close()
		t.Logf("%-18s %6d bytes", path, b.Len())
		total += b.Len()
	}
	if t.Logf("%-18s %6d bytes of %d", "all, gzipped", total, budget); total > budget {
		t.Errorf("the page weighs %d bytes, more than %d", total, budget)
	}
}

// TestPageNeedsNobodyElse looks for anything that would be loaded from
// elsewhere.
func TestPageNeedsNobodyElse(t *testing.T) {
	u := newPhone().page(t)
	for _, path := range []string{"/", "/assets/page.css", "/assets/page.js"} {
		body := ask(u, "GET", path, "").Body.String()
		for _, bad := range []string{"http://", "https://", "url(//", `src="//`, "@import", "style=", "onclick", "<style"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s contains %s", path, bad)
			}
		}
	}
}
