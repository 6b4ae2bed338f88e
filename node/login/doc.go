// Package login gives a phone its account: a unique name and number, and the
// certificates that the network's login server signs for it. It holds the
// phone's half (Client, a core), the server's half (Server), what carries a
// question between them (Exchange) and the Store that the server keeps its
// accounts in.
//
// # Protocol
//
// One TLS 1.3 connection carries one request and one reply:
//
//	TLS    ALPN "peerphone-login/1"; the server shows a self-signed certificate
//	       whose Ed25519 key is the one in the invitation, the phone shows none
//	 2     length of the request, big endian, at most wire.MaxLogin
//	 n     wire.Register, wire.Login or wire.Renew
//	 2     length of the reply
//	 n     wire.Granted or wire.Denied
//
// Every request holds a wire.Wish: the keys to be certified and a proof, which
// is the account key's signature over the wish and 32 bytes that this TLS
// connection exports (RFC 8446 section 7.5, label "EXPORTER-peerphone-login").
// So a proof serves one connection, and no server can use it at another.
//
// Register and Login show the password, Renew only the proof. Register of an
// account that exists is a Login when key, number and password are the same,
// so a phone whose reply was lost asks again.
package login

import "peerphone/node/identity"

// ALPN is the application protocol of the login server (RFC 7301).
const ALPN = "peerphone-login/1"

// exporterLabel and exporterSize make the bytes that bind a proof to its
// connection.
const (
	exporterLabel = "EXPORTER-peerphone-login"
	exporterSize  = 32
)

// RecordKeys returns the keys that sign the account's two records in the
// global index: by number and by name. All phones of an account have the same.
func RecordKeys(account identity.Key) [2]identity.Key {
	return [2]identity.Key{account.Derive("record number"), account.Derive("record name")}
}

// recordIDs returns their public halves.
func recordIDs(account identity.Key) [2]identity.ID {
	keys := RecordKeys(account)
	return [2]identity.ID{keys[0].ID(), keys[1].ID()}
}
