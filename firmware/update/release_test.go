package update

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"aead.dev/minisign"
)

// maker signs releases.
type maker struct {
	public  minisign.PublicKey
	private minisign.PrivateKey
}

func newMaker(t testing.TB) maker {
	t.Helper()
	public, private, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return maker{public, private}
}

func (m maker) sign(document string) []byte { return minisign.Sign(m.private, []byte(document)) }

var today = time.Date(2027, 1, 15, 12, 0, 0, 0, time.UTC)

const good = `{"version": "1.3.0", "expires": "2027-02-01T00:00:00Z", "notes": "https://phones.example/1.3.0", "images": []}`

func TestParseRelease(t *testing.T) {
	m, stranger := newMaker(t), newMaker(t)
	for _, c := range []struct {
		name, document string
		signature      []byte
		want           error
	}{
		{"good", good, m.sign(good), nil},
		{"unsigned", good, nil, ErrSignature},
		{"a stranger's", good, stranger.sign(good), ErrSignature},
		{"another document's", good, m.sign(good + " "), ErrSignature},
		{"one bit changed", strings.Replace(good, "1.3.0", "1.3.1", 1), m.sign(good), ErrSignature},
		{"expired", strings.Replace(good, "2027-02", "2027-01", 1), nil, ErrExpired},
		{"no expiry", `{"version":"1.3.0"}`, nil, ErrExpired},
		{"no version", `{"expires": "2027-02-01T00:00:00Z"}`, nil, ErrMalformed},
		{"half a version", strings.Replace(good, "1.3.0", "1.3", 1), nil, ErrMalformed},
		{"a version that is markup", strings.Replace(good, "1.3.0", "<b>", 1), nil, ErrMalformed},
		{"a long version", strings.Replace(good, "1.3.0", "1.3.0-"+strings.Repeat("a", 80), 1), nil, ErrMalformed},
		{"notes that are a script", strings.Replace(good, "https://", "javascript:", 1), nil, ErrMalformed},
		{"no JSON", "newest: 1.3.0", nil, ErrMalformed},
		{"nothing", "", nil, ErrMalformed},
	} {
		if c.signature == nil && c.want != ErrSignature {
			c.signature = m.sign(c.document)
		}
		r, err := ParseRelease([]byte(c.document), c.signature, []minisign.PublicKey{stranger.public, m.public}[1:], today)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if err == nil && (r.Version != "1.3.0" || r.Notes != "https://phones.example/1.3.0") {
			t.Errorf("%s: got %+v", c.name, r)
		}
	}
	if _, err := ParseRelease([]byte(good), m.sign(good), []minisign.PublicKey{stranger.public, m.public}, today); err != nil {
		t.Errorf("signed by the second of two keys: %v", err)
	}
}

func TestParseKeys(t *testing.T) {
	m := newMaker(t)
	keys, err := ParseKeys([]string{m.public.String() + "\n"})
	if err != nil || len(keys) != 1 || !keys[0].Equal(m.public) {
		t.Errorf("got %v, %v; want %v", keys, err, m.public)
	}
	if _, err := ParseKeys([]string{"RWQ"}); err == nil {
		t.Error("half a key was taken")
	}
}

func TestNewer(t *testing.T) {
	for _, c := range []struct {
		version, running string
		newer, known     bool
	}{
		{"1.3.0", "1.2.1", true, true},
		{"1.3.0", "v1.2.1", true, true},
		{"1.3.0", "1.3.0", false, true},
		{"1.3.0", "1.10.0", false, true},
		{"1.3.0", "1.3.0-rc.1", true, true},
		{"1.3.0-rc.2", "1.3.0-rc.1", true, true},
		{"1.2.1", "1.2.1-14-g0abcdef", false, true},
		{"1.2.2", "v1.2.1-14-g0abcdef-dirty", true, true},
		{"1.2.1", "1.2.1-dirty", false, true},
		{"1.3.0", "devel", false, false},
		{"1.3.0", "84e6487", false, false},
		{"1.3.0", "8446487-dirty", false, false},
		{"1.3.0", "", false, false},
	} {
		newer, known := Newer(c.version, c.running)
		if newer != c.newer || known != c.known {
			t.Errorf("is %s newer than %s? got %v, %v; want %v, %v", c.version, c.running, newer, known, c.newer, c.known)
		}
	}
}

func FuzzParseRelease(f *testing.F) {
	m := newMaker(f)
	f.Add([]byte(good), m.sign(good))
	f.Add([]byte("{}"), []byte("untrusted comment: x\n"))
	f.Fuzz(func(t *testing.T, document, signature []byte) {
		if _, err := ParseRelease(document, signature, []minisign.PublicKey{m.public}, today); err == nil && string(document) != good {
			t.Errorf("a document that nobody signed was believed: %q", document)
		}
		// What the makers sign may still be nonsense: it must not panic.
		if r, err := ParseRelease(document, minisign.Sign(m.private, document), []minisign.PublicKey{m.public}, today); err == nil && !isVersion(r.Version) {
			t.Errorf("got version %q", r.Version)
		}
	})
}
