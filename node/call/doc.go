// Package call holds the calls of a phone as a state machine: dial, search,
// connect, invite, ring, answer, talk, hang up.
//
// It is a pure core. Verbs of the handset, answers to its own requests,
// messages of the far phone and the time come in as methods; what must be done
// is taken from the outbox with Take. Signalling runs end to end in a session
// between the two phones, which keeps messages whole and in order or ends: a
// message is lost only together with its session.
//
// A phone has one call at a time; a second caller hears that it is busy. When
// two phones dial each other at once, they end up talking in one call.
package call
