// Package contacts holds whom a phone knows: a bounded list of contacts, each
// pinned to an account key, and the log of its calls.
//
// A contact without a key is pinned to the first key that proves its number
// (trust on first use). From then on another key is an error, ErrKeyChanged,
// until the owner accepts it with Repin; it is never taken silently.
//
// It is a pure core: node saves what Append writes when Changed is taken.
package contacts
