// Package portmap asks the router for a port that leads to ours: by PCP (RFC
// 6887), else by NAT-PMP (RFC 6886), which came before it, else by UPnP (the
// services WANIPConnection and WANPPPConnection of an Internet
// Gateway Device). So a phone behind a home router is reached directly, and can
// serve others.
//
// A Mapper holds one mapping of UDP and keeps it: it is leased for an hour,
// renewed at half of that, sought again when the network changes, and given
// back at the end. A router that grants nothing is asked again now and then. All
// of it blocks, so that it lives in a goroutine of its own (Run).
package portmap
