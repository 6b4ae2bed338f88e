package webui

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// maxBody is the largest request body, in bytes.
const maxBody = 64 << 10

// policy is the content security policy. With 'none' as the only allowed
// Trusted Types policy, the script cannot turn text into markup at all.
const policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; connect-src 'self'; script-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// permissions denies every ability of the browser that a page could ask for.
const permissions = "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), " +
	"geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), " +
	"publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()"

// guard is what every request passes, in this order: headers, host, origin,
// size of the body.
func (u *UI) guard(next http.Handler) http.Handler {
	origins := http.NewCrossOriginProtection()
	origins.SetDenyHandler(http.HandlerFunc(refuseOrigin))
	next = origins.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		switch {
		case !u.knows(r.Host):
			u.log.Debug("webui: refused a request for a foreign host", "host", clip(r.Host))
			refuse(w, r, http.StatusMisdirectedRequest, misdirected(r.Host))
		case foreignRead(r):
			refuseOrigin(w, r)
		default:
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			next.ServeHTTP(w, r)
		}
	})
}

func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", permissions)
}

// host is an entry of the list of allowed hosts; port "" is any port.
type host struct{ name, port string }

// loopback is the list when none is given.
var loopback = []string{"localhost", "127.0.0.1", "::1"}

func parseHosts(list []string) []host {
	if len(list) == 0 {
		list = loopback
	}
	hosts := make([]host, len(list))
	for i, s := range list {
		hosts[i] = parseHost(s)
	}
	return hosts
}

// parseHost splits the value of a Host header. An address is brought to its
// shortest form, so that every spelling of it matches.
func parseHost(s string) host {
	name, port, err := net.SplitHostPort(s)
	if err != nil {
		name, port = strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"), ""
	}
	if a, err := netip.ParseAddr(name); err == nil {
		return host{a.WithZone("").Unmap().String(), port}
	}
	return host{strings.ToLower(strings.TrimSuffix(name, ".")), port}
}

// knows reports whether the page may be called by this Host header. A foreign
// name that leads here is DNS rebinding: a hostile page that would like to
// pass as ours.
func (u *UI) knows(header string) bool {
	got := parseHost(header)
	for _, h := range u.hosts {
		if h.name == got.name && (h.port == "" || h.port == got.port) {
			return true
		}
	}
	return false
}

func misdirected(header string) string {
	return "This telephone does not answer to the name " + clip(header) + ", so that foreign pages cannot use it through a name of theirs. " +
		"Call it as localhost or 127.0.0.1, with its port."
}

// foreignRead reports whether a GET was caused by another site's page. Such a
// page could not read the answer but could, for one, use up the streams.
// Following a link to the page is allowed. http.CrossOriginProtection sees to
// the other methods.
func foreignRead(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return false
	case "":
		origin := r.Header.Get("Origin")
		o, err := url.Parse(origin)
		return origin != "" && (err != nil || o.Host != r.Host)
	}
	return r.URL.Path != "/" || r.Header.Get("Sec-Fetch-Mode") != "navigate"
}

func refuseOrigin(w http.ResponseWriter, r *http.Request) {
	refuse(w, r, http.StatusForbidden, "The request was made by another site's page. Use the telephone's own page, or a program that sends no Origin header.")
}

// clip bounds what of a stranger's text is repeated.
func clip(s string) string {
	const most = 80
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ToValidUTF8(s, "?")
}
