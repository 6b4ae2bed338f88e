// Package update asks whether there is a newer release of this program, and
// believes only what the makers of the program have signed.
//
// A Checker asks one configured HTTPS address, at start-up and about once a day.
// The address leads to a small JSON document, and with ".minisig" behind it to
// the document's minisign signature:
//
//	{"version": "1.3.0", "expires": "2027-02-01T00:00:00Z", "notes": "https://..."}
//
// "expires" bounds for how long somebody in between can keep a newer release
// from us by showing an old document; "notes" may be left out. Members that are
// not known are ignored on purpose: the releases to come describe themselves
// with more of them.
//
// Nothing in what is asked says who asks: no version, no cookie, no identifier,
// no resumed TLS session; the user agent is the program's name. Only the very
// first question of an installation says "installed", as a query, so that
// installations can be counted, which is all that the analysed Skype told too.
package update
