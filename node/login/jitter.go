package login

import (
	"encoding/binary"
	"io"
	"time"
)

// jitter draws a duration from 0 to span; without randomness it is span.
func jitter(rand io.Reader, span time.Duration) time.Duration {
	var b [8]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil || span <= 0 {
		return span
	}
	return time.Duration(binary.BigEndian.Uint64(b[:]) % uint64(span))
}
