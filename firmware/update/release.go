package update

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"aead.dev/minisign"
	"golang.org/x/mod/semver"
)

// Release is what the makers say of their newest release.
type Release struct {
	Version string    `json:"version"` // as Semantic Versioning 2.0.0 has it, without "v"
	Expires time.Time `json:"expires"` // a later word is to be had by then
	Notes   string    `json:"notes"`   // HTTPS address of what has changed; may be empty
}

// Errors of ParseRelease.
var (
	ErrSignature = errors.New("update: the release is not signed by a key that this phone trusts")
	ErrMalformed = errors.New("update: the release cannot be read")
	ErrExpired   = errors.New("update: the word on the newest release is out of date; somebody may be holding back a later one, or this phone's clock is wrong")
	ErrOlder     = errors.New("update: an older release is offered as the newest than was before")
)

const (
	// maxDocument bounds the document and its signature, in bytes each.
	maxDocument = 64 << 10
	// maxVersion and maxNotes bound what the page shows, in bytes.
	maxVersion = 64
	maxNotes   = 512
)

// ParseKeys reads minisign public keys, each the one line of base64 that
// minisign prints.
func ParseKeys(texts []string) ([]minisign.PublicKey, error) {
	var keys []minisign.PublicKey
	for _, text := range texts {
		var k minisign.PublicKey
		if err := k.UnmarshalText([]byte(strings.TrimSpace(text))); err != nil {
			return nil, fmt.Errorf("update: %.60q is no minisign public key", text)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// ParseRelease reads a document and checks its signature, by any of keys, and
// that it holds at now. Nothing of a document is believed before its signature.
func ParseRelease(document, signature []byte, keys []minisign.PublicKey, now time.Time) (Release, error) {
	if !signed(document, signature, keys) {
		return Release{}, ErrSignature
	}
	var r Release
	if err := json.Unmarshal(document, &r); err != nil {
		return Release{}, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	if len(r.Version) > maxVersion || !isVersion(r.Version) {
		return Release{}, fmt.Errorf("%w: %.80q is no version", ErrMalformed, r.Version)
	}
	if err := checkNotes(r.Notes); err != nil {
		return Release{}, err
	}
	if !now.Before(r.Expires) {
		return Release{}, ErrExpired
	}
	return r, nil
}

func signed(document, signature []byte, keys []minisign.PublicKey) bool {
	for _, k := range keys {
		if minisign.Verify(k, document, signature) {
			return true
		}
	}
	return false
}

func checkNotes(notes string) error {
	if notes == "" {
		return nil
	}
	u, err := url.Parse(notes)
	if err != nil || u.Scheme != "https" || u.Host == "" || len(notes) > maxNotes {
		return fmt.Errorf("%w: the notes have to be at an https address", ErrMalformed)
	}
	return nil
}

// described matches what `git describe` makes of a version that commits have
// followed: 1.2.1-14-g0abcdef, perhaps with -dirty.
var described = regexp.MustCompile(`(-[0-9]+-g[0-9a-f]+)?(-dirty)?$`)

// Newer reports whether version is later than running, the version that runs;
// known is false when running is no release nor built after one. A build
// after 1.2.1 lies behind it, where Semantic Versioning would have it before.
func Newer(version, running string) (newer, known bool) {
	base := described.ReplaceAllString(strings.TrimPrefix(running, "v"), "")
	if !isVersion(base) {
		return false, false
	}
	return semver.Compare("v"+version, "v"+base) > 0, true
}

// isVersion reports whether s is a version with all its three numbers.
func isVersion(s string) bool {
	core, _, _ := strings.Cut(s, "-")
	return semver.IsValid("v"+s) && strings.Count(core, ".") >= 2
}
