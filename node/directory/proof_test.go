package directory

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// proving is a phone that has published by home 1, where all have stored and
// some withhold.
type proving struct {
	*caller
	records  map[identity.IndexKey][]byte
	withheld []wire.Index // homes that find nothing
	silent   []wire.Index
	story    []string
}

func newProving(t *testing.T, homes ...wire.Index) *proving {
	p := &proving{caller: newCaller(t, homes...), records: map[identity.IndexKey][]byte{}}
	p.SetListing(p.now, newOwner(t, "1001", "kitchen").own)
	return p
}

// pass lets the homes answer for d.
func (p *proving) pass(d time.Duration) {
	for end := p.now.Add(d); p.now.Before(end); p.advance(time.Second) {
		for _, e := range p.take() {
			if s, ok := e.(Send); ok && !slices.Contains(p.silent, s.Index) {
				p.Handle(p.now, s.Index, p.answer(s))
			}
		}
	}
}

func (p *proving) answer(s Send) wire.Message {
	switch m := s.Message.(type) {
	case wire.Publish:
		p.story = append(p.story, fmt.Sprint("publish ", s.Index))
		r, err := ParseRecord(m.Record)
		if err != nil {
			p.Fatal(err)
		}
		p.records[r.Placement.Index] = m.Record
		return wire.Stored{Query: m.Query, Code: wire.StoreOK, Copies: 16}
	case wire.Find:
		p.story = append(p.story, fmt.Sprint("find ", s.Index))
		if slices.Contains(p.withheld, s.Index) {
			return wire.Found{Query: m.Query, Code: wire.FindNone}
		}
		return wire.Found{Query: m.Query, Code: wire.FindRecord, Record: p.records[m.Key]}
	}
	p.Fatalf("a home is told %T", s.Message)
	return nil
}

// told checks what the homes were told, in any order.
func (p *proving) told(want ...string) {
	p.Helper()
	slices.Sort(p.story)
	slices.Sort(want)
	if !slices.Equal(p.story, want) {
		p.Errorf("the homes are told\n%q, want\n%q", p.story, want)
	}
}

// A home says that it has stored, and another finds the record: that is all.
func TestARecordIsProved(t *testing.T) {
	p := newProving(t, 1, 2, 3)
	p.pass(Resign / 2)
	p.told("publish 1", "publish 1", "find 2", "find 2")
}

// A home that withholds is found out: the next one publishes the record, and so
// on, until one finds it or none is left.
func TestAWithheldRecordIsPublishedElsewhere(t *testing.T) {
	p := newProving(t, 1, 2, 3)
	p.withheld = []wire.Index{2, 3}
	p.pass(Resign / 2)
	p.told("publish 1", "publish 1", "find 2", "find 2", "publish 2", "publish 2", "find 3", "find 3", "publish 3", "publish 3")
	if n := p.Counters().Disproved; n != 4 {
		t.Errorf("%d counted, want 4", n)
	}
	p = newProving(t, 1, 2, 3)
	p.withheld = []wire.Index{2}
	p.pass(Resign / 2)
	p.told("publish 1", "publish 1", "find 2", "find 2", "publish 2", "publish 2", "find 3", "find 3")
}

// Silence proves nothing: the next home is asked. With one home there is none.
func TestNobodyToProve(t *testing.T) {
	p := newProving(t, 1, 2, 3)
	p.silent = []wire.Index{2}
	p.pass(Resign / 2)
	p.told("publish 1", "publish 1", "find 3", "find 3")
	p = newProving(t, 1)
	p.pass(Resign / 2)
	p.told("publish 1", "publish 1")
}
