// Package directory is the global index: it leads from a number or a name to
// an account, its devices and their homes.
//
// A phone (Client) publishes two records, one under its number and one under
// its name, and finds those of others; it talks to its homes, and to other
// supernodes only when those find nothing (ownwalk.go). A supernode
// (Index) stores the records whose keys it is near to, and acts for the phones
// that are attached to it: it asks up to 16 supernodes nearest to a key, first
// four, then eight more, then the rest.
//
// What a record is made of is in wire.Record: a placement signed by the login
// server says whose record may lie at a key; the record key signs the rest;
// the inner part is sealed with XChaCha20-Poly1305 to who knows the number or
// name, the index key being the additional data:
//
//	24  nonce
//	 n  wire.Listing, sealed
//	16  tag
//
// Under the words of display names lie entries (wire.Entry), of which a supernode
// keeps many at one key (shelf.go, browse.go, inquiry.go).
//
// One valid record beats any number of denials. Absent is only said when no
// supernode asked has the record and three quarters of them deny it; anything
// less is Unsure.
package directory
