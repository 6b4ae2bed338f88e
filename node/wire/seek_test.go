package wire

import (
	"net/netip"
	"slices"
	"testing"
)

// contacts returns so many, each with both addresses.
func contacts(n int) []Contact {
	var cs []Contact
	for i := range n {
		cs = append(cs, Contact{Place: Place(i) << 60, Member: Member{Addr: addr4(uint16(i + 1)), Addr6: addr6(7000), Ports: SamePort}})
	}
	return cs
}

func testGuide(n int) Guide {
	return Guide{
		Code: FindNone, Self: announcement(addr4(7000)), Near: AppendContacts(nil, contacts(n)), Signature: make([]byte, signatureSize),
	}
}

func TestContacts(t *testing.T) {
	want := append(contacts(2), Contact{Place: 7, Member: Member{Addr: addr6(9)}}, Contact{Member: Member{Addr: addr4(9)}})
	var got []Contact
	for rest := AppendContacts(nil, want); len(rest) > 0; {
		c, next, ok := CutContact(rest)
		if !ok {
			t.Fatalf("%x does not parse", rest)
		}
		got, rest = append(got, c), next
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// What a Guide names must be such as can be asked, and no more than MaxNear.
func TestBadGuides(t *testing.T) {
	for what, spoil := range map[string]func(*Guide){
		"too many":        func(g *Guide) { g.Near = AppendContacts(nil, contacts(MaxNear+1)) },
		"cut":             func(g *Guide) { g.Near = g.Near[:len(g.Near)-1] },
		"no port":         func(g *Guide) { g.Near = AppendContacts(nil, []Contact{{Member: Member{Addr: addr4(0)}}}) },
		"no address":      func(g *Guide) { g.Near = make([]byte, 9) },
		"no code":         func(g *Guide) { g.Code = 0 },
		"unsure":          func(g *Guide) { g.Code = FindUnsure },
		"nobody":          func(g *Guide) { g.Self = nil },
		"a testimony":     func(g *Guide) { g.Self = AppendNews(nil, testTestimony) },
		"a short seal":    func(g *Guide) { g.Signature = g.Signature[1:] },
		"mapped":          func(g *Guide) { g.Near = mapped() },
		"IPv6 beside one": func(g *Guide) { g.Near[8] = 31 },
	} {
		g := testGuide(2)
		spoil(&g)
		if m, err := Parse(Append(nil, g)); err == nil {
			t.Errorf("%s: %+v passes", what, m)
		}
	}
	if _, err := Parse(Append(nil, Seek{Self: []byte{1}})); err == nil {
		t.Error("a Seek of nobody passes")
	}
}

// mapped is a contact whose IPv6 address is one of IPv4 in disguise.
func mapped() []byte {
	a := netip.AddrPortFrom(netip.AddrFrom16(addr4(1).Addr().As16()), 1)
	b := append(make([]byte, 8), packed6)
	ip := a.Addr().As16()
	return append(append(b, ip[:]...), 0, 1)
}

// The longest answer fits into the question that asks for it.
func TestAnAnswerIsNoLongerThanASeek(t *testing.T) {
	g := testGuide(MaxNear)
	g.Self = announcement(addr4(7000))
	g.Self = append(g.Self, make([]byte, MaxNews-len(g.Self))...) // as with a second address
	body, err := encoding.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	if n := QuestionHeader + 1 + len(body); n > MaxQuestion {
		t.Errorf("a Guide of %d contacts makes an answer of %d bytes, and a question has %d", MaxNear, n, MaxQuestion)
	}
	g.Near = g.Near[:OnlyNear]
	if body, err = encoding.Marshal(g); err != nil || QuestionHeader+1+len(body) > OnlySeek {
		t.Errorf("one of %d bytes of contacts makes %d, and a question has %d: %v", OnlyNear, QuestionHeader+1+len(body), OnlySeek, err)
	}
}

func FuzzContacts(f *testing.F) {
	f.Add(AppendContacts(nil, contacts(2)))
	f.Add(mapped())
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, rest, ok := CutContact(b); ok {
			if written := AppendContacts(nil, []Contact{c}); string(written) != string(b[:len(b)-len(rest)]) {
				t.Errorf("%x\nparsed  %+v\nwritten %x", b, c, written)
			}
		}
	})
}
