package sim

import (
	"math"
	"time"
)

// Supernodes come and go. How long one stays is drawn from Weibull's
// distribution, which fits the sessions of all networks that were measured
// (D. Stutzbach, R. Rejaie: Understanding churn in peer-to-peer networks, IMC
// 2006), with about the shape found there; its median is that of Skype's
// supernodes (S. Guha, N. Daswani, R. Jain: An experimental study of the Skype
// peer-to-peer VoIP system, IPTPS 2006). So most of those that leave have just
// come, and most of those that are there stay for days. They leave without a
// word, as a power cut takes them, and come back with what is on their disks.
const (
	sessionMedian = 5*time.Hour + 30*time.Minute
	sessionShape  = 0.5
	pauseMean     = time.Hour // away, exponential: our own choice
)

// sessionScale is Weibull's scale for sessionMedian.
var sessionScale = float64(sessionMedian) / math.Pow(math.Ln2, 1/sessionShape)

// session draws how long a supernode stays that has just come.
func (w *World) session() time.Duration {
	return time.Duration(sessionScale * math.Pow(w.draw.ExpFloat64(), 1/sessionShape))
}

// rest draws how long one stays on that has been there before we look: of the
// sessions under way at some moment the long ones have a larger share. The
// length of such a one, to the power of the shape, is gamma distributed, with
// 1+1/shape: for a half that is three, the sum of three exponentials; and the
// moment lies anywhere in it.
func (w *World) rest() time.Duration {
	sum := w.draw.ExpFloat64() + w.draw.ExpFloat64() + w.draw.ExpFloat64()
	return time.Duration(w.draw.Float64() * sessionScale * math.Pow(sum, 1/sessionShape))
}

// churn lets supernodes come and go while the phones look for each other. A
// home that is lost is nothing to a phone that has two others; a record must be
// found whoever keeps it now.
func (t *trial) churn() {
	for _, n := range t.supernodes() {
		t.after(t.rest(), func(now time.Time) { t.leave(n) })
	}
	t.ask(t.Lookups, t.Churn)
	t.say("%d sessions of supernodes have ended", t.left)
}

func (t *trial) leave(n *Node) {
	t.left++
	n.switchOff()
	t.after(time.Duration(t.draw.ExpFloat64()*float64(pauseMean)), func(now time.Time) {
		n.switchOn(now)
		t.after(t.session(), func(time.Time) { t.leave(n) })
	})
}
