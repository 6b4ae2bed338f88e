// Package sim runs the node's cores on a virtual clock and a seeded network.
//
// A World is its nodes' events, ordered by time and by who has scheduled what:
// nothing else decides what happens next, so the same seed gives the same run,
// packet for packet, and the same trace hash, however many processors share it.
// Each Node in it is a node.Core, the very one that
// runs on sockets; what the core asks of the world is carried out here by a
// network with latency, jitter and loss, by session.StandIn in the place of
// TLS, identity.StandIn in the place of Ed25519, and by a User in the place of hands and ears.
package sim
