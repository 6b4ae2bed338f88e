package update

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	// fetchTime bounds a check with all its requests.
	fetchTime = 20 * time.Second
	// maxHeaders bounds the header of an answer, in bytes.
	maxHeaders = 16 << 10
	// maxRedirects is how often an address may lead on to another.
	maxRedirects = 3
	// agent is all that we say of ourselves.
	agent = "peerphone"
)

// ErrAddress is wrapped when the address leads to something that is not HTTPS.
var ErrAddress = errors.New("update: the address has to be https")

// newClient returns a client for one check: it keeps no cookies, and no TLS
// session by which a later check would be known as the same phone's. roots nil:
// the system's.
func newClient(roots *x509.CertPool) *http.Client {
	return &http.Client{
		Timeout: fetchTime,
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			DisableCompression:     true, // 64 kB are 64 kB
			MaxResponseHeaderBytes: maxHeaders,
			ForceAttemptHTTP2:      true,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			r.Header.Del("Referer")
			switch {
			case r.URL.Scheme != "https":
				return fmt.Errorf("%w: it leads to %.200s", ErrAddress, r.URL)
			case len(via) > maxRedirects:
				return fmt.Errorf("update: the address leads on more than %d times", maxRedirects)
			}
			return nil
		},
	}
}

// fetch returns what is at address: at most maxDocument bytes.
func fetch(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("update: %w", err)
	}
	r.Header.Set("User-Agent", agent)
	answer, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("update: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("update: the server answers %d %s", answer.StatusCode, http.StatusText(answer.StatusCode))
	}
	b, err := io.ReadAll(io.LimitReader(answer.Body, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("update: %w", err)
	}
	if len(b) > maxDocument {
		return nil, fmt.Errorf("%w: it is larger than %d kB", ErrMalformed, maxDocument>>10)
	}
	return b, nil
}
