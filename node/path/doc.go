// Package path decides how packets reach a peer: through an introduction lane
// at one of its homes at first, by a direct address once that has answered a
// challenge.
//
// # The introduction lane
//
// A caller knows the callee's homes from the directory, but no address of the
// callee. It sends its first frames in the session that it has with such a
// home (wire.Lane), and the home passes them on in the session in which the
// callee is attached. Lane payloads may be lost: every frame goes as LaneOpen
// until the lane has answered. Table is the phone's half, Introducer the
// home's. The two legs of an attempt have numbers of their own: a number that
// the caller drew has a clear top bit, one that the home drew has it set, so
// that a node that is phone and home at once tells them apart.
//
// # Path payloads
//
// In the session itself, wire.PayloadPath:
//
//	1  wire.PayloadPath
//	1  0x01 challenge, 0x02 response
//	8  token, drawn by who asks; a response repeats it
//
// Anything longer or shorter is refused. A response counts only for the
// address that it came from.
//
// # STUN
//
// AnswerSTUN answers Binding requests (RFC 8489), PrefixLimiter says how often.
//
// # The way to the outside
//
// Survey asks two supernodes at once at which address they see us: one round
// trip later the mapping is known. To know who gets in by it, it asks a home to
// have us called (wire.CallBack): the home itself from another port, and a
// supernode that we have not sent to. A call is a STUN Binding indication of 20
// bytes, so that it is no larger than what caused it, and goes to the address
// alone at which the home sees us. Silence for a second means no. Reacher is
// the supernode's half; its callers also attest that they have reached a node,
// which is what it needs to serve others.
package path
