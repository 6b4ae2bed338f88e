package wire

import (
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// Kind is the first byte of a message. Numbers are never used again for
// another message.
type Kind uint8

// Message is one of the message structs of this package.
type Message interface{ Kind() Kind }

// Errors of Parse.
var (
	ErrTooLong   = errors.New("wire: message too long")
	ErrUnknown   = errors.New("wire: unknown kind of message")
	ErrMalformed = errors.New("wire: malformed message")
)

// Append appends the message m to dst. It panics when m is larger than
// MaxMessage: that is our own bug, for every field of ours is bounded.
func Append(dst []byte, m Message) []byte {
	body, err := encoding.Marshal(m)
	if err != nil {
		panic("wire: " + err.Error())
	}
	if len(body)+1 > MaxMessage && !isLogin(m.Kind()) {
		panic(fmt.Sprintf("wire: a %T of %d bytes", m, len(body)+1))
	}
	return append(append(dst, byte(m.Kind())), body...)
}

// Parse reads one message. It accepts exactly what Append writes.
func Parse(b []byte) (Message, error) {
	if len(b) > MaxMessage {
		return nil, ErrTooLong
	}
	if len(b) == 0 || isLogin(Kind(b[0])) {
		return nil, ErrUnknown
	}
	return parse(b)
}

func parse(b []byte) (Message, error) {
	read, ok := readers[Kind(b[0])]
	if !ok {
		return nil, fmt.Errorf("%w 0x%02x", ErrUnknown, b[0])
	}
	return read(b[1:])
}

// checker is implemented by messages whose fields have rules beyond CBOR's.
type checker interface{ check() error }

// reader returns the parser of message type M.
func reader[M Message]() func([]byte) (Message, error) {
	return func(b []byte) (Message, error) {
		var m M
		if err := decoding.Unmarshal(b, &m); err != nil {
			return nil, fmt.Errorf("%w: %T: %v", ErrMalformed, m, err)
		}
		if c, ok := any(m).(checker); ok {
			if err := c.check(); err != nil {
				return nil, fmt.Errorf("%w: %T: %v", ErrMalformed, m, err)
			}
		}
		if again, err := encoding.Marshal(m); err != nil || string(again) != string(b) {
			return nil, fmt.Errorf("%w: %T is not deterministic CBOR", ErrMalformed, m)
		}
		return m, nil
	}
}

var readers = map[Kind]func([]byte) (Message, error){
	kindAttach: reader[Attach](), kindAttached: reader[Attached](), kindRefused: reader[Refused](),
	kindMembers: reader[Members](), kindDetach: reader[Detach](),
	kindJoin: reader[Join](), kindGossip: reader[Gossip](), kindDigest: reader[Digest](), kindRoll: reader[Roll](),
	kindPublish: reader[Publish](), kindStored: reader[Stored](), kindFind: reader[Find](), kindHave: reader[Have](), kindAnswerFind: reader[Found](),
	kindWho: reader[Who](), kindIntroduced: reader[Introduced](), kindSeek: reader[Seek](), kindGuide: reader[Guide](),
	kindRevoked: reader[Revoked](), kindRevokedAsk: reader[RevokedAsk](), kindRevokedPart: reader[RevokedPart](), kindRevoke: reader[Revoke](),
	kindLend:   reader[Lend](),
	kindShelve: reader[Shelve](), kindBrowse: reader[Browse](), kindShelf: reader[Shelf](), kindFetch: reader[Fetch](), kindEntries: reader[Entries](),
	kindInvite: reader[Invite](), kindRinging: reader[Ringing](), kindAccept: reader[Accept](),
	kindReject: reader[Reject](), kindBye: reader[Bye](), kindCandidates: reader[Candidates](),
	kindAcquaint: reader[Acquaint](), kindAppear: reader[Appear](), kindWatch: reader[Watch](), kindLook: reader[Look](), kindSeen: reader[Seen](), kindLooked: reader[Looked](),
	kindDigit: reader[Digit](), kindHold: reader[Hold](), kindAfresh: reader[Afresh](), kindLine: reader[Line](),
	kindRelays: reader[Relays](), kindRelayOpen: reader[RelayOpen](), kindRelayOpened: reader[RelayOpened](),
	kindRelayRefused: reader[RelayRefused](), kindRelayClosed: reader[RelayClosed](), kindRelayReady: reader[RelayReady](),
	kindCallBack: reader[CallBack](), kindCalling: reader[Calling](), kindCallOut: reader[CallOut](),
	kindReached: reader[Reached](), kindAttested: reader[Attested](),
	kindRegister: reader[Register](), kindLogin: reader[Login](), kindRenew: reader[Renew](),
	kindGranted: reader[Granted](), kindDenied: reader[Denied](),
}

var encoding = must(cbor.CoreDetEncOptions().EncMode())

var decoding = must(cbor.DecOptions{
	DupMapKey:         cbor.DupMapKeyEnforcedAPF,
	IndefLength:       cbor.IndefLengthForbidden,
	TagsMd:            cbor.TagsForbidden,
	MaxNestedLevels:   6,
	MaxArrayElements:  64,
	MaxMapPairs:       24,
	ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
	UTF8:              cbor.UTF8RejectInvalid,
}.DecMode())

func must[T any](v T, err error) T {
	if err != nil {
		panic("wire: " + err.Error())
	}
	return v
}
