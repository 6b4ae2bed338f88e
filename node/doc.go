// Package node is the phone without its hardware: it owns the cores, the one
// loop that drives them, and the sockets.
//
// Core is the control plane: all cores and the routing between them, without
// input or output. Node runs a Core on a UDP socket and real hardware.
//
// # Glossary
//
// The same word means the same thing in code, pages and documents.
//
//	account     a person's or household's identity: a name, a number, an account key
//	device      one phone of an account, with its device key
//	node        a device as supernodes know it: a node key, no name
//	supernode   a node that serves others: homes, index, lanes, later relays
//	home        a supernode that a phone is attached to; a phone has three
//	host cache  the supernodes that a node remembers, on disk
//	record      a signed, sealed entry of the global index: where an account's devices are
//	listing     the inner part of a record
//	session     an encrypted connection between two identities; wire.Index names it
//	channel     a session's keys, as the data plane uses them
//	lane        the introduction lane: first frames to a phone through its home
//	candidate   an address at which a phone may be reached directly
//	way, path   how the frames of a session travel now
//	contact     somebody whose account key this phone has pinned
//	strip, leg  one call's sound, from microphone to packets and from packets to speaker
//	face        what the telephone shows and sounds: display, lamps, ringer, tone
package node
