package identity

import (
	"crypto/sha512"
	"fmt"
	"strings"
)

// safetyRounds makes a search for an account key with a look-alike number
// dear: 5,200 hashes a try, as Signal has it.
const safetyRounds = 5200

// SafetyNumber returns the 60 digits, in 12 groups of five, that two account
// keys have in common. Both ends compute the same, whoever called.
func SafetyNumber(a, b ID) string {
	if b.Less(a) {
		a, b = b, a
	}
	return fingerprint(a) + " " + fingerprint(b)
}

// fingerprint returns 30 digits of id in six groups.
func fingerprint(id ID) string {
	h := sha512.Sum512(append([]byte("peerphone safety number"), id[:]...))
	for range safetyRounds - 1 {
		h = sha512.Sum512(append(h[:], id[:]...))
	}
	groups := make([]string, 6)
	for i := range groups {
		var n uint64
		for _, c := range h[i*5 : i*5+5] {
			n = n<<8 | uint64(c)
		}
		groups[i] = fmt.Sprintf("%05d", n%100000)
	}
	return strings.Join(groups, " ")
}
