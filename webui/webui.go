package webui

import (
	"context"
	"log/slog"
	"net/http"

	"peerphone/node"
)

// Node is what the page needs of the node.
type Node interface {
	Snapshot() node.Snapshot
	// Watch returns a channel that receives after each change; several may be
	// told as one. It may be closed when the node ends. stop ends the watch.
	Watch() (changed <-chan struct{}, stop func())
}

// Appliance is what the page needs of the telephone's hardware.
type Appliance interface {
	Press(key byte) error   // presses and releases one of 0 to 9, * and #
	Hook(lifted bool) error // lifts the receiver or puts it back
}

// Owner is what the page needs of the node to do the owner's will.
type Owner interface {
	Configure(ctx context.Context, change func(*node.Settings)) error
	// Inquire looks for people by the words of their names, InquireMore brings more
	// of them; whom they have found the snapshot tells, and CallFound and AddFound
	// take by name.
	Inquire(ctx context.Context, words string) error
	InquireMore(ctx context.Context) error
	CallFound(ctx context.Context, name string) error
	AddFound(ctx context.Context, name string) error
	// LookUp looks for whoever has a number or a name.
	LookUp(ctx context.Context, who string) (node.LookView, error)
	// RevokePhone lets nobody believe another phone of the account any more.
	RevokePhone(ctx context.Context, id string) error
	// Hold puts the current call on hold, or takes it back.
	Hold(ctx context.Context, on bool) error
}

// Config is what a page is made of.
type Config struct {
	Node      Node
	Appliance Appliance // nil: no telephone here; its keys cannot be pressed
	Owner     Owner     // nil: nothing can be set
	// Hosts are the names and addresses by which the page may be called. An
	// entry without a port holds for every port. Empty: loopback only.
	Hosts []string
	Log   *slog.Logger // nil: no log
}

// UI is the page's handler.
type UI struct {
	// Constant after construction.
	node      Node
	appliance Appliance
	owner     Owner
	hosts     []host
	log       *slog.Logger
	handler   http.Handler
	assets    map[string]asset
	page      template

	streams chan struct{} // holds one token for each open stream
	closed  context.Context
	close   context.CancelFunc
}

// New returns the page of one telephone.
func New(cfg Config) *UI {
	u := &UI{
		node:      cfg.Node,
		appliance: cfg.Appliance,
		owner:     cfg.Owner,
		hosts:     parseHosts(cfg.Hosts),
		log:       cfg.Log,
		assets:    loadAssets(),
		streams:   make(chan struct{}, maxStreams),
	}
	if u.log == nil {
		u.log = slog.New(slog.DiscardHandler)
	}
	u.page = parseTemplate(loadPage())
	u.closed, u.close = context.WithCancel(context.Background())
	u.handler = u.guard(u.routes())
	return u
}

// ServeHTTP answers one request.
func (u *UI) ServeHTTP(w http.ResponseWriter, r *http.Request) { u.handler.ServeHTTP(w, r) }

// Close ends the open streams, which http.Server.Shutdown would wait for, and
// refuses new ones.
func (u *UI) Close() error {
	u.close()
	return nil
}

// routes returns the handler behind the guard.
func (u *UI) routes() http.Handler {
	mux := http.NewServeMux()
	route := func(method, path string, h http.HandlerFunc) {
		mux.HandleFunc(method+" "+path, h)
		mux.HandleFunc(path, refuseMethod(method))
	}
	route(http.MethodGet, "/{$}", u.servePage)
	route(http.MethodGet, "/assets/{name}", u.serveAsset)
	route(http.MethodGet, "/page/state", u.serveParts)
	route(http.MethodGet, "/page/events", u.streamParts)
	route(http.MethodGet, "/api/v1/state", u.serveState)
	route(http.MethodGet, "/api/v1/events", u.streamState)
	route(http.MethodPost, "/api/v1/key", u.pressKey)
	route(http.MethodPost, "/api/v1/hook", u.moveHook)
	route(http.MethodPost, "/api/v1/hold", u.holdCall)
	route(http.MethodPost, "/api/v1/settings", u.setSwitches)
	route(http.MethodPost, "/api/v1/search", u.searchWords)
	route(http.MethodPost, "/api/v1/look", u.lookUp)
	route(http.MethodPost, "/api/v1/found", u.useFound)
	route(http.MethodPost, "/api/v1/revoke", u.revokePhone)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, r, http.StatusNotFound, "There is nothing at "+r.URL.Path+". The page is at /, the interface for programs below /api/v1/.")
	})
	return mux
}
