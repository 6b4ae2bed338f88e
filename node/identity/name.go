package identity

import (
	"errors"
	"strings"
)

// Name is an account's unique name: 2 to 32 lower-case ASCII letters, digits,
// '.', '-' and '_', beginning with a letter.
type Name string

// Number is an account's unique dialable number: 4 to 10 digits.
type Number string

// Errors of ParseName and ParseNumber, worded for the phone's owner.
var (
	ErrBadName   = errors.New("identity: a name has 2 to 32 of a-z, 0-9, '.', '-' and '_', and begins with a letter")
	ErrBadNumber = errors.New("identity: a number has 4 to 10 digits")
)

// ParseName folds s to lower case and checks it.
func ParseName(s string) (Name, error) {
	s = strings.ToLower(s)
	if len(s) < 2 || len(s) > 32 || s[0] < 'a' || s[0] > 'z' {
		return "", ErrBadName
	}
	for _, c := range []byte(s) {
		if !isNameByte(c) {
			return "", ErrBadName
		}
	}
	return Name(s), nil
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_'
}

// ParseNumber checks s.
func ParseNumber(s string) (Number, error) {
	if len(s) < 4 || len(s) > 10 || strings.Trim(s, "0123456789") != "" {
		return "", ErrBadNumber
	}
	return Number(s), nil
}
