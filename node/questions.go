package node

import (
	"bytes"
	"net/netip"
	"time"

	"peerphone/node/identity"
	"peerphone/node/overlay"
	"peerphone/node/path"
	"peerphone/node/wire"
)

// questionLimits bound the questions of others: a supernode of a large network
// asks a few in a second; in a storm, for all its guests, some hundred.
var questionLimits = path.LimiterConfig{Rate: 200, Burst: 800, AllRate: 10000}

// Question takes a question, or an answer to one of ours, that came from an
// address outside of any session.
func (c *Core) Question(now time.Time, from netip.AddrPort, b []byte) {
	q, ok := wire.ParseQuestion(b)
	switch {
	case !ok:
		return
	case q.Answer:
		c.near.over = q.Topic != wire.TopicPing
		c.questionAnswered(now, from, q)
	case c.index != nil && c.questions.Allow(now, from.Addr()):
		c.near.over = q.Topic != wire.TopicPing
		c.answerQuestion(now, from, q, len(b))
	}
	c.settleNear(now)
}

func (c *Core) questionAnswered(now time.Time, from netip.AddrPort, q wire.Question) {
	switch q.Topic {
	case wire.TopicPing:
		var load uint8
		if len(q.Body) > 0 {
			load = q.Body[0]
		}
		c.overlay.Pong(now, from, q.Nonce, load)
		return
	case wire.TopicPresence:
		c.presenceAnswered(now, from, q)
		return
	case wire.TopicLater:
		c.outside.lifetime.Heard(now, from, q)
		return
	}
	m, err := wire.Parse(q.Body)
	if err == nil && !c.client.Reply(now, from, q.Nonce, m) && c.index != nil {
		c.index.Reply(now, from, q.Nonce, m)
	}
}

// answerQuestion answers with no more bytes than were asked with: who sends
// questions in another's name gains nothing.
func (c *Core) answerQuestion(now time.Time, from netip.AddrPort, q wire.Question, size int) {
	if q.Topic == wire.TopicLater {
		c.outside.later.Asked(now, from, q, size)
		return
	}
	answer := wire.Question{Answer: true, Topic: q.Topic, Nonce: q.Nonce}
	if self := c.nodeID(); q.Topic == wire.TopicPing && len(q.Body) > 0 && !bytes.Equal(q.Body, self[:wire.PingBody]) {
		return // whoever is meant is not here any more
	}
	if q.Topic == wire.TopicPing && len(q.Body) > 0 {
		answer.Body = []byte{c.overlay.Load()}
	}
	if q.Topic == wire.TopicPresence {
		reply := c.answerPresence(now, from, q.Body)
		if reply == nil {
			return
		}
		answer.Body = reply.Body
	}
	if q.Topic == wire.TopicIndex {
		m, err := wire.Parse(q.Body)
		if err != nil {
			return
		}
		reply := c.index.Answer(now, q.Nonce, m, c.overlay.NearestPlaces)
		if reply == nil {
			return
		}
		answer.Body = wire.Append(nil, reply)
	}
	if b := wire.AppendQuestion(nil, answer, 0); len(b) <= size {
		c.do(SendUDP{Addr: from, Frame: b})
	}
}

// ping asks whether a supernode is there.
func (c *Core) ping(now time.Time, e overlay.Ping) {
	to := c.addrOf(e.Member)
	c.outside.survey.Contact(now, to.Addr())
	q := wire.Question{Topic: wire.TopicPing, Nonce: e.Nonce}
	if !e.Member.Node.IsZero() {
		q.Body = e.Member.Node[:wire.PingBody]
	}
	c.do(SendUDP{Addr: to, Frame: wire.AppendQuestion(nil, q, 0)})
}

// question asks a supernode on behalf of the index. A Find, Seek, Who, Browse or
// Fetch has room for the longest answer.
func (c *Core) question(now time.Time, to wire.Member, nonce uint64, m wire.Message) {
	size := 0
	switch m := m.(type) {
	case wire.Find, wire.Browse, wire.Fetch:
		size = wire.MaxQuestion
	case wire.Seek:
		if size = wire.MaxQuestion; m.Only {
			size = wire.OnlySeek
		}
	case wire.Who:
		size = introductionQuestion
	}
	b := wire.AppendQuestion(nil, wire.Question{Topic: wire.TopicIndex, Nonce: nonce, Body: wire.Append(nil, m)}, size)
	if c.thrift.spare(now, len(b)+ipUDP) {
		c.do(SendUDP{Addr: c.addrOf(to), Frame: b})
	}
}

// introductionQuestion is the size of a question after a supernode, in bytes:
// there is room for an announcement.
const introductionQuestion = wire.QuestionHeader + wire.MaxNews + 8

// members is the overlay's membership, as the index needs it. The overlay is made
// later than what asks it.
type members struct{ c *Core }

func (m members) Knows(p wire.Place) bool          { return m.c.overlay.Knows(p) }
func (m members) Introduction(p wire.Place) []byte { return m.c.overlay.Introduction(p) }
func (m members) Fallen(now time.Time) bool        { return m.c.overlay.Fallen(now) }
func (m members) Unanswered(now time.Time, silent wire.Member) {
	m.c.overlay.Unanswered(now, silent)
}
func (m members) Meet(now time.Time, p wire.Place, news []byte) bool {
	return m.c.overlay.Meet(now, p, news)
}

func (m members) Partial() bool { return m.c.overlay.Partial() }
func (m members) Own() []byte   { return m.c.overlay.Own() }
func (m members) Toward(key identity.IndexKey, n int) []wire.Contact {
	return m.c.overlay.Toward(key, n)
}
func (m members) Proves(now time.Time, c wire.Contact, news []byte) (identity.ID, bool) {
	return m.c.overlay.Proves(now, c, news)
}
func (m members) Heard(now time.Time, c wire.Contact, news []byte) { m.c.overlay.Heard(now, c, news) }
func (m members) Propose(now time.Time, news []byte)               { m.c.overlay.Propose(now, news) }
func (m members) Closed(now time.Time, key identity.IndexKey, near []wire.Place) {
	m.c.overlay.Closed(now, key, near)
}

// checkerOf returns what verifies the compact certificates of supernodes.
func (c *Core) checkerOf(port func([]byte, identity.Trust, time.Time) error) func([]byte, time.Time) error {
	if port == nil {
		port = CheckNode
	}
	return func(compact []byte, now time.Time) error { return port(compact, c.granted.Trust, now) }
}

// CheckNode verifies the compact certificate of a supernode.
func CheckNode(compact []byte, trust identity.Trust, now time.Time) error {
	der, err := identity.ExpandNode(compact)
	if err == nil {
		_, err = trust.CheckNode([][]byte{der}, now)
	}
	return err
}
