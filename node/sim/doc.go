// Package sim runs the node's cores on a virtual clock and a seeded network.
//
// A World is an event heap ordered by time and sequence: nothing else decides
// what happens next, so the same seed gives the same run, packet for packet,
// and the same trace hash. Each Node in it is a node.Core, the very one that
// runs on sockets; what the core asks of the world is carried out here by a
// network with latency, jitter and loss, by session.StandIn in the place of
// TLS, and by a User in the place of hands and ears.
package sim
