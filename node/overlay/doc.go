// Package overlay knows which supernodes exist and to which of them this node
// is attached.
//
// A phone keeps attachments to a few home supernodes and a host cache of
// supernodes that it could turn to instead. A supernode admits attachments,
// joins every other supernode that it hears of, and passes on whom it has met
// and whom it has seen die. One Overlay plays either part, or both.
//
// The Overlay opens no session: it asks node for a Dial and is told Up or
// Failed. What it hears about supernodes is hearsay until a session has proved
// it: hearsay is dialled, but neither passed on nor counted among the live.
package overlay
