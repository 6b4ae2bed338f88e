package overlay

import (
	"testing"
	"time"

	"peerphone/node/wire"
)

func TestTurnsAreSpread(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	turns := map[time.Duration]int{}
	for n := range 2000 {
		o := &Overlay{place: wire.Place(uint64(n) * 0x9e3779b97f4a7c15)}
		at := o.turnAfter(now)
		if !at.After(now) || at.Sub(now) > stageTurns*stageTurn {
			t.Fatalf("place %x has its turn after %v", o.place, at.Sub(now))
		}
		if again := o.turnAfter(at); again.Sub(at) != stageTurns*stageTurn {
			t.Fatalf("place %x has its next turn after %v", o.place, again.Sub(at))
		}
		turns[at.Sub(at.Truncate(stageTurns*stageTurn)).Truncate(stageTurn)]++
	}
	for turn, n := range turns {
		if n > 2000/stageTurns*3/2 {
			t.Errorf("%d of 2000 have the turn at %v", n, turn)
		}
	}
	if len(turns) != stageTurns {
		t.Errorf("%d turns are used", len(turns))
	}
}

func TestAPhoneRestartsAtOnce(t *testing.T) {
	o := &Overlay{}
	o.WishRestart(time.Unix(1_800_000_000, 0))
	if out := o.Take(); len(out) != 1 || out[0] != (RestartDue{}) {
		t.Errorf("it is told %v", out)
	}
}

func TestWhoMayLeave(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for _, c := range []struct {
		live, away int
		ago        time.Duration
		may        bool
	}{
		{1, 0, 0, true}, {3, 0, 0, true}, {3, 1, time.Minute, false}, {3, 1, awayFor + time.Minute, true},
		{200, 10, time.Minute, true}, {200, 23, time.Minute, false},
	} {
		o := &Overlay{place: 1 << 63}
		o.table.birth = now.Add(-time.Hour)
		for n := range c.live + c.away {
			o.table.put(row{place: wire.Place(uint64(n+1) * 0x9e3779b97f4a7c15)})
		}
		for i := range o.table.rows {
			if away := i - (c.live+c.away)/2; away >= 0 && away < c.away || c.live < 16 && i < c.away {
				o.table.kill(now.Add(-c.ago), o.table.rows[i].place)
			}
		}
		if c.live > 16 { // those who are away are not our neighbours
			o.place = o.table.rows[0].place
		}
		if got := o.mayLeave(now); got != c.may {
			t.Errorf("%d there, %d away for %v: may leave %v, want %v", c.live, c.away, c.ago, got, c.may)
		}
	}
}
