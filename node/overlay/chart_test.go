package overlay

import (
	"slices"
	"testing"

	"peerphone/node/wire"
)

// The table that is drawn from a chart is one that an Overlay has: it takes all in
// it, has no room for more, and answers the same.
func TestADrawnTableIsThatOfAnOverlay(t *testing.T) {
	const others = 2000
	numbers, places := map[wire.Place]int{}, []wire.Place{}
	for n := range others + 1 {
		numbers[placeOfNode(n)] = n
		places = append(places, placeOfNode(n))
	}
	c := NewChart(places)
	s := narrowed(t, 0)
	var e Excerpt
	c.Draw(&e, s.place, s.rand.IntN)
	list := e.Toward(s.place, others)
	for _, p := range list { // the nearest first, so that leaves are known as such
		n := numbers[p]
		s.Heard(s.now, wire.Contact{Place: p, Member: memberOf(n)}, announced(n, 0))
	}
	s.want("taken", s.table.live, len(list))
	for _, p := range places {
		if !slices.Contains(list, p) && (s.hasRoom(p) && len(s.branch(p).order) >= bucketSize || s.table.near(s.place, p)) {
			t.Errorf("there is room for %016x", uint64(p))
		}
	}
	for n := range 100 {
		key := keyAt(placeOfNode(10000 + n))
		if got, want := e.Toward(placeOfKey(key), 16), s.NearestPlaces(key, 16); !slices.Equal(got, want) {
			t.Fatalf("toward %x: %x, the overlay names %x", key[:8], got, want)
		}
	}
	if got, want := len(list), 150; got < want/2 || got > 2*want {
		t.Errorf("%d of %d are in the table", got, others)
	}
	for i, p := range []wire.Place{c.Place(0), c.Place(1000)} {
		if c.Number(p) != 1000*i || c.Nearest(p, 1)[0] != 1000*i {
			t.Errorf("place %d has number %d", 1000*i, c.Number(p))
		}
	}
	if c.Number(1) != -1 {
		t.Error("somebody stands at 1")
	}
}
