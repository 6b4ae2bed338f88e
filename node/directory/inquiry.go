package directory

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

const (
	// inquiryWait ends an inquiry: a home gives up after browseEnd.
	inquiryWait = 6 * time.Second
	// maxInquiries bounds the inquiries that are kept: the oldest is forgotten.
	maxInquiries = 4
	// inquiryPage is how many matches are wanted at first, and each time that more
	// are; maxMatches bounds those of an inquiry.
	inquiryPage = 20
	maxMatches  = 200
)

// inquiry is a search for those whose display names have certain words. Each of up
// to three homes is asked for what lies under each word; what has all the words
// matches.
type inquiry struct {
	id     QueryID
	words  []identity.Word
	sides  []*side // each word at each home
	found  []wire.Card
	seen   map[wire.Holder]bool // entries that have been opened, by their holders, of all words
	wanted int
	end    time.Time // when who is asked counts as silent; zero: nobody is
}

// sideState says how far the asking of one home for one word has got.
//
//	          Entries, the last of a burst
//	sideAsks ----------------------------> sidePauses, if there is more
//	   ^  |                                    |   |
//	   |  |  no more, silence, no home         |   |
//	   |  '--------------> sideEnded <---------|---'  (enough)
//	   '---------------------------------------'  more are wanted
type sideState uint8

const (
	sideAsks sideState = iota
	sidePauses
	sideEnded
)

// side is one home, asked for one word.
type side struct {
	state   sideState
	word    identity.Word
	lookup  identity.Lookup
	home    wire.Index
	query   uint32
	after   []byte // holder of the last entry that has come
	denies  bool   // there is nobody with the word, as this home says
	whole   bool   // it has told of everybody with the word
	answers bool   // something has come
}

// Inquire looks for those whose display names have all words of a text; Matches
// answer. Without a word in the text, or without a home, nobody can tell.
func (c *Client) Inquire(now time.Time, text string) QueryID {
	c.last++
	q := &inquiry{id: c.last, words: identity.Words(text), seen: map[wire.Holder]bool{}, wanted: inquiryPage, end: now.Add(inquiryWait)}
	if len(c.inquiries) >= maxInquiries {
		c.inquiries = slices.Delete(c.inquiries, 0, 1)
	}
	c.inquiries = append(c.inquiries, q)
	for _, word := range q.words {
		for _, home := range c.homes[:min(len(c.homes), enoughDenials)] {
			s := &side{word: word, lookup: c.cfg.Network.LookupWord(word), home: home}
			q.sides = append(q.sides, s)
			c.askSide(s)
		}
	}
	c.tellMatches(q)
	return q.id
}

// More goes on with an inquiry that has More.
func (c *Client) More(now time.Time, id QueryID) {
	i := slices.IndexFunc(c.inquiries, func(q *inquiry) bool { return q.id == id })
	if i < 0 || c.inquiries[i].wanted >= maxMatches {
		return
	}
	q := c.inquiries[i]
	q.wanted += inquiryPage
	c.continueInquiry(now, q)
	c.tellMatches(q)
}

func (c *Client) askSide(s *side) {
	s.state = sideAsks
	s.query = c.ask(s.home, func(query uint32) wire.Message {
		return wire.Browse{Query: query, Key: s.lookup.Index, After: s.after}
	})
}

// continueInquiry asks for more as long as fewer have been found than are wanted.
func (c *Client) continueInquiry(now time.Time, q *inquiry) {
	asking := false
	for _, s := range q.sides {
		if s.state == sidePauses && len(q.found) < q.wanted {
			c.askSide(s)
			q.end = now.Add(inquiryWait)
		}
		asking = asking || s.state == sideAsks
	}
	if !asking {
		q.end = time.Time{}
	}
}

// handleEntries takes entries that a home tells of.
func (c *Client) handleEntries(now time.Time, ix wire.Index, m wire.Entries) {
	q, s := c.sideOf(question{ix, m.Query})
	if s == nil {
		c.counters.Unasked++
		return
	}
	s.answers = true
	for _, b := range m.Entries {
		c.match(now, q, s, b)
	}
	if m.Last {
		s.whole = m.Whole
		s.denies = m.Code == wire.FindNone && len(s.after) == 0
		s.state = sideEnded
		if m.More && len(m.Entries) > 0 {
			s.state = sidePauses
		}
		c.continueInquiry(now, q)
	}
	c.tellMatches(q)
}

