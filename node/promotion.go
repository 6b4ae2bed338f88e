package node

import "errors"

// Promotion is the owner's word on serving others as a supernode.
type Promotion uint8

// The words.
const (
	Never  Promotion = iota // a phone only
	Auto                    // when it is reachable and able, as overlay.Candidacy finds out
	Always                  // a supernode from the start
)

// ParsePromotion reads "never", "auto" or "always".
func ParsePromotion(s string) (Promotion, error) {
	switch s {
	case "never":
		return Never, nil
	case "auto":
		return Auto, nil
	case "always":
		return Always, nil
	}
	return Never, errors.New(`want "never", "auto" or "always"`)
}
