package webui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"time"
)

//go:embed assets
var files embed.FS

// assetTypes are the kinds of files that a browser fetches beside the page.
var assetTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// asset is a file that the page refers to.
type asset struct {
	kind    string // its media type
	content []byte
	version string // of its content
}

func loadAssets() map[string]asset {
	entries, err := files.ReadDir("assets")
	if err != nil {
		panic("webui: " + err.Error()) // the files are part of the program
	}
	assets := make(map[string]asset)
	for _, e := range entries {
		kind, ok := assetTypes[path.Ext(e.Name())]
		if !ok {
			continue
		}
		b, err := files.ReadFile("assets/" + e.Name())
		if err != nil {
			panic("webui: " + err.Error())
		}
		sum := sha256.Sum256(b)
		assets[e.Name()] = asset{kind, b, hex.EncodeToString(sum[:8])}
	}
	return assets
}

// serveAsset answers with a file. Asked for by its version, as the page does,
// it never changes; otherwise the browser has to ask each time.
func (u *UI) serveAsset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	a, ok := u.assets[name]
	if !ok {
		refuse(w, r, http.StatusNotFound, "The page has no file "+quote(name)+". Load the page again.")
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("ETag", `"`+a.version+`"`)
	h.Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == a.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(a.content))
}

func loadPage() string {
	b, err := files.ReadFile("assets/page.html")
	if err != nil {
		panic("webui: " + err.Error())
	}
	return string(b)
}
