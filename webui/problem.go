package webui

import (
	"encoding/json"
	"net/http"
	"strings"
)

// problem is an error as RFC 9457 has it. Detail says what is wrong and what
// to do.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// refuse answers with an error: as a small page to a browser that navigates,
// as problem+json to everyone else.
func refuse(w http.ResponseWriter, r *http.Request, status int, detail string) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if wantsPage(r) {
		h.Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		w.Write(problemPage(http.StatusText(status), detail))
		return
	}
	h.Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(problem{"about:blank", http.StatusText(status), status, detail})
}

// refuseMethod answers requests for a known path with the wrong method.
func refuseMethod(allowed string) http.HandlerFunc {
	if allowed == http.MethodGet {
		allowed = "GET, HEAD"
	}
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", allowed)
		refuse(w, r, http.StatusMethodNotAllowed, r.URL.Path+" answers "+allowed+" only, not "+r.Method+".")
	}
}

// wantsPage reports whether r comes from a person's browser rather than from
// a script or program.
func wantsPage(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Accept"), "text/html")
}

func problemPage(title, detail string) []byte {
	b := []byte(`<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>`)
	b = appendEscaped(b, title)
	b = append(b, `</title><link rel="stylesheet" href="/assets/page.css"><main class="refused"><h1>`...)
	b = appendEscaped(b, title)
	b = append(b, `</h1><p>`...)
	b = appendEscaped(b, detail)
	return append(b, `</p><p><a href="/">Back to the telephone</a></p></main></html>`...)
}
