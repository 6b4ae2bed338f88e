package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"peerphone/firmware/update"
	"peerphone/node"
)

// releaseAddress and releaseKeys are set by the linker in builds whose maker
// publishes releases: an HTTPS address, and minisign public keys with spaces in
// between.
var releaseAddress, releaseKeys string

// ReleaseConfig says where to ask for the newest release.
type ReleaseConfig struct {
	Check   bool     `toml:"check"`   // false: nobody is ever asked, whatever the page says
	Address string   `toml:"address"` // HTTPS; "": as built in, if anything is
	Keys    []string `toml:"keys"`    // minisign public keys, of which one has signed; none: as built in
	CAFile  string   `toml:"ca_file"` // PEM of whom to trust at that address; "": as the system does
}

func (r ReleaseConfig) check() error {
	if r.Address == "" && (len(r.Keys) > 0 || r.CAFile != "") {
		return fmt.Errorf("release: keys and ca_file are for an address of your own; give release.address")
	}
	if r.Address != "" {
		keys, err := update.ParseKeys(r.Keys)
		if err == nil {
			_, err = update.New(update.Config{Address: r.Address, Keys: keys})
		}
		if err != nil {
			return fmt.Errorf("release: %s", strings.TrimPrefix(err.Error(), "update: "))
		}
	}
	return nil
}

// builtIn completes r with what was built in.
func (r ReleaseConfig) builtIn() ReleaseConfig {
	if r.Address == "" {
		r.Address, r.Keys = releaseAddress, strings.Fields(releaseKeys)
	}
	return r
}

// openChecker returns what asks for the newest release; nil: nobody is to be
// asked.
func (r runCommand) openChecker(c Config, n *node.Node, log *slog.Logger) (*update.Checker, error) {
	release := c.Release.builtIn()
	if !release.Check || release.Address == "" {
		return nil, nil
	}
	keys, err := update.ParseKeys(release.Keys)
	if err != nil {
		return nil, errConfig{err}
	}
	roots, err := c.roots(release.CAFile)
	if err != nil {
		return nil, errConfig{err}
	}
	checker, err := update.New(update.Config{
		Address: release.Address, Keys: keys, Roots: roots, File: filepath.Join(r.State, "release.json"),
		Wanted: func() bool { return n.Snapshot().Settings.CheckReleases },
		Told:   func(found update.Result) { tellRelease(n, found, log) },
	})
	if err != nil {
		return nil, errConfig{err}
	}
	n.SetRelease(node.ReleaseView{State: node.ReleaseWaiting})
	return checker, nil
}

// roots reads whom to trust; nil: whom the system does.
func (c Config) roots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(c.file(file))
	if err != nil {
		return nil, fmt.Errorf("release.ca_file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("release.ca_file: %s holds no certificate in PEM", file)
	}
	return pool, nil
}

// checkReleases runs the checker until ctx is done. The owner who turns it on
// is answered at once.
func checkReleases(ctx context.Context, c *update.Checker, n *node.Node) {
	changed, stop := n.Watch()
	defer stop()
	wake := make(chan struct{}, 1)
	go c.Run(ctx, wake) // owner: ctx
	wanted := n.Snapshot().Settings.CheckReleases
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
		before := wanted
		if wanted = n.Snapshot().Settings.CheckReleases; wanted && !before {
			select {
			case wake <- struct{}{}:
			default:
			}
		}
	}
}

// tellRelease shows how a check ended.
func tellRelease(n *node.Node, found update.Result, log *slog.Logger) {
	v := node.ReleaseView{
		Newest: found.Release.Version, Notes: found.Release.Notes, Asked: time.Now(),
	}
	switch newer, known := update.Newer(found.Release.Version, version); {
	case found.Err != nil:
		v.State, v.Problem = node.ReleaseFailed, strings.TrimPrefix(found.Err.Error(), "update: ")
		log.Warn("newest release", "error", found.Err)
	case !known:
		v.State = node.ReleaseOther
	case newer:
		v.State = node.ReleaseNewer
		log.Info("newest release", "newest", v.Newest, "running", version)
	default:
		v.State = node.ReleaseCurrent
	}
	n.SetRelease(v)
}
