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
//	1  0x01 challenge, 0x02 response, 0x03 move: a challenge by whose way the
//	   sender sends everything from now on; 0x04 response and challenge in one
//	8  token, drawn by who asks; a response repeats it
//	8  0x04: token of the challenge; else zeros, so that all are of one size:
//	   what is answered with a challenge is no shorter than that
//
// Anything longer or shorter is refused. A response counts only for the way
// that it came by. To an address that has not answered go no more bytes than
// came from there (credit).
//
// # Direct ways
//
// All candidates of the peer are challenged at once, by each uplink. Between
// phones every way that answers is kept and checked, four at most: one in use,
// the others to go on by. The side that opened the session chooses, IPv6 before
// IPv4, then the shortest round trip, and says so by a move. A frame from a new
// source, or a move, nominates that source: frames go there too until it has
// answered a challenge, then only there. A way that has not answered for five
// seconds is left.
//
// A symmetric NAT has a random port for each destination. Its phone opens many
// sockets and sends once from each, the other phone sends to random ports, a
// hundred a second at most, until two meet (spray). It does so from further
// sockets, lest a router that answers strangers gives its main one another port.
//
// A router that answers strangers gives a host another port once it has answered
// the peer; when no direct way is found, both ends try again from a further
// socket (Fresh).
//
// # STUN
//
// AnswerSTUN answers Binding requests (RFC 8489), PrefixLimiter says how often.
//
// # The way to the outside
//
// Survey asks two supernodes at once at which address they see us: one round
// trip later the mapping is known. When they disagree a third decides whether
// the NAT is symmetric, or one of the two an exception. To know who gets in by it, it asks a home to
// have us called (wire.CallBack): the home itself from another port, and a
// supernode that we have not sent to. A call is a STUN Binding indication of 20
// bytes, so that it is no larger than what caused it, and goes to the address
// alone at which the home sees us. Silence for a second means no. Reacher is
// the supernode's half; its callers also attest that they have reached a node,
// which is what it needs to serve others.
//
// Lifetime finds out how long we are let in after the last packet that went out:
// a spare socket asks a supernode to answer after 20 to 125 seconds, and keeps
// silent until then. Later is the supernode's half; its two answers are no more
// bytes than the question.
package path
