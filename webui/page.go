package webui

import (
	"net/http"
	"time"
)

// still is the query of the page that neither reloads itself nor blinks.
const still = "still"

// moving is its place in a form of the page that is not still.
const moving = "moving"

// partsEvery is how often a stream of parts looks without being told, for the
// durations on the page.
const partsEvery = time.Second

// servePage answers with the page as it is now.
func (u *UI) servePage(w http.ResponseWriter, r *http.Request) {
	live := u.parts()
	page := u.page.appendTo(make([]byte, 0, 24<<10), live, u.fixed(r, live))
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.Write(page)
}

// serveParts answers with the parts of the page that change.
func (u *UI) serveParts(w http.ResponseWriter, r *http.Request) { serveJSON(w, u.parts()) }

// streamParts sends the parts of the page that change, all of them, whenever
// one has.
func (u *UI) streamParts(w http.ResponseWriter, r *http.Request) {
	u.stream(w, r, "page", partsEvery, func() []byte { return mustJSON(u.parts()) })
}

// parts looks at the node. The history is gathered first: an hour of it would
// be copied for nothing.
func (u *UI) parts() parts {
	s := u.node.Snapshot()
	s.Call.History = gather(s.Call.History, chartPoints)
	return view(encodable(s), time.Now())
}

// fixed returns the parts that depend on the request only. Without script the
// page reloads itself, faster while something goes on, unless it is to be
// still: nobody reads a page that is exchanged under one's eyes.
func (u *UI) fixed(r *http.Request, live parts) parts {
	p := parts{
		"css":    "/assets/page.css?v=" + u.assets["page.css"].version,
		"js":     "/assets/page.js?v=" + u.assets["page.js"].version,
		"icon":   "/assets/icon.svg?v=" + u.assets["icon.svg"].version,
		"reload": "5; url=/", // without the fragment, which would make it a jump within the page
		"motion": "full",
		"hold":   "/?" + still,
		"holds":  "Hold the page still",
		"back":   moving,
	}
	if live["phone@data-busy"] == "yes" {
		p["reload"] = "2; url=/"
	}
	if r.URL.Query().Has(still) {
		p["reload"] = "86400" // a mark cannot leave an element out; a day is as good as never
		p["motion"], p["hold"], p["holds"], p["back"] = "still", "/", "Let the page move again", still
	}
	return p
}
