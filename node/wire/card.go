package wire

import (
	"crypto/sha256"
	"fmt"

	"peerphone/node/identity"
)

// Card is what the entries of an account say of it to who searches by words.
type Card struct {
	Display string          // not empty
	Name    identity.Name   // unique
	Number  identity.Number // "" when the owner keeps it out of the index
}

// MaxCard is the size of the longest card, in bytes.
const MaxCard = 3 + identity.MaxDisplay + 32 + 10

// AppendCard appends c: three texts, each after a byte with its length.
func AppendCard(dst []byte, c Card) []byte {
	for _, s := range []string{c.Display, string(c.Name), string(c.Number)} {
		dst = append(append(dst, byte(len(s))), s...)
	}
	return dst
}

// ParseCard reads exactly what AppendCard wrote.
func ParseCard(b []byte) (Card, error) {
	var texts [3]string
	for i := range texts {
		if len(b) == 0 || len(b) < 1+int(b[0]) {
			return Card{}, fmt.Errorf("%w: card: too short", ErrMalformed)
		}
		end := 1 + int(b[0]) // as a byte it would be 0 after 255
		texts[i], b = string(b[1:end]), b[end:]
	}
	c := Card{Display: texts[0], Name: identity.Name(texts[1]), Number: identity.Number(texts[2])}
	if len(b) > 0 {
		return Card{}, fmt.Errorf("%w: card: trailing bytes", ErrMalformed)
	}
	return c, c.check()
}

func (c Card) check() error {
	if err := identity.CheckDisplay(c.Display); err != nil || c.Display == "" {
		return fmt.Errorf("%w: card: no display name", ErrMalformed)
	}
	if err := checkName(c.Name); err != nil {
		return fmt.Errorf("%w: card: %v", ErrMalformed, err)
	}
	if c.Number == "" {
		return nil
	}
	if _, err := identity.ParseNumber(string(c.Number)); err != nil {
		return fmt.Errorf("%w: card: %v", ErrMalformed, err)
	}
	return nil
}

// Hash is what the login server signs of c.
func (c Card) Hash() [32]byte {
	return sha256.Sum256(append([]byte("peerphone card\x00"), AppendCard(nil, c)...))
}
