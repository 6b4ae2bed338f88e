package node_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"peerphone/node"
)

// inquire lets m search for words until nothing more comes, again while nobody can
// tell: on a busy machine supernodes are silent for a second.
func (m *machine) inquire(words string) node.InquiryView {
	m.t.Helper()
	for try := 1; ; try++ {
		if err := m.Inquire(context.Background(), words); err != nil {
			m.t.Fatal(err)
		}
		s := m.wait("done with "+words, 7*time.Second, func(s node.Snapshot) bool { return s.Inquiry.Words == words && s.Inquiry.Settled })
		if s.Inquiry.Outcome != "cannot tell" || try == 10 {
			return s.Inquiry
		}
	}
}

// Over real sockets, from the login server's word to the call.
func TestAPhoneIsFoundByTheWordsOfItsName(t *testing.T) {
	l := newLAN(t, 3)
	kitchen := l.phone("kitchen", "1001")
	anna := l.open("anna", "1002", node.Config{Display: "Anna Schmidt", Settings: node.Settings{Searchable: true}})
	berta := l.open("berta", "1003", node.Config{Display: "Berta Schmidt"})
	anna.wait("found by two words", 5*time.Second, func(s node.Snapshot) bool { return s.Inquiry.Public == 2 })

	got := kitchen.inquire("SCHMIDT")
	if got.Outcome != "found" || len(got.Found) != 1 || got.Found[0] != (node.FoundView{Display: "Anna Schmidt", Name: "anna", Number: "1002"}) {
		t.Fatalf("schmidt brings %+v", got)
	}
	if got := kitchen.inquire("zoe"); got.Outcome != "nobody" {
		t.Errorf("nobody's name brings %+v", got)
	}
	if err := kitchen.AddFound(context.Background(), "berta"); !errors.Is(err, node.ErrNotFound) {
		t.Errorf("somebody who was not found is added: %v", err)
	}

	// Berta wants to be found from now on, without her number.
	if err := berta.Configure(context.Background(), func(s *node.Settings) { s.Searchable, s.Unlisted = true, true }); err != nil {
		t.Fatal(err)
	}
	berta.wait("found by two words", 5*time.Second, func(s node.Snapshot) bool { return s.Inquiry.Public == 2 })
	workshop := l.phone("workshop", "1004") // the kitchen's homes remember what they have found
	got = workshop.inquire("schmidt berta")
	if len(got.Found) != 1 || got.Found[0] != (node.FoundView{Display: "Berta Schmidt", Name: "berta"}) {
		t.Fatalf("schmidt berta brings %+v", got)
	}
	if err := workshop.AddFound(context.Background(), "berta"); err != nil {
		t.Fatal(err)
	}
	s := workshop.wait("a friend of berta's", 5*time.Second, func(s node.Snapshot) bool { return len(s.Contacts) == 1 && s.Inquiry.Found[0].Contact })
	if c := s.Contacts[0]; c.Name != "berta" || c.Number != "1003" || c.Display != "Berta Schmidt" {
		t.Errorf("the contact is %+v", c)
	}
	if err := workshop.CallFound(context.Background(), "berta"); err != nil {
		t.Fatal(err)
	}
	workshop.lift()
	berta.wantCall("ringing here")
	berta.lift()
	workshop.wantCall("talking")

	// Anna is not found any more as soon as she does not want to be.
	if err := anna.Configure(context.Background(), func(s *node.Settings) { s.Searchable = false }); err != nil {
		t.Fatal(err)
	}
	anna.wait("found by no word", 5*time.Second, func(s node.Snapshot) bool { return s.Inquiry.Public == 0 })
	if got := workshop.inquire("anna"); got.Outcome != "nobody" {
		t.Errorf("who is gone is found: %+v", got)
	}
}
