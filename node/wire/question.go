package wire

import "encoding/binary"

// A Question is a datagram of one supernode to another outside of any session,
// or the answer to one. Nothing in it is secret, and what an answer says proves
// itself: a record carries its signatures, a denial is signed. So one round trip
// is enough, where a session would need two before the first word.
//
//	1  0x30 question, 0x31 answer
//	1  Topic
//	8  Nonce, drawn by the asker and repeated in the answer
//	2  length of Body
//	n  Body
//	n  padding, zeros
//
// An answer is never longer than its question: who expects a long one pads what
// it asks.
type Question struct {
	Answer bool
	Topic  Topic
	Nonce  uint64
	Body   []byte // at most MaxQuestion - QuestionHeader bytes
}

// A Topic says what a question is about.
type Topic uint8

// The topics.
const (
	TopicPing     Topic = 1 // package overlay: is anybody there? The first eight bytes of the key of whom we mean, or nothing: whoever it is; answered by one byte: how near it is to what it can take, 255 is full; without a body to a question without one
	TopicPresence Topic = 3 // package directory: a Look, answered by a Seen; or a Seen, answered without a body
	TopicIndex    Topic = 2 // package directory: a Find, Seek or Publish; answered by a Found, Guide or Stored
	TopicLater    Topic = 4 // package path: seconds, two bytes; answered by the same at once, and by 0 after them
)

// First bytes of questions and answers.
const (
	questionByte byte = 0x30
	answerByte   byte = 0x31
)

const (
	// QuestionHeader is the size of a question without its body, in bytes.
	QuestionHeader = 1 + 1 + 8 + 2
	// PingBody is the size of a ping's body that says whom it means, in bytes.
	PingBody = 8
	// MaxQuestion is the size of the longest question or answer, in bytes: a
	// Publish or Found with the longest record.
	MaxQuestion = QuestionHeader + 1 + MaxRecord + 40
)

// AppendQuestion appends q, padded to at least size bytes.
func AppendQuestion(dst []byte, q Question, size int) []byte {
	first := questionByte
	if q.Answer {
		first = answerByte
	}
	from := len(dst)
	dst = binary.BigEndian.AppendUint64(append(dst, first, byte(q.Topic)), q.Nonce)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(q.Body)))
	dst = append(dst, q.Body...)
	if n := len(dst) - from; n < size {
		dst = append(dst, make([]byte, size-n)...)
	}
	return dst
}

// ParseQuestion reads a question or an answer; Body points into b.
func ParseQuestion(b []byte) (q Question, ok bool) {
	if len(b) < QuestionHeader || len(b) > MaxQuestion || KindOf(b) != QuestionFrame {
		return Question{}, false
	}
	n := QuestionHeader + int(binary.BigEndian.Uint16(b[10:]))
	if n > len(b) {
		return Question{}, false
	}
	q = Question{Answer: b[0] == answerByte, Topic: Topic(b[1]), Nonce: binary.BigEndian.Uint64(b[2:]), Body: b[QuestionHeader:n:n]}
	return q, q.Topic == TopicPing && (len(q.Body) == 0 || len(q.Body) == PingBody && !q.Answer || len(q.Body) == 1 && q.Answer) || q.Topic == TopicIndex || q.Topic == TopicPresence ||
		q.Topic == TopicLater && len(q.Body) == 2
}
