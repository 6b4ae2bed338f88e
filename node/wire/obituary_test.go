package wire

import "testing"

func TestAnObituaryNamesWhoIsDead(t *testing.T) {
	b := AppendNews(nil, testObituary)
	n, rest, ok := CutNews(append(b, 1, 2))
	o, is := n.(Obituary)
	if !ok || !is || len(rest) != 2 || o.Witness != 78 || o.Dead.Len() != 2 {
		t.Fatalf("%+v, %x, %v", n, rest, ok)
	}
	if first, second := o.Dead.At(0), o.Dead.At(1); first != (Death{1 << 59, 11}) || second != (Death{1 << 58, 12}) {
		t.Errorf("%v and %v are dead", first, second)
	}
	most := testObituary
	for most.Dead = nil; most.Dead.Len() < MaxDead; {
		most.Dead = AppendDeath(most.Dead, Death{Place(most.Dead.Len()), 1})
	}
	if b := AppendNews(nil, most); len(b) != MaxObituary {
		t.Errorf("%d dead take %d bytes, want %d", MaxDead, len(b), MaxObituary)
	} else if _, _, ok := CutNews(b); !ok {
		t.Errorf("%d dead are refused", MaxDead)
	}
}

func TestABadObituaryIsRefused(t *testing.T) {
	good := AppendNews(nil, testObituary)
	of := func(count byte) []byte {
		b := append(make([]byte, 0, 1000), good...)
		b[obituaryHeader-1] = count
		return append(b, make([]byte, 500)...)
	}
	for what, b := range map[string][]byte{
		"of nobody": of(0), "of too many": of(MaxDead + 1), "cut": good[:len(good)-1], "without a count": good[:obituaryHeader-1],
	} {
		if n, _, ok := CutNews(b); ok {
			t.Errorf("%s: %+v", what, n)
		}
	}
}

func TestWitnessOf(t *testing.T) {
	for _, test := range []struct {
		news News
		want Place
		ok   bool
	}{{testTestimony, 77, true}, {testObituary, 78, true}, {testFarewell, 0, false}} {
		if p, ok := WitnessOf(string(AppendNews(nil, test.news))); p != test.want || ok != test.ok {
			t.Errorf("%T is the word of %d, %v", test.news, p, ok)
		}
	}
}
