package overlay

import (
	"testing"
	"time"

	"peerphone/node/wire"
)

func TestAFallIsRememberedAsLongAsARecordLives(t *testing.T) {
	s := acquainted(t, 29)
	for n := range 9 {
		s.Handle(s.now, 1, wire.Gossip{News: farewellOf(n + 2)})
	}
	s.want("members", s.Known(), 21)
	s.want("three in ten have gone", s.Fallen(s.now), false)
	s.Handle(s.now, 1, wire.Gossip{News: farewellOf(20)})
	s.want("one more", s.Fallen(s.now), true)
	s.want("three days later", s.Fallen(s.now.Add((recordLife-1)*time.Hour)), true)
	s.want("after that", s.Fallen(s.now.Add((recordLife+1)*time.Hour)), false)
	s.want("before 1970", s.Fallen(time.Unix(-1e9, 0)), false)
}

// Where everybody keeps everything, those who are left know.
func TestASmallNetworkDoesNotFall(t *testing.T) {
	s := acquainted(t, Neighbourhood-1)
	for n := range Neighbourhood - 2 {
		s.Handle(s.now, 1, wire.Gossip{News: farewellOf(n + 2)})
	}
	s.want("members", s.Known(), 2)
	s.want("fallen", s.Fallen(s.now), false)
}

func farewellOf(n int) []byte {
	f := wire.Farewell{Of: placeOfNode(n), Incarnation: 1_600_000_000}
	f.Signature = sign(nodeID(n), wire.NewsMessage(f))
	return wire.AppendNews(nil, f)
}

func TestASupernodeIsMetByItsAnnouncement(t *testing.T) {
	s := acquainted(t, 2)
	p := placeOfNode(9)
	s.want("known", s.Knows(p), false)
	s.want("introduction", len(s.Introduction(p)), 0)
	forged := announced(9, 0)
	forged[len(forged)-1]++
	for what, b := range map[string][]byte{
		"another's": announced(8, 0), "forged": forged, "two": append(announced(9, 0), announced(9, 0)...),
		"a farewell": farewellOf(9), "nothing": nil,
	} {
		if s.Meet(s.now, p, b) {
			t.Errorf("met by %s", what)
		}
	}
	s.want("malformed", s.Counters().Refusals.Malformed, 4)
	s.want("met", s.Meet(s.now, p, announced(9, 0)), true)
	s.want("known then", s.Knows(p), true)
	s.want("introduced", string(s.Introduction(p)), string(announced(9, 0)))
	s.Handle(s.now, 1, wire.Gossip{News: farewellOf(9)})
	s.want("the dead are known", s.Knows(p), true)
	s.want("but not introduced", len(s.Introduction(p)), 0)
}
