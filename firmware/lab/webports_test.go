package main

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"peerphone/firmware/lab/natlab"
)

// TestThePageAndPhonesShareTheWebPorts: on the real 443 and 80 of a supernode a
// browser gets the page, with TLS and without, and a phone behind a firewall that
// lets nothing else through is attached by the same ports.
func TestThePageAndPhonesShareTheWebPorts(t *testing.T) {
	needLab(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	town, err := openTown(ctx, townPlan{Dir: t.TempDir(), Supernodes: 1, Lab: lab(t).Path}, newSteps(io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	defer town.close()
	s := town.supernodes[0]
	if err := s.kill(); err != nil {
		t.Fatal(err)
	}
	s.page = "127.0.0.1:443" // without a password it is nowhere else
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	if err := s.ready(ctx); err != nil {
		t.Fatal(err)
	}
	site, err := town.lab.Site("office", natlab.WebOnly)
	if err != nil {
		t.Fatal(err)
	}
	host, err := site.Host("office")
	if err != nil {
		t.Fatal(err)
	}
	phone := town.settle("office", host)
	if err := town.start(ctx); err != nil {
		t.Fatal(err)
	}
	if v, err := phone.now(ctx); err != nil || len(v.Network.Homes) != 1 {
		t.Errorf("%d homes, %v; want the one that there is", len(v.Network.Homes), err)
	}
	browser := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DialContext:     func(ctx context.Context, _, addr string) (net.Conn, error) { return s.Host.Dial(ctx, "tcp4", addr) },
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true,
	}}
	for _, url := range []string{"https://127.0.0.1/", "http://127.0.0.1/", "http://127.0.0.1:443/", "https://127.0.0.1:80/"} {
		r, err := browser.Get(url)
		if err != nil {
			t.Errorf("the page at %s: %v", url, err)
			continue
		}
		if r.Body.Close(); r.StatusCode != http.StatusOK {
			t.Errorf("the page at %s: %s", url, r.Status)
		}
	}
}
