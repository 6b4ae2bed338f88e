package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"peerphone/node"
)

// TestHeartbeat: a page that has nothing to tell says so now and then, which
// is no state of the phone.
func TestHeartbeat(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "retry: 2000\n\nid: 1\nevent: state\ndata: {\"self\":{\"number\":\"1001\"}}\n\n")
		fmt.Fprint(w, ": heartbeat\nevent: beat\ndata: beat\n\nid: 2\nevent: state\ndata: {\"self\":{\"number\":\"1002\"}}\n\n")
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer page.Close()
	p := openPhone(context.Background(), "kitchen", page.URL, page.Client())
	defer p.close()
	if err := p.await(context.Background(), "tell its second state", func(s node.Snapshot) bool { return s.Self.Number == "1002" }); err != nil {
		t.Error(err)
	}
}
