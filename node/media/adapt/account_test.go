package adapt

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Whatever a codec would like to have, here sizes that leap threefold, no second
// takes much more than it may, and a word after a pause gets more than its share.
func TestNoSecondTakesTooMuch(t *testing.T) {
	for _, packet := range []time.Duration{20 * ms, 40 * ms, 120 * ms} {
		var a account
		r := rand.New(rand.NewPCG(1, 2))
		now, own := newCall(t).now, 5000*packet.Seconds()
		var at []float64 // bytes of each packet
		likes, generous := own, 0
		for n := range int(20 * time.Second / packet) {
			if n%7 == 0 {
				likes = own * (.5 + r.Float64())
			}
			room := a.room(now, packet, 5000)
			if room > 1.2*own {
				generous++
			}
			if room < .5*own {
				t.Fatalf("%v: a packet gets %.0f bytes", packet, room)
			}
			bytes := min(likes, room)
			a.spend(now, int(bytes), 5000)
			at = append(at, bytes)
			now = now.Add(packet)
		}
		second := int(time.Second / packet)
		for i := range len(at) - second {
			sum := 0.
			for _, b := range at[i : i+second] {
				sum += b
			}
			if sum > 5000*loudest*1.06 {
				t.Fatalf("%v: %.0f bytes in a second", packet, sum)
			}
		}
		if generous == 0 {
			t.Errorf("%v: no packet may take more than its own", packet)
		}
	}
}
