package main

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"peerphone/firmware/lab/natlab"
)

// TestOutcomes holds the matrix to what is physically possible.
func TestOutcomes(t *testing.T) {
	for text, want := range map[string]outcome{
		"port-restricted,port-restricted":      reach,
		"carrier,rejecting":                    reach,
		"symmetric,full-cone":                  reach,
		"address-restricted,carrier-symmetric": reach,
		"predictable,open":                     reach,
		"hairpin,hairpin":                      reach,
		"port-restricted,symmetric":            mostlyReach,
		"predictable,carrier":                  mostlyReach,
		"symmetric,symmetric":                  relayed,
		"predictable,carrier-symmetric":        relayed,
		"udp-blocked,open":                     relayed,
		"web-only,web-only":                    relayed,
		"ipv6-firewall,ipv6-firewall":          reach,
		"ipv6-firewall,open":                   reach,
		"ipv6-firewall,full-cone":              relayed,
		"ipv6-firewall,udp-blocked":            relayed,
	} {
		p, err := parsePair(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.outcome(); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
		if got := (natPair{p.b, p.a}).outcome(); got != want {
			t.Errorf("%s, the other way round: %v, want %v", text, got, want)
		}
	}
}

func TestBadPairs(t *testing.T) {
	for _, text := range []string{"", "open", "open,", "open,moon", "open;open"} {
		if _, err := parsePair(text); err == nil {
			t.Errorf("%q is taken for a pair", text)
		}
	}
	if n := len(allPairs()); n != 13*14/2 {
		t.Errorf("%d pairs in the matrix", n)
	}
}

// matrixOf is a matrix of one pair with some direct, relayed and failed calls.
func matrixOf(pair natPair, direct, relays, failed int) *matrix {
	m := newMatrix([]natPair{pair}, direct+relays+failed, 100*time.Millisecond)
	add := func(n int, r natRun) {
		for range n {
			m.pairs[0].runs = append(m.pairs[0].runs, &r)
		}
	}
	add(direct, natRun{Path: "direct", AudioMS: 100, DirectMS: 150})
	add(relays, natRun{Path: "relay", AudioMS: 120})
	add(failed, natRun{Path: "none", Problem: "silence"})
	return m
}

// TestVerdict: no call may fail, and what must be direct is.
func TestVerdict(t *testing.T) {
	cones := natPair{natlab.PortRestricted, natlab.FullCone}
	guess := natPair{natlab.PortRestricted, natlab.Symmetric}
	never := natPair{natlab.Symmetric, natlab.Symmetric}
	for _, c := range []struct {
		pair                   natPair
		direct, relays, failed int
		good                   bool
	}{
		{cones, 20, 0, 0, true}, {cones, 19, 1, 0, false}, {cones, 19, 0, 1, false}, {cones, 0, 0, 0, false},
		{guess, 19, 1, 0, true}, {guess, 18, 2, 0, false}, {guess, 19, 0, 1, false},
		{never, 0, 20, 0, true}, {never, 1, 19, 0, true}, {never, 0, 19, 1, false},
	} {
		err := matrixOf(c.pair, c.direct, c.relays, c.failed).verdict()
		if (err == nil) != c.good {
			t.Errorf("%v with %d direct, %d relayed, %d failed: %v", c.pair, c.direct, c.relays, c.failed, err)
		}
	}
}

// TestMatrixJSON: what is printed can be read by a program.
func TestMatrixJSON(t *testing.T) {
	var b bytes.Buffer
	if err := matrixOf(natPair{}, 2, 1, 1).print(&b, true); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Pairs []struct {
			Pair         string
			Direct       int
			Audio        []float64 `json:"audio_rtts"`
			Calls        []natRun
			Failed, Runs int
		}
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if p := got.Pairs[0]; p.Pair != "open,open" || p.Direct != 2 || p.Failed != 1 || len(p.Calls) != 4 || p.Audio[1] != 1.2 {
		t.Errorf("got %+v", p)
	}
}

// worldOf is a world with phones of some kinds that are nowhere.
func worldOf(kinds ...natlab.Kind) *natWorld {
	all := places{}
	for _, k := range kinds {
		all[k] = &[2]place{{resident: &resident{}}, {resident: &resident{}}}
	}
	return newNATWorld(all)
}

// TestNext: every call is made once, from both sides in turn, in whatever
// world has time, and between phones of that world.
func TestNext(t *testing.T) {
	pairs := []natPair{{natlab.Symmetric, natlab.FullCone}, {natlab.Symmetric, natlab.Carrier}}
	var worlds []*natWorld
	for range 2 {
		worlds = append(worlds, worldOf(natlab.Symmetric, natlab.FullCone, natlab.Carrier))
	}
	m := newMatrix(pairs, 4, 0)
	dialled := map[*resident]int{}
	for now := epoch; ; now = now.Add(lastWords) {
		var open []*job
		for _, w := range worlds {
			if j, _ := m.next(w, now); j != nil {
				dialled[j.from.resident]++
				open = append(open, j)
			}
		}
		if open == nil {
			break
		}
		for _, j := range open {
			m.finish(j, now)
		}
	}
	for _, c := range []struct {
		k    natlab.Kind
		side int
		want int
	}{{natlab.Symmetric, 0, 4}, {natlab.FullCone, 1, 2}, {natlab.Carrier, 1, 2}, {natlab.Carrier, 0, 0}} {
		sum := 0
		for _, w := range worlds {
			sum += dialled[w.places[c.k][c.side].resident]
		}
		if sum != c.want {
			t.Errorf("phones %d of %v made %d calls, want %d", c.side+1, c.k, sum, c.want)
		}
	}
}

// TestWords: a pair's phones rest after a call, in the world of that call
// only.
func TestWords(t *testing.T) {
	m := newMatrix([]natPair{{natlab.Symmetric, natlab.FullCone}}, 3, 0)
	first, second := worldOf(natlab.Symmetric, natlab.FullCone), worldOf(natlab.Symmetric, natlab.FullCone)
	j, _ := m.next(first, epoch)
	m.finish(j, epoch)
	soon := epoch.Add(lastWords - time.Second)
	if j, more := m.next(first, soon); j != nil || !more {
		t.Errorf("the first world: call %v, more %v", j, more)
	}
	if j, _ := m.next(second, soon); j == nil {
		t.Error("the second world waits for what is said in the first")
	}
	if j, _ := m.next(first, epoch.Add(lastWords)); j == nil {
		t.Error("the first world makes no call any more")
	}
}

// TestLast: a copy by another way does not make a call's path.
func TestLast(t *testing.T) {
	ways := func(n int, via soundWay) (list []sound) {
		for range n {
			list = append(list, sound{via: via})
		}
		return list
	}
	for _, c := range []struct {
		list []sound
		want soundWay
	}{
		{nil, noWay},
		{ways(5, streamWay), streamWay},
		{append(ways(20, directWay), ways(3, relayWay)...), directWay},
		{append(ways(100, relayWay), ways(latest, directWay)...), directWay},
	} {
		if got := last(c.list); got != c.want {
			t.Errorf("%d sounds: by %v, want %v", len(c.list), got, c.want)
		}
	}
}

// TestOnceMore: in the short form a call that is not as it must be is made
// again, but not for ever.
func TestOnceMore(t *testing.T) {
	m := newMatrix([]natPair{{natlab.Carrier, natlab.FullCone}}, 1, 0)
	m.again = 2
	all := worldOf(natlab.Carrier, natlab.FullCone)
	now, calls := epoch, 0
	for ; calls < 10; now = now.Add(lastWords) {
		j, more := m.next(all, now)
		if j == nil {
			if more {
				t.Fatal("the pair waits for nobody")
			}
			break
		}
		if _, more := m.next(all, now); !more {
			t.Error("nobody waits for the call under way, which may be made once more")
		}
		calls++
		j.run.Path = relayWay.String()
		m.finish(j, now)
	}
	if r := m.row(m.pairs[0]); calls != 3 || r.Again != 2 || r.Runs != 1 || r.Passed {
		t.Errorf("%d calls, %+v", calls, r)
	}
	m.pairs[0].runs[0].StalledMS = stood
	if r := m.row(m.pairs[0]); !r.Passed {
		t.Errorf("the machine stood still, %+v", r)
	}
	m.pairs[0].runs[0].Problem = "silence"
	if r := m.row(m.pairs[0]); r.Passed {
		t.Errorf("nothing was heard, %+v", r)
	}
}
