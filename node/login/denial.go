package login

import (
	"errors"
	"fmt"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// The refusals of a login server, each another thing to do for the owner.
var (
	ErrPassword    = errors.New("login: wrong password")
	ErrUnknown     = errors.New("login: no account has this name")
	ErrNameTaken   = errors.New("login: another account has this name")
	ErrNumberTaken = errors.New("login: another account has this number")
	ErrMalformed   = errors.New("login: the request breaks a rule")
	ErrKey         = errors.New("login: the account has another account key")
	ErrExpired     = errors.New("login: the device certificate has expired")
	ErrForeign     = errors.New("login: the device certificate is not the account's")
	ErrBusy        = errors.New("login: the login server is busy")
	ErrClosed      = errors.New("login: registration is closed")
	ErrDevices     = errors.New("login: the account has all its devices")
	ErrRevoked     = errors.New("login: this phone or its account has been revoked")
	ErrInternal    = errors.New("login: the login server has failed")
)

var denials = map[wire.DenyCode]error{
	wire.DenyPassword: ErrPassword, wire.DenyUnknown: ErrUnknown,
	wire.DenyNameTaken: ErrNameTaken, wire.DenyNumberTaken: ErrNumberTaken,
	wire.DenyMalformed: ErrMalformed, wire.DenyKey: ErrKey,
	wire.DenyExpired: ErrExpired, wire.DenyForeign: ErrForeign,
	wire.DenyBusy: ErrBusy, wire.DenyClosed: ErrClosed,
	wire.DenyDevices: ErrDevices, wire.DenyInternal: ErrInternal,
	wire.DenyRevoked: ErrRevoked,
}

// Denial is a wire.Denied as an error. errors.Is finds the sentinel of its
// code in it.
type Denial struct{ wire.Denied }

func (d Denial) Error() string { return fmt.Sprintf("%v: %s", d.Unwrap(), d.Text) }

// Unwrap returns the sentinel error of the code.
func (d Denial) Unwrap() error {
	if err, ok := denials[d.Code]; ok {
		return err
	}
	return ErrInternal
}

// deny returns a denial without the owner's sentence, which the server adds
// when it knows the name.
func deny(code wire.DenyCode) Denial { return Denial{wire.Denied{Code: code}} }

// malformed returns a denial that says which rule the request breaks.
func malformed(format string, args ...any) Denial {
	return Denial{wire.Denied{Code: wire.DenyMalformed, Text: fmt.Sprintf(format, args...)}}
}

// busy returns a denial that says when to come back; the sender jitters after.
func busy(after time.Duration) Denial {
	s := min(max((after+time.Second-1)/time.Second, 1), 3600)
	return Denial{wire.Denied{Code: wire.DenyBusy, After: uint16(s)}}
}

// Sentence tells the owner of a phone, in two short sentences, what the login
// server's refusal means and what to do about it.
func Sentence(d wire.Denied, name identity.Name, number identity.Number) string {
	switch d.Code {
	case wire.DenyPassword:
		return fmt.Sprintf("The password is not that of the account %q. Enter it again; capital letters matter.", name)
	case wire.DenyUnknown:
		return fmt.Sprintf("This network has no account %q. Check the name, or register it as a new account.", name)
	case wire.DenyNameTaken:
		return fmt.Sprintf("The name %q belongs to another account. Choose another name.", name)
	case wire.DenyNumberTaken:
		return fmt.Sprintf("The number %s belongs to another account. Choose another number.", number)
	case wire.DenyKey:
		return fmt.Sprintf("The account %q was made with another account key. Restore the backup of that key on this phone.", name)
	case wire.DenyExpired:
		return "This phone's device certificate has expired. Check the phone's clock, then add this phone to the account again."
	case wire.DenyForeign:
		return "This phone's device certificate is not signed by the account's key. Add this phone to the account again."
	case wire.DenyBusy:
		return fmt.Sprintf("The login server is busy, or there were too many wrong passwords. The phone asks again in %d s.", d.After)
	case wire.DenyClosed:
		return "This network takes no new accounts now. Ask its operator to let you register."
	case wire.DenyDevices:
		return fmt.Sprintf("The account %q already has eight phones. Remove one of them first.", name)
	case wire.DenyRevoked:
		return "Another phone of this account has revoked this one, or the operator has closed the account. Register a new account to go on."
	case wire.DenyMalformed:
		return fmt.Sprintf("The login server does not accept the request: %s.", d.Text)
	}
	return "The login server has failed. The phone asks again by itself; tell the network's operator if it goes on."
}
