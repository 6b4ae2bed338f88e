package wire

import "errors"

// Messages of presence: of a phone and its home in their session, and of two
// homes in Questions (TopicPresence).
const (
	kindAcquaint Kind = 0x38 // between two phones
	kindAppear   Kind = 0x70
	kindWatch    Kind = 0x71
	kindLook     Kind = 0x72
	kindSeen     Kind = 0x73
	kindLooked   Kind = 0x74
)

// Token is what a home knows somebody's watcher by: 16 bytes that look random,
// other ones for each watcher and each home. Who knows it may watch.
type Token [16]byte

// Acquaint gives a contact the key with which it may watch whether we can be
// reached. It goes end to end, in the session of a call.
type Acquaint struct {
	Key [32]byte `cbor:"1,keyasint"`
}

// Sighting is what a phone leaves at its home for one watcher.
type Sighting struct {
	Token Token  `cbor:"1,keyasint"`
	Blob  []byte `cbor:"2,keyasint,omitempty"` // sealed, for the watcher alone; none: it watches no more
}

// Appear tells a home what to show to whom while the session stands.
type Appear struct {
	Sightings []Sighting `cbor:"1,keyasint"` // 1 to MaxSightings
}

// Watch asks one's own home to watch what another's home shows at Tokens, or to
// stop. Seen follows for each, and again at each change.
type Watch struct {
	Home   Member  `cbor:"1,keyasint"`
	Tokens []Token `cbor:"2,keyasint"` // 1 to MaxTokens
	Stop   bool    `cbor:"3,keyasint,omitempty"`
}

// Look is a Question of a home to another: what do you show at Token, and tell me
// of each change for Stay seconds. A Seen answers.
type Look struct {
	Token Token  `cbor:"1,keyasint"`
	Stay  uint16 `cbor:"2,keyasint"`
}

// A SeenCode says what is known at a home.
type SeenCode uint8

// The codes.
const (
	SeenHere   SeenCode = 1 // the phone is attached there, and Blob is its word
	SeenAbsent SeenCode = 2 // it is not
	SeenSilent SeenCode = 3 // the home does not answer
	SeenFull   SeenCode = 4 // the home has no room for another watcher
)

// Seen answers Watch and Look, and tells changes.
type Seen struct {
	Token Token    `cbor:"1,keyasint"`
	Code  SeenCode `cbor:"2,keyasint"`
	Blob  []byte   `cbor:"3,keyasint,omitempty"` // with SeenHere
}

// Looked tells a phone that a home has begun to watch what is shown for it at
// Token: who watches there is on the air.
type Looked struct {
	Token Token `cbor:"1,keyasint"`
}

// Limits of these messages.
const (
	MaxSightings = 12 // so that they fit into one message with the longest blobs
	MaxTokens    = 32
	MaxBlob      = 56 // bytes
	MaxStay      = 1800
)

// Kind implements Message.
func (Acquaint) Kind() Kind { return kindAcquaint }

// Kind implements Message.
func (Appear) Kind() Kind { return kindAppear }

// Kind implements Message.
func (Watch) Kind() Kind { return kindWatch }

// Kind implements Message.
func (Look) Kind() Kind { return kindLook }

// Kind implements Message.
func (Seen) Kind() Kind { return kindSeen }

// Kind implements Message.
func (Looked) Kind() Kind { return kindLooked }

var errBlob = errors.New("bad length of blob")

func (a Acquaint) check() error {
	if a.Key == [32]byte{} {
		return errZero
	}
	return nil
}

func (a Appear) check() error {
	if len(a.Sightings) < 1 || len(a.Sightings) > MaxSightings {
		return errMany
	}
	for _, s := range a.Sightings {
		if len(s.Blob) > MaxBlob {
			return errBlob
		}
	}
	return nil
}

func (w Watch) check() error {
	if len(w.Tokens) < 1 || len(w.Tokens) > MaxTokens {
		return errMany
	}
	if w.Home.Node.IsZero() {
		return errZero
	}
	return checkMembers([]Member{w.Home})
}

func (l Look) check() error {
	if l.Stay > MaxStay {
		return errField
	}
	return nil
}

func (s Seen) check() error {
	if s.Code < SeenHere || s.Code > SeenFull {
		return errCode
	}
	if (s.Code == SeenHere) != (len(s.Blob) > 0) || len(s.Blob) > MaxBlob {
		return errBlob
	}
	return nil
}
