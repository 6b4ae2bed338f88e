// Package session makes and keeps encrypted sessions between two identities.
//
// It has two halves. The control half, Table, is a pure core: it shakes hands,
// delivers control messages in order, keeps sessions alive and ends them. The
// data half, Channel, seals and opens datagrams from any goroutine without
// asking the control half. A third part, TLS, does the cryptography of
// handshakes outside the core: Table asks it by events (Begin, Feed, Drop) and
// is told by Progress. StandIn takes its place in large simulations. Where UDP is
// blocked TLS makes a Stream, and may resume one (Tickets).
//
// # Handshake
//
// TLS 1.3 (RFC 8446) between both certificates, as RFC 9001 carries it: the
// bytes of two levels, Initial and Handshake, in frames of our own of at most
// wire.MaxInner bytes. Frames are lost, doubled and reordered on the way;
// bytes are acknowledged by level and sent again until they are. What TLS says
// is packed before it is framed (pack.go).
//
//	initiator                                    responder
//	Hello  ClientHello (2 frames)         -->
//	       <-- Answer  ServerHello, certificate, Finished (2 frames)
//	Hello  certificate, Finished (1 frame) -->
//	                                      <-- Answer  done
//
// A session is up at the responder when it has verified the initiator, and at
// the initiator when it hears so: whoever sees Up knows that both ends agree.
// Who calls a phone does not wait for that, a round trip: for it the session is up
// when it has verified whom it calls (TLS 1.3 lets it speak then, RFC 8446 section
// 2), and what it says comes right behind its last frame. The responder keeps that
// until it has verified the caller (Ahead).
//
// A Hello or Answer frame:
//
//	 1  0x20 Hello, 0x21 Answer
//	 3  To: the receiver's Index; 0 in a first flight
//	 3  From: the sender's Index
//	 8  Attempt, drawn by the initiator
//	 1  length of the cookie, 0 or 16
//	 n  cookie, only in a first flight
//	 2  Ack: Initial-level bytes received without a gap
//	 2  Offset of the Initial-level bytes in this frame
//	 2  their length
//	 n  Initial-level bytes
//	 n  nothing, or a sealed part; in a first flight, padding
//	16  MAC
//
// A sealed part is protected by the secrets of TLS's Handshake level (RFC 9001
// section 5 does the same); all bytes of the frame before it are additional
// data:
//
//	 2  number of this sealed part, never used twice
//	 1  Flags: 0x01 done, 0x02 refused
//	 2  Ack: Handshake-level bytes received without a gap
//	 2  Offset of the Handshake-level bytes
//	 n  Handshake-level bytes; with refused, one byte of Refusal
//	16  AEAD tag (ChaCha20-Poly1305)
//
// A Retry frame (0x22) has header, 16 bytes of cookie and MAC; a Refuse frame
// (0x23), for refusals before there are secrets, has header, one byte of
// Refusal and MAC.
//
// The MAC is HMAC-SHA-256, 16 bytes, of the frame before it, keyed by
// SHA-256("peerphone mac1" || whom the initiator dials): a device, a node, or
// the network where the node is not known. Whoever does not know whom to ask
// for gets no answer. The key also says which certificates the responder
// shows, so nobody sees a name who asks for a node.
//
// # Control
//
// A control segment (wire.PayloadControl) carries one message:
//
//	1  0x01
//	4  Sequence of the message, from 0
//	4  Next: sequence that the sender expects next (acknowledges all before)
//	n  message
//
// An acknowledgement (wire.PayloadAck), 12 bytes:
//
//	1  0x02
//	1  Flags: 0x01 asks for an answer, 0x02 answers
//	2  Token: drawn by who asks, repeated in the answer
//	4  Next
//	4  which of the 32 messages after Next have been received, lowest bit first
//
// A close (wire.PayloadClose) has one byte of Refusal.
//
// Unknown trailing bytes are refused everywhere: a newer protocol uses another
// first byte.
package session
