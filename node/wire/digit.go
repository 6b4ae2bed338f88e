package wire

import (
	"errors"
	"strings"
)

const kindDigit Kind = 0x37

// Digit is a key that was pressed during a call: the far phone sounds its tone
// (ITU-T Q.23). It travels as a message, for a tone that a codec has coded, and
// packets have lost parts of, is not always known again.
type Digit struct {
	Call CallID `cbor:"1,keyasint"`
	Key  uint8  `cbor:"2,keyasint"` // one of "0123456789*#"
}

// Kind implements Message.
func (Digit) Kind() Kind { return kindDigit }

var errKey = errors.New("a telephone has no such key")

func (d Digit) check() error {
	if strings.IndexByte("0123456789*#", d.Key) < 0 {
		return errKey
	}
	return nil
}
