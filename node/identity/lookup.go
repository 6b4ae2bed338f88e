package identity

import (
	"crypto/hkdf"
	"crypto/sha256"
)

// IndexKey is where a record lives in the global index. It is blinded: only
// who knows (or guesses) the name or number can compute it.
type IndexKey [32]byte

func (k IndexKey) String() string { return shortEncoding.EncodeToString(k[:10]) }

// Lookup is what a name or number gives its seeker: where the record lives
// and the key that opens its inner part.
type Lookup struct {
	Index IndexKey
	Seal  [32]byte
}

// LookupNumber returns the place of number's record in network n.
func (n Network) LookupNumber(number Number) Lookup { return n.lookup("number", string(number)) }

// LookupName returns the place of name's record in network n.
func (n Network) LookupName(name Name) Lookup { return n.lookup("name", string(name)) }

func (n Network) lookup(kind, text string) Lookup {
	secret, err := hkdf.Extract(sha256.New, []byte(text), n[:])
	if err != nil {
		panic("identity: hkdf extract: " + err.Error())
	}
	return Lookup{
		Index: IndexKey(expand(secret, "peerphone index "+kind)),
		Seal:  expand(secret, "peerphone seal "+kind),
	}
}

func expand(secret []byte, info string) [32]byte {
	b, err := hkdf.Expand(sha256.New, secret, info, 32)
	if err != nil {
		panic("identity: hkdf refuses 32 bytes: " + err.Error())
	}
	return [32]byte(b)
}