func (c *Client) sideOf(asked question) (*inquiry, *side) {
	for _, q := range c.inquiries {
		for _, s := range q.sides {
			if s.state == sideAsks && s.home == asked.home && s.query == asked.query {
				return q, s
			}
		}
	}
	return nil, nil
}

// match checks and opens an entry; who has all the words is found.
func (c *Client) match(now time.Time, q *inquiry, s *side, b []byte) {
	e, err := c.cfg.checkEntry(now, s.lookup.Index, b)
	if c.counters.count(err) != nil {
		return
	}
	if len(s.after) > 0 && slices.Compare(e.Placement.Holder[:], s.after) <= 0 {
		c.counters.count(ErrMisplaced) // a home that begins again would lead round in circles
		return
	}
	s.after = e.Placement.Holder[:]
	if q.seen[e.Placement.Holder] {
		return
	}
	card, err := OpenEntry(s.lookup, s.word, e)
	if c.counters.count(err) != nil {
		return
	}
	q.seen[e.Placement.Holder] = true
	q.add(card)
}

// add takes a card in, unless it lacks a word or is there.
func (q *inquiry) add(card wire.Card) {
	has := identity.Words(card.Display)
	for _, word := range q.words {
		if !slices.Contains(has, word) {
			return
		}
	}
	byName := func(a, b wire.Card) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Display), strings.ToLower(b.Display)), strings.Compare(string(a.Name), string(b.Name)))
	}
	i, _ := slices.BinarySearchFunc(q.found, card, byName)
	if len(q.found) < maxMatches && !slices.ContainsFunc(q.found, func(other wire.Card) bool { return other.Name == card.Name }) {
		q.found = slices.Insert(q.found, i, card)
	}
}

// tellMatches tells how an inquiry stands.
func (c *Client) tellMatches(q *inquiry) {
	m := Matches{Query: q.id, Settled: q.settled(), Found: slices.Clone(q.found)}
	ended := m.Settled
	for _, s := range q.sides {
		m.More = m.More || s.state == sidePauses && q.wanted < maxMatches
		ended = ended && s.state != sidePauses
	}
	whole, nobody := false, false
	for _, word := range q.words { // who has all words would be under each
		w, n := q.verdict(word)
		whole, nobody = whole || w, nobody || n
	}
	m.Whole = ended && (whole || nobody)
	if m.Settled {
		m.Outcome = Unsure
		switch {
		case len(q.found) > 0:
			m.Outcome = Located
		case m.Whole:
			m.Outcome = Absent
		}
	}
	c.emit(m)
}

// verdict says of a word whether all homes know everybody who has it, and whether
// all say that nobody has. One home could lie.
func (q *inquiry) verdict(word identity.Word) (whole, nobody bool) {
	whole, nobody = true, true
	for _, s := range q.sides {
		if s.word == word {
			whole, nobody = whole && s.whole && s.answers, nobody && s.denies
		}
	}
	return whole && len(q.sides) > 0, nobody && len(q.sides) > 0
}

func (q *inquiry) settled() bool {
	return !slices.ContainsFunc(q.sides, func(s *side) bool { return s.state == sideAsks })
}

// inquiryHomes goes on after homes have gone: those answer no more.
func (c *Client) inquiryHomes(now time.Time) {
	for _, q := range c.inquiries {
		c.endSides(now, q, func(s *side) bool { return !slices.Contains(c.homes, s.home) })
	}
}

// endSides ends those sides of an inquiry that answer no more.
func (c *Client) endSides(now time.Time, q *inquiry, gone func(*side) bool) {
	changed := false
	for _, s := range q.sides {
		if s.state != sideEnded && gone(s) {
			s.state, s.whole, s.denies, changed = sideEnded, false, false, true
		}
	}
	if changed {
		c.continueInquiry(now, q)
		c.tellMatches(q)
	}
}

// advanceInquiry lets whoever has not answered count as silent.
func (c *Client) advanceInquiry(now time.Time, q *inquiry) {
	if passed(q.end, now) {
		q.end = time.Time{}
		c.endSides(now, q, func(s *side) bool { return s.state == sideAsks })
	}
}
