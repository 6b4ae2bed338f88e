package jitter

// missedSpan is for how long, in units, a missing unit may still turn up and be
// counted as late instead of lost: 2.56 s.
const missedSpan = 256

// missed remembers which units were played without having come.
type missed struct {
	at    [missedSpan]int64 // position, 0: none
	total uint64            // marked and not found since
}

func (m *missed) mark(pos int64) {
	if m.at[pos%missedSpan] != pos {
		m.at[pos%missedSpan] = pos
		m.total++
	}
}

// found takes back the marks from position from to position to, and reports
// whether there were any.
func (m *missed) found(from, to int64) bool {
	any := false
	for pos := max(from, to-missedSpan); pos < to; pos++ {
		if m.at[pos%missedSpan] == pos {
			m.at[pos%missedSpan] = 0
			m.total--
			any = true
		}
	}
	return any
}

// forgive takes back all marks from position from to position to, in which each
// was marked, however long ago.
func (m *missed) forgive(from, to int64) {
	m.found(from, to)
	if old := to - missedSpan - from; old > 0 {
		m.total -= min(uint64(old), m.total)
	}
}

// clear forgets the positions; the total stays.
func (m *missed) clear() { m.at = [missedSpan]int64{} }
