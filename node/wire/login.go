package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"peerphone/node/identity"
)

// Messages between a phone and the login server, in a TLS 1.3 stream: each is
// preceded by its length in two bytes and is at most MaxLogin bytes long.
const (
	kindRegister Kind = 0x40
	kindLogin    Kind = 0x41
	kindRenew    Kind = 0x42
	kindGranted  Kind = 0x43
	kindDenied   Kind = 0x44
	kindRevoke   Kind = 0x45
)

// MaxLogin is the largest message to the login server, in bytes; MaxGranted the
// largest from it: one with the longest revocation list.
const (
	MaxLogin   = 8192
	MaxGranted = MaxLogin + identity.MaxRevocationBytes
)

func isLogin(k Kind) bool { return k >= kindRegister && k <= kindRevoke }

// Wish is what a phone asks the login server to sign.
type Wish struct {
	Account identity.ID    `cbor:"1,keyasint"`
	Device  []byte         `cbor:"2,keyasint"` // device certificate, DER
	Node    identity.ID    `cbor:"3,keyasint"` // node key of this epoch, as the phone's clock has it
	Records [2]identity.ID `cbor:"4,keyasint"` // record keys for the number and the name
	Proof   []byte         `cbor:"5,keyasint"` // the account key's signature over WishMessage
	Next    identity.ID    `cbor:"6,keyasint"` // node key of the next epoch

	// Who wants to be found by the words of its display name says it here, with the
	// record keys of its words, in the order of identity.Words. Listed: the number
	// may be told as well.
	Display string        `cbor:"7,keyasint,omitempty"`
	Listed  bool          `cbor:"8,keyasint,omitempty"`
	Words   []identity.ID `cbor:"9,keyasint,omitempty"`
}

// WishMessage returns the bytes that the account key signs: the wish and the
// exporter value of this very TLS connection, so that no proof serves twice.
func WishMessage(w Wish, binding []byte) []byte {
	w.Proof = nil
	return append(append([]byte("peerphone wish\x00"), binding...), must(encoding.Marshal(w))...)
}

// Register asks for a new account.
type Register struct {
	Name     identity.Name   `cbor:"1,keyasint"`
	Number   identity.Number `cbor:"2,keyasint"`
	Display  string          `cbor:"3,keyasint"` // at most 64 bytes
	Password string          `cbor:"4,keyasint"` // 8 to 128 bytes
	Wish     Wish            `cbor:"5,keyasint"`
}

// Login asks for certificates with the password.
type Login struct {
	Name     identity.Name `cbor:"1,keyasint"`
	Password string        `cbor:"2,keyasint"`
	Wish     Wish          `cbor:"3,keyasint"`
}

// Renew asks for certificates with the account key's signature alone.
type Renew struct {
	Name identity.Name `cbor:"1,keyasint"`
	Wish Wish          `cbor:"2,keyasint"`
}

// Revoke asks, with the account key's signature, that another phone of the account
// be believed no more. It is answered like a Renew.
type Revoke struct {
	Name   identity.Name `cbor:"1,keyasint"`
	Wish   Wish          `cbor:"2,keyasint"`
	Device identity.ID   `cbor:"3,keyasint"` // whose certificates are revoked
}

// Granted is the login server's word.
type Granted struct {
	Name       []byte       `cbor:"1,keyasint"` // name certificate, DER
	Node       []byte       `cbor:"2,keyasint"` // node certificate for this epoch, DER
	Placements [2]Placement `cbor:"3,keyasint"` // for the number and the name
	Params     []byte       `cbor:"4,keyasint"` // network parameters, signed by the root
	Time       int64        `cbor:"5,keyasint"` // Unix seconds, for boards without a clock
	Next       []byte       `cbor:"6,keyasint"` // node certificate for the next epoch, DER: the server may be away when it begins

	// Words are for the words that were wished for, in their order; nothing when the
	// display name has changed too often.
	Words []WordPlacement `cbor:"7,keyasint,omitempty"`
	// Revoked is the revocation list, as identity.Revocations.Sign writes it; nothing
	// when nothing is revoked.
	Revoked []byte `cbor:"8,keyasint,omitempty"`
	// Devices are the phones of the account.
	Devices []identity.ID `cbor:"9,keyasint,omitempty"`
}

// A DenyCode says why the login server refuses.
type DenyCode uint8

