// Package adapt lets a sender of sound follow the network: the receiver's Ear
// measures what arrives and reports it, the sender's Pilot chooses from that at
// what bit rate and in packets of what length to code, and how often to send
// everything.
//
// ear.go is the receiver. pilot.go takes the reports; bandwidth.go decides how
// many bytes a second may be sent, account.go keeps what is sent within that,
// losses.go remembers how packets are lost, and shape.go picks of all ways to
// spend those bytes the one that the E-model says is heard best.
//
// Both are plain structs: they are told the time, keep no more than a few
// hundred bytes, and neither lock nor allocate.
package adapt
