package login

import (
	"crypto/sha256"
	"fmt"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// maxNames is how many display names an account may have in the life of a
// placement: so it holds a place at sixteen words at most, and floods none.
const maxNames = 4

// WordKey returns the key that signs the account's entry at the key of a word. All
// phones of an account have the same; nobody else can tell that two of them belong
// together.
func WordKey(account identity.Key, index identity.IndexKey) identity.Key {
	return account.Derive(fmt.Sprintf("record word %x", index[:]))
}

// words signs where the account's entries may lie, until end, if its display name
// has not changed too often.
func (s *Server) words(a asker, account Account, end time.Time) []wire.WordPlacement {
	if a.wish.Display == "" || account.Display != a.wish.Display {
		return nil
	}
	card := wire.Card{Display: account.Display, Name: account.Name}
	if a.wish.Listed {
		card.Number = account.Number
	}
	var out []wire.WordPlacement
	for i, word := range identity.Words(account.Display) {
		p := wire.WordPlacement{
			Index: s.cfg.Network.LookupWord(word).Index, RecordKey: a.wish.Words[i], Card: card.Hash(), NotAfter: end.Unix(),
		}
		p.Holder = s.holder(account.Key, p.Index)
		p.Signature = s.cfg.Issuing.Sign(wire.WordPlacementMessage(p))
		out = append(out, p)
	}
	return out
}

// holder tells the accounts at one key apart. The hash of a signature that nobody
// but us can make is as good as a random function.
func (s *Server) holder(account identity.ID, index identity.IndexKey) wire.Holder {
	h := sha256.Sum256(s.cfg.Issuing.Sign(append(append([]byte("peerphone holder\x00"), account[:]...), index[:]...)))
	return wire.Holder(h[:16])
}

// named reports whether the account has this display name, or none is asked for.
func (a Account) named(display string) bool { return display == "" || display == a.Display }

// rename gives the account another display name, unless it has had too many lately.
func (a *Account) rename(display string, now time.Time) {
	if a.named(display) {
		return
	}
	var lately []int64
	for _, t := range a.Renamed {
		if now.Sub(time.Unix(t, 0)) < identity.NameValidity {
			lately = append(lately, t)
		}
	}
	if len(lately) < maxNames-1 {
		a.Display, lately = display, append(lately, now.Unix())
	}
	a.Renamed = lately
}
