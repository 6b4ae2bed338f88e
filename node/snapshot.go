package node

import (
	"time"

	"peerphone/node/call"
	"peerphone/node/media"
	"peerphone/node/path"
)

// Snapshot is everything that a page or a command line may know of a running
// node. It is a copy: nobody shares memory with the node through it.
type Snapshot struct {
	Version string        `json:"version"`
	Uptime  time.Duration `json:"uptime_ns"`
	Self    Self          `json:"self"`
	Login   Login         `json:"login"`
	Network NetworkView   `json:"network"`
	Face    FaceView      `json:"face"`
	Call    CallView      `json:"call"`
	Timing  Timing        `json:"timing"`
	Counts  Counts        `json:"counts"`

	Contacts []ContactView `json:"contacts"`
	Calls    []LoggedCall  `json:"calls"` // the last ones, the newest first
	Settings Settings      `json:"settings"`
	Inquiry  InquiryView   `json:"inquiry"`
	Phones   []PhoneView   `json:"phones"` // of our account
	Release  ReleaseView   `json:"release"`
}

// Self says who this node is.
type Self struct {
	Name   string `json:"name"`
	Number string `json:"number"`
	Node   string `json:"node"` // short ID, for logs
	Phone  bool   `json:"phone"`

	Display string `json:"display,omitempty"` // how the owner wants to be called
}

// Login is the state of the account.
type Login struct {
	State   string    `json:"state"`             // "none", "asking", "in", "refused", "waiting"
	Problem string    `json:"problem,omitempty"` // for the owner: what went wrong and what to do
	Expires time.Time `json:"expires,omitzero"`  // of the name certificate
}

// NetworkView is the node's place in the network.
type NetworkView struct {
	Listen    string   `json:"listen"` // UDP address of the socket
	Observed  string   `json:"observed,omitempty"`
	NAT       NATView  `json:"nat"`
	Homes     []string `json:"homes"`     // short IDs of the supernodes attached to
	Supernode bool     `json:"supernode"` // serves others
	Attached  int      `json:"attached"`  // phones attached here
	Members   int      `json:"members"`   // supernodes known
	Records   int      `json:"records"`   // of the global index held here
	Published int      `json:"published"` // copies of our own records

	Relay RelayView `json:"relay"` // of a supernode
}

// RelayView is what a supernode carries for others.
type RelayView struct {
	Pairs int             `json:"pairs"` // of phones, now
	Month path.RelayMonth `json:"month"`
	Cap   uint64          `json:"cap"`  // the owner's, in bytes a month; 0: none
	Rate  float64         `json:"rate"` // bytes a second each way, now
	Line  float64         `json:"line"` // that the line is trusted with
}

// NATView says how the network lets us out and others in, in words.
type NATView struct {
	Kind      string    `json:"kind"` // "open", "port-restricted", "symmetric", "UDP blocked" ...
	Mapping   string    `json:"mapping,omitempty"`
	Filtering string    `json:"filtering,omitempty"`
	Preserved string    `json:"preserved,omitempty"` // "yes", "no", "unknown"
	Hairpin   string    `json:"hairpin,omitempty"`
	UDP       string    `json:"udp,omitempty"`
	Delta     int       `json:"delta,omitempty"`      // from one port of a symmetric NAT to its next; 0: at random
	Lifetime  float64   `json:"lifetime_s,omitempty"` // seconds for which it stays open after a packet, at least; 0: not known
	Granted   string    `json:"granted,omitempty"`    // port of the router that leads here
	Seen      []string  `json:"seen,omitempty"`       // at which supernodes see us, IPv4 and IPv6
	Learnt    time.Time `json:"learnt,omitzero"`
}

// FaceView is what the telephone shows and sounds.
type FaceView struct {
	Lines   []string          `json:"lines"`
	Lamps   map[string]string `json:"lamps"` // lamp name -> "off", "on", "blink", "flash"
	Tone    string            `json:"tone"`
	Ringing bool              `json:"ringing"`
	Lifted  bool              `json:"lifted"`
}

// CallView is the current call, or the last one until the next.
type CallView struct {
	State    string         `json:"state"` // call.State's words; "idle" before the first call
	Incoming bool           `json:"incoming"`
	Peer     string         `json:"peer,omitempty"`
	Number   string         `json:"number,omitempty"`
	Reason   string         `json:"reason,omitempty"` // why it ended
	Safety   string         `json:"safety,omitempty"` // safety number of the two accounts
	Contact  bool           `json:"contact"`          // the peer's account key is pinned
	Codec    string         `json:"codec,omitempty"`
	Hold     string         `json:"hold,omitempty"`   // call.Hold's words; "": nobody holds it
	Path     string         `json:"path,omitempty"`   // "lane", "relay", "direct"
	Relays   []string       `json:"relays,omitempty"` // short IDs of the supernodes that relay it, or stand by to; the one in use first
	Since    time.Time      `json:"since,omitzero"`
	Media    media.Stats    `json:"media"`
	History  []media.Second `json:"history,omitempty"`
}

// HeldHere reports whether our user holds the call.
func (v CallView) HeldHere() bool {
	return v.Hold == call.HeldHere.String() || v.Hold == call.HeldBoth.String()
}

// Timing holds how long things took, in milliseconds; 0 until they happened.
type Timing struct {
	Attached float64 `json:"attached_ms"` // from the first packet until attached to the first home
	Login    float64 `json:"login_ms"`    // from the first packet until attached and published
	Search   float64 `json:"search_ms"`   // of the last search
	Setup    float64 `json:"setup_ms"`    // of the last call made: from the number sent until the far phone rang
	Direct   float64 `json:"direct_ms"`   // of the last call: from ringing until the direct path stood
}

// Counts are totals since the start.
type Counts struct {
	DatagramsIn  uint64 `json:"datagrams_in"`
	DatagramsOut uint64 `json:"datagrams_out"`
	BytesIn      uint64 `json:"bytes_in"` // IP and UDP headers included
	BytesOut     uint64 `json:"bytes_out"`
	Dropped      uint64 `json:"dropped"` // datagrams that nobody here understood
	Forged       uint64 `json:"forged"`
	Replayed     uint64 `json:"replayed"`
	QueueFull    uint64 `json:"queue_full"` // datagrams dropped because the control loop was behind
}
