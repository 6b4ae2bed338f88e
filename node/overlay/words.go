package overlay

import (
	"unique"

	"peerphone/node/wire"
)

// words are what proves deaths: each word is here once, however many deaths it is of,
// as long as it proves one. Where thousands die it is their numbers, and not the
// words, of which there are thousands times three.
type words struct {
	list []proof
	free []uint32 // numbers
}

// proof is a Testimony, an Obituary or a Farewell.
type proof struct {
	news    unique.Handle[string]
	witness wire.Place // 0: it is a Farewell
	deaths  int        // that it proves
}

// add takes a word that will be cited, and returns its number, from 1 on.
func (w *words) add(news unique.Handle[string], witness wire.Place) uint32 {
	x := proof{news: news, witness: witness}
	if n := len(w.free); n > 0 {
		number := w.free[n-1]
		w.free, w.list[number-1] = w.free[:n-1], x
		return number
	}
	w.list = append(w.list, x)
	return uint32(len(w.list))
}

// cite makes the word with a number the i-th of those that prove a death.
func (w *words) cite(d *dying, i uint8, number uint32) {
	d.proof[i] = number
	w.list[number-1].deaths++
}

// drop forgets of which death some words are.
func (w *words) drop(d *dying) {
	for i, number := range d.proof {
		if number == 0 {
			continue
		}
		d.proof[i] = 0
		x := &w.list[number-1]
		if x.deaths--; x.deaths == 0 {
			*x = proof{}
			w.free = append(w.free, number)
		}
	}
}
