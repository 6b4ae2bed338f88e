package update

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aead.dev/minisign"
)

// shop is an HTTPS server on loopback that has a release.
type shop struct {
	*httptest.Server
	maker

	mu       sync.Mutex
	asked    []*http.Request
	document string
	answer   http.HandlerFunc // in the place of what a shop should answer; nil: none
}

func openShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{maker: newMaker(t), document: good}
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r)
	http.SetCookie(w, &http.Cookie{Name: "who", Value: "you"})
	switch {
	case s.answer != nil:
		s.answer(w, r)
	case r.URL.Path == "/newest":
		io.WriteString(w, s.document)
	case r.URL.Path == "/newest.minisig":
		w.Write(s.sign(s.document))
	default:
		http.NotFound(w, r)
	}
}

// requests returns what it has been asked, oldest first.
func (s *shop) requests() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// customer returns a phone that asks the shop.
func (s *shop) customer(t *testing.T) *Checker {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	c, err := New(Config{
		Address: s.URL + "/newest", Keys: []minisign.PublicKey{s.public}, Roots: roots,
		File: filepath.Join(t.TempDir(), "release.json"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCheck(t *testing.T) {
	s := openShop(t)
	c := s.customer(t)
	for i, want := range []string{"/newest?installed", "/newest"} {
		r := c.Check(t.Context(), today)
		if r.Err != nil || r.Release.Version != "1.3.0" {
			t.Fatalf("got %+v", r)
		}
		asked := s.requests()[2*i:]
		if len(asked) != 2 || asked[0].URL.String() != want || asked[1].URL.String() != "/newest.minisig" {
			t.Errorf("asked for %v, want %s and its signature", asked, want)
		}
		wantAnonymous(t, asked)
	}
}

// wantAnonymous: two phones ask with the very same bytes.
func wantAnonymous(t *testing.T, asked []*http.Request) {
	t.Helper()
	for i, r := range asked {
		if len(r.Header) != 1 || r.UserAgent() != "peerphone" {
			t.Errorf("the request says more than it must: %v", r.Header)
		}
		if r.TLS.DidResume && i == 0 {
			t.Error("a TLS session was resumed: the phone is known again by it")
		}
	}
}

func TestCheckHostile(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"an error", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusTeapot) }, "answers 418"},
		{"an endless body", func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i < 100; i++ {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		}, "larger than 64 kB"},
		{"a body that breaks off", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, "{")
		}, "unexpected EOF"},
		{"an endless header", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 1<<20))
		}, "update: "},
		{"a way out of HTTPS", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:9/newest", http.StatusFound)
		}, "has to be https"},
		{"a circle", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, "leads on more than 3 times"},
		{"one answer for all", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, good) }, "not signed"},
		{"a compressed bomb", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write([]byte{0x1f, 0x8b})
		}, "not signed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openShop(t)
			s.answer = c.answer
			if r := s.customer(t).Check(t.Context(), today); r.Err == nil || !strings.Contains(r.Err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", r.Err, c.want)
			}
		})
	}
}

func TestCheckCertificate(t *testing.T) {
	s := openShop(t)
	c := s.customer(t)
	c.cfg.Roots = x509.NewCertPool() // nobody vouches for the shop
	if r := c.Check(t.Context(), today); r.Err == nil {
		t.Error("a shop that nobody vouches for was believed")
	}
	if len(s.requests()) > 0 {
		t.Error("it was told something")
	}
}

func TestCheckSilence(t *testing.T) {
	s := openShop(t)
	ctx, stop := context.WithCancel(t.Context())
	s.answer = func(w http.ResponseWriter, r *http.Request) {
		stop() // as the time limit would
		<-r.Context().Done()
	}
	if r := s.customer(t).Check(ctx, today); !errors.Is(r.Err, context.Canceled) {
		t.Errorf("got %v", r.Err)
	}
}

// TestCheckBack: who holds back a release, or goes back behind one, is found out.
func TestCheckBack(t *testing.T) {
	s := openShop(t)
	c := s.customer(t)
	if r := c.Check(t.Context(), today); r.Err != nil {
		t.Fatal(r.Err)
	}
	s.document = strings.Replace(good, "1.3.0", "1.2.9", 1)
	if r := c.Check(t.Context(), today); !errors.Is(r.Err, ErrOlder) {
		t.Errorf("1.2.9 after 1.3.0: got %v, want ErrOlder", r.Err)
	}
	s.document = good
	if r := c.Check(t.Context(), today.AddDate(0, 1, 0)); !errors.Is(r.Err, ErrExpired) {
		t.Errorf("the same a month later: got %v, want ErrExpired", r.Err)
	}
}

// TestCheckCounted: an installation is counted once, also when its first check
// fails half way or its memory is damaged.
func TestCheckCounted(t *testing.T) {
	s := openShop(t)
	c := s.customer(t)
	s.answer = func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".minisig") {
			http.NotFound(w, r)
		}
	}
	c.Check(t.Context(), today)
	if err := os.WriteFile(c.cfg.File, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.answer = nil
	c.Check(t.Context(), today)
	counted := 0
	for _, r := range s.requests() {
		if r.URL.RawQuery != "" {
			counted++
		}
	}
	if counted != 1 || len(s.requests()) != 4 {
		t.Errorf("counted %d times in %d requests", counted, len(s.requests()))
	}
}

func TestNew(t *testing.T) {
	key := []minisign.PublicKey{newMaker(t).public}
	for _, address := range []string{"", "http://phones.example/newest", "phones.example", "https://", "https://me:secret@phones.example/", "file:///etc/passwd"} {
		if _, err := New(Config{Address: address, Keys: key}); !errors.Is(err, ErrAddress) {
			t.Errorf("%q: got %v, want ErrAddress", address, err)
		}
	}
	if _, err := New(Config{Address: "https://phones.example/newest"}); err == nil {
		t.Error("a Checker without a key was made")
	}
}

// TestRunUnwanted: an owner who does not want it is not asked about.
func TestRunUnwanted(t *testing.T) {
	s := openShop(t)
	c := s.customer(t)
	wants := make(chan bool)
	told := make(chan Result)
	c.cfg.Wanted, c.cfg.Told = func() bool { return <-wants }, func(r Result) { told <- r }
	ctx, stop := context.WithCancel(t.Context())
	wake, ended := make(chan struct{}, 1), make(chan struct{})
	go func() { c.Run(ctx, wake); close(ended) }() // owner: this test
	wake <- struct{}{}
	wants <- false
	wake <- struct{}{}
	wants <- true // it has come round, so the first time is over
	if len(s.requests()) != 0 {
		t.Error("it asked although the owner does not want it")
	}
	select {
	case <-told:
	case <-time.After(time.Minute):
		t.Error("it did not ask although the owner wants it")
	}
	stop()
	<-ended
}
