package update

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"time"

	"aead.dev/minisign"
	"github.com/google/renameio/v2"
	"golang.org/x/mod/semver"
)

const (
	// firstWait is how long after the start the first question is put at most: a
	// town whose power comes back shall not ask as one.
	firstWait = 10 * time.Second
	// A check that succeeded is repeated after a day, one that failed after an
	// hour, and up to a tenth of that later.
	dayWait  = 24 * time.Hour
	failWait = time.Hour
)

// Config makes a Checker.
type Config struct {
	Address string               // HTTPS
	Keys    []minisign.PublicKey // any of them may have signed; at least one
	File    string               // in which a Checker keeps what it remembers
	Roots   *x509.CertPool       // nil: the system's
	Wanted  func() bool          // the owner's word, asked before each check
	Told    func(Result)         // called with each result, by Run's goroutine
}

// Result is how a check ended. One of the two is set.
type Result struct {
	Release Release
	Err     error
}

// Checker asks for the newest release. The zero value is not usable.
type Checker struct{ cfg Config }

// New returns a Checker: ErrAddress, or an error that says what is missing.
func New(cfg Config) (*Checker, error) {
	u, err := url.Parse(cfg.Address)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("%w, not %.200q", ErrAddress, cfg.Address)
	}
	if len(cfg.Keys) == 0 {
		return nil, errors.New("update: without a public key no release can be believed")
	}
	return &Checker{cfg}, nil
}

// Run checks until ctx is done, as often as the owner wants it. wake, which may
// be nil, checks at once.
func (c *Checker) Run(ctx context.Context, wake <-chan struct{}) {
	wait := rand.N(firstWait)
	for {
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-wake:
			t.Stop()
		case <-t.C:
		}
		wait = dayWait + rand.N(dayWait/10)
		if !c.cfg.Wanted() {
			continue
		}
		r := c.Check(ctx, time.Now())
		if r.Err != nil {
			wait = failWait + rand.N(failWait/10)
		}
		if ctx.Err() == nil {
			c.cfg.Told(r)
		}
	}
}

// Check asks once.
func (c *Checker) Check(ctx context.Context, now time.Time) Result {
	ctx, stop := context.WithTimeout(ctx, fetchTime)
	defer stop()
	known, err := c.remembered()
	if err != nil {
		return Result{Err: err}
	}
	document, signature, err := c.ask(ctx, &known)
	if err != nil {
		return Result{Err: err}
	}
	r, err := ParseRelease(document, signature, c.cfg.Keys, now)
	switch {
	case err != nil:
		return Result{Err: err}
	case known.Newest != "" && semver.Compare("v"+r.Version, "v"+known.Newest) < 0:
		return Result{Err: fmt.Errorf("%w: %s after %s", ErrOlder, r.Version, known.Newest)}
	}
	known.Newest = r.Version
	if err := c.remember(known); err != nil {
		return Result{Err: err}
	}
	return Result{Release: r}
}

// ask fetches the document and its signature in one connection. It remembers
// the first answer at once, so that no phone is counted twice.
func (c *Checker) ask(ctx context.Context, known *memory) (document, signature []byte, err error) {
	client := newClient(c.cfg.Roots)
	defer client.CloseIdleConnections()
	at, err := url.Parse(c.cfg.Address)
	if err != nil {
		return nil, nil, fmt.Errorf("update: %w", err)
	}
	beside := *at
	beside.Path += ".minisig"
	if !known.Asked {
		at.RawQuery = "installed"
	}
	if document, err = fetch(ctx, client, at.String()); err != nil {
		return nil, nil, err
	}
	if !known.Asked {
		known.Asked = true
		if err := c.remember(*known); err != nil {
			return nil, nil, err
		}
	}
	signature, err = fetch(ctx, client, beside.String())
	return document, signature, err
}

// memory is what a Checker remembers across starts.
type memory struct {
	Asked  bool   `json:"asked"`            // the address has answered once
	Newest string `json:"newest,omitempty"` // the newest version ever shown: nobody may go back behind it
}

// remembered reads the memory; a damaged one counts as that of a phone that has
// asked before, for nobody is to be counted twice.
func (c *Checker) remembered() (m memory, err error) {
	b, err := os.ReadFile(c.cfg.File)
	if errors.Is(err, fs.ErrNotExist) {
		return memory{}, nil
	}
	if err != nil {
		return memory{}, fmt.Errorf("update: %w", err)
	}
	if json.Unmarshal(b, &m) != nil || m.Newest != "" && !isVersion(m.Newest) {
		return memory{Asked: true}, nil
	}
	return m, nil
}

func (c *Checker) remember(m memory) error {
	b, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("update: %w", err)
	}
	if err := renameio.WriteFile(c.cfg.File, b, 0o600); err != nil {
		return fmt.Errorf("update: %w", err)
	}
	return nil
}