// The refusals; each is another thing to do for the owner.
const (
	DenyPassword    DenyCode = 1  // wrong password
	DenyUnknown     DenyCode = 2  // no account has this name
	DenyNameTaken   DenyCode = 3  // another account has it
	DenyNumberTaken DenyCode = 4  // another account has it
	DenyMalformed   DenyCode = 5  // the request breaks a rule; Text says which
	DenyKey         DenyCode = 6  // the account is bound to another account key: restore its backup
	DenyExpired     DenyCode = 7  // the device certificate has expired
	DenyForeign     DenyCode = 8  // the device certificate is not the account key's
	DenyBusy        DenyCode = 9  // come back after After seconds
	DenyClosed      DenyCode = 10 // registration is closed in this network
	DenyDevices     DenyCode = 11 // the account has its eight devices
	DenyInternal    DenyCode = 12
	DenyRevoked     DenyCode = 13 // this phone, or its account, has been revoked
)

// Denied refuses a request.
type Denied struct {
	Code  DenyCode `cbor:"1,keyasint"`
	Text  string   `cbor:"2,keyasint"` // for the owner, English, at most 200 bytes
	After uint16   `cbor:"3,keyasint"` // seconds, with DenyBusy
}

func (Register) Kind() Kind { return kindRegister }
func (Login) Kind() Kind    { return kindLogin }
func (Renew) Kind() Kind    { return kindRenew }
func (Granted) Kind() Kind  { return kindGranted }
func (Denied) Kind() Kind   { return kindDenied }
func (Revoke) Kind() Kind   { return kindRevoke }

var errField = errors.New("a field is too long or too short")

func (w Wish) check() error {
	if len(w.Proof) != 64 || len(w.Device) > 1024 {
		return errField
	}
	if identity.CheckDisplay(w.Display) != nil || len(w.Words) != len(identity.Words(w.Display)) {
		return errField
	}
	return nil
}

func (g Granted) check() error {
	if len(g.Words) > identity.MaxWords || len(g.Devices) > maxDevices || len(g.Revoked) > identity.MaxRevocationBytes {
		return errField
	}
	for _, w := range g.Words {
		if len(w.Signature) != signatureSize {
			return errField
		}
	}
	return nil
}

// checkName refuses what is no name or has capitals: one account has one name.
func checkName(n identity.Name) error {
	folded, err := identity.ParseName(string(n))
	if err == nil && folded != n {
		err = identity.ErrBadName
	}
	return err
}

func (r Register) check() error {
	if len(r.Display) > 64 || len(r.Password) < 8 || len(r.Password) > 128 {
		return errField
	}
	if err := checkName(r.Name); err != nil {
		return err
	}
	if _, err := identity.ParseNumber(string(r.Number)); err != nil {
		return err
	}
	return r.Wish.check()
}

func (l Login) check() error {
	if len(l.Password) > 128 {
		return errField
	}
	if err := checkName(l.Name); err != nil {
		return err
	}
	return l.Wish.check()
}

func (r Renew) check() error {
	if err := checkName(r.Name); err != nil {
		return err
	}
	return r.Wish.check()
}

func (r Revoke) check() error {
	if r.Device.IsZero() {
		return errField
	}
	return Renew{Name: r.Name, Wish: r.Wish}.check()
}

func (d Denied) check() error {
	if d.Code < DenyPassword || d.Code > DenyRevoked || len(d.Text) > 200 {
		return errField
	}
	return nil
}

// ParseLogin reads one message of the login protocol.
func ParseLogin(b []byte) (Message, error) {
	switch {
	case len(b) > MaxGranted, len(b) > MaxLogin && Kind(b[0]) != kindGranted:
		return nil, ErrTooLong
	case len(b) == 0 || !isLogin(Kind(b[0])):
		return nil, ErrUnknown
	}
	return parse(b)
}

// WriteLogin writes m with its length.
func WriteLogin(w io.Writer, m Message) error {
	body := Append(make([]byte, 2, 1024), m)
	if len(body)-2 > MaxGranted {
		return ErrTooLong
	}
	binary.BigEndian.PutUint16(body, uint16(len(body)-2))
	if _, err := w.Write(body); err != nil {
		return fmt.Errorf("wire: %w", err)
	}
	return nil
}

// ReadLogin reads one message of at most limit bytes that WriteLogin wrote.
func ReadLogin(r io.Reader, limit int) (Message, error) {
	var length [2]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	n := int(binary.BigEndian.Uint16(length[:]))
	if n > limit {
		return nil, ErrTooLong
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	return ParseLogin(body)
}
