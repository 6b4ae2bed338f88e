package path

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"peerphone/node/wire"
)

const (
	// maxLater bounds the answers that are owed, MaxLaterWait how late one may
	// be.
	maxLater     = 1024
	MaxLaterWait = 5 * time.Minute
)

// Later is the supernode's half of finding out how long a NAT remembers us: it
// answers a question at once, and once more after as long as the asker wishes.
// The question is as long as both answers together, with their headers. The zero
// value is ready for use.
type Later struct {
	owed []owedAnswer // the earliest first; at most maxLater
	out  []Event
}

// owedAnswer is the second answer to a question.
type owedAnswer struct {
	at    time.Time
	to    netip.AddrPort
	nonce uint64
}

// laterSize is how long a question is: two answers and one more header of IPv6
// and UDP, so that they are not more than it.
const laterSize = 2*(wire.QuestionHeader+laterBody) + 40 + 8

// laterBody is the length of the body of a question and of an answer: how many
// seconds later the second answer comes, 0 in that itself.
const laterBody = 2

// appendLater appends a question, or an answer to one.
func appendLater(dst []byte, answer bool, nonce uint64, wait time.Duration) []byte {
	body := binary.BigEndian.AppendUint16(nil, uint16(wait/time.Second))
	q := wire.Question{Answer: answer, Topic: wire.TopicLater, Nonce: nonce, Body: body}
	if answer {
		return wire.AppendQuestion(dst, q, 0)
	}
	return wire.AppendQuestion(dst, q, laterSize)
}

// parseLater returns the wait of a question or an answer.
func parseLater(q wire.Question) (wait time.Duration, ok bool) {
	if q.Topic != wire.TopicLater || len(q.Body) != laterBody {
		return 0, false
	}
	wait = time.Duration(binary.BigEndian.Uint16(q.Body)) * time.Second
	return wait, wait <= MaxLaterWait
}

// Take returns what has been asked since the last Take, oldest first: UDP.
func (l *Later) Take() []Event {
	out := l.out
	l.out = nil
	return out
}

// Asked takes a question of a number of bytes. One that is repeated begins its
// wait anew; when too many answers are owed the second is left out.
func (l *Later) Asked(now time.Time, from netip.AddrPort, q wire.Question, size int) {
	wait, ok := parseLater(q)
	if !ok || size < laterSize {
		return
	}
	l.out = append(l.out, UDP{Addr: from, Frame: appendLater(nil, true, q.Nonce, wait)})
	l.owed = slices.DeleteFunc(l.owed, func(o owedAnswer) bool { return o.to == from && o.nonce == q.Nonce })
	if wait == 0 || len(l.owed) == maxLater {
		return
	}
	at := now.Add(wait)
	i, _ := slices.BinarySearchFunc(l.owed, at, func(o owedAnswer, at time.Time) int { return o.at.Compare(at) })
	l.owed = slices.Insert(l.owed, i, owedAnswer{at, from, q.Nonce})
}

// Next returns when Advance wants to be called; zero: never.
func (l *Later) Next() time.Time {
	if len(l.owed) == 0 {
		return time.Time{}
	}
	return l.owed[0].at
}

// Advance gives the answers that are due.
func (l *Later) Advance(now time.Time) {
	for len(l.owed) > 0 && !l.owed[0].at.After(now) {
		o := l.owed[0]
		l.owed = slices.Delete(l.owed, 0, 1)
		l.out = append(l.out, UDP{Addr: o.to, Frame: appendLater(nil, true, o.nonce, 0)})
	}
}
