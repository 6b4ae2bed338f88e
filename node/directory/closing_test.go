package directory

import (
	"slices"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// society is a membership in which the supernode with number n stands at place n
// and announces itself with a byte of that value.
type society struct {
	k       *keeper
	known   []wire.Place
	fallen  bool
	hearsay []wire.Place // in the order in which they were met
}

func (s *society) Knows(p wire.Place) bool { return slices.Contains(s.known, p) }

func (s *society) Introduction(p wire.Place) []byte {
	if s.Knows(p) {
		return []byte{byte(p)}
	}
	return nil
}

func (s *society) Meet(_ time.Time, p wire.Place, b []byte) bool {
	if len(b) != 1 || wire.Place(b[0]) != p {
		return false
	}
	s.known, s.hearsay = append(s.known, p), append(s.hearsay, p)
	s.k.near = append(s.k.near, homes(int(p))...)
	return true
}

func (s *society) Fallen(time.Time) bool             { return s.fallen }
func (s *society) Unanswered(time.Time, wire.Member) {}

// newSociety returns supernode 0, which knows so many, itself included.
func newSociety(t *testing.T, of int) (*keeper, *society) {
	k := newKeeper(t, of)
	s := &society{k: k}
	for n := range of {
		s.known = append(s.known, wire.Place(n))
	}
	k.cfg.Members = s
	return k, s
}

// denies lets supernode by deny, and name the nearest.
func (k *keeper) denies(by int, near ...int) {
	f := wire.Found{Code: wire.FindNone}
	for _, n := range near {
		f.Near = append(f.Near, 0, 0, 0, 0, 0, 0, 0, byte(n))
	}
	a := k.Index.asks[k.asks[by]]
	f.Signature = signAs(by)(wire.DenialMessage(a.nonce, a.m.(wire.Find).Key, f))
	k.Reply(k.now, addrOf(by), k.asks[by], f)
}

func (k *keeper) introduces(by, n int) {
	k.Reply(k.now, addrOf(by), k.asks[by], wire.Introduced{News: []byte{byte(n)}})
}

// Whom others know and we do not is met and asked, until the set is closed: the
// record may be there only.
func TestASearchClosesTheNearestSet(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	k, s := newSociety(t, 3)
	k.find(aPhone, o.lookup())
	k.want("ask 1 find", "ask 2 find")
	k.denies(1, 1, 2, 5)
	k.want("ask 1 who")
	k.denies(2, 1, 2)
	k.introduces(1, 5)
	k.want("ask 5 find")
	k.denies(5, 1, 2, 6, 7)
	k.want("ask 5 who")
	k.introduces(5, 6)
	k.want("ask 5 who") // and the next of its
	k.introduces(5, 7)
	k.want("ask 6 find", "ask 7 find")
	k.denies(6, 5, 6, 7)
	k.found(7, wire.FindRecord, o.record(t, 5, start.Add(time.Hour)))
	k.want("to 50 record")
	if k.Counters().Met != 3 || !slices.Equal(s.hearsay, []wire.Place{5, 6, 7}) {
		t.Errorf("met %v, counted %d", s.hearsay, k.Counters().Met)
	}
	if len(k.jobs) != 0 || len(k.Index.asks) != 0 {
		t.Errorf("%d jobs and %d questions are left", len(k.jobs), len(k.Index.asks))
	}
}

// Whoever names supernodes that there are not has denied nothing, and costs one
// question.
func TestABluffIsNoDenial(t *testing.T) {
	for _, liars := range []int{1, 2} {
		k, _ := newSociety(t, 8)
		k.find(aPhone, network.LookupNumber("1009"))
		k.want(asking("find", 1, 4)...)
		for n := 1; n <= 4; n++ {
			if n > liars {
				k.denies(n, 1, 2, 3)
				continue
			}
			k.denies(n, 101, 102, 103, 104, 105)
			k.want(asking("who", n, n)...)
			switch n {
			case 1:
				k.Reply(k.now, addrOf(n), k.asks[n], wire.Introduced{}) // it knows nobody there
			case 2:
				k.introduces(n, 103) // another one
			}
		}
		k.want(asking("find", 5, 7)...)
		for n := 5; n <= 7; n++ {
			k.denies(n, 1, 2, 3)
		}
		k.want("to 50 none") // six of eight are enough
		if got := k.Counters().Bluffed; got != uint64(liars) {
			t.Errorf("%d bluffs are counted, want %d", got, liars)
		}
	}
	k, _ := newSociety(t, 4)
	k.find(aPhone, network.LookupNumber("1009"))
	k.want(asking("find", 1, 3)...)
	k.denies(3)
	k.denies(1, 101)
	k.want("ask 1 who")
	k.denies(2, 102)
	k.want("ask 2 who")
	k.advance(askEnd) // and they are silent
	got := took[Send](&k.script)
	if len(got) != 1 || sayMessage(got[0].Message) != "unsure" {
		t.Errorf("answers %v, want unsure: two of four have bluffed", got)
	}
}

// After many supernodes have gone nobody can be said to be absent, but whoever is
// there is found.
func TestAfterAFallNobodyIsAbsent(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	k, s := newSociety(t, 2)
	s.fallen = true
	k.find(aPhone, o.lookup())
	k.want("ask 1 find")
	k.denies(1)
	k.want("to 50 unsure")
	k.find(aPhone, o.lookup())
	k.want("ask 1 find")
	k.found(1, wire.FindRecord, o.record(t, 5, start.Add(time.Hour)))
	k.want("to 50 record")
}

func TestAPlaceIsIntroduced(t *testing.T) {
	k, _ := newSociety(t, 2)
	for p, want := range map[wire.Place]string{1: "\x01", 9: ""} {
		m := k.Answer(k.now, 7, wire.Who{Place: p}, func(identity.IndexKey, int) []wire.Place { return nil })
		if got := m.(wire.Introduced); string(got.News) != want {
			t.Errorf("place %d: introduced %q, want %q", p, got.News, want)
		}
	}
}
