package sim

import "time"

const (
	// farewellTime is how long a program says good-bye, bootTime how long a board
	// takes to have the next one running.
	farewellTime = 300 * time.Millisecond
	bootTime     = 20 * time.Second
)

// restart ends the node's program as an update does, with a good-bye, and begins the
// next one.
func (n *Node) restart(now time.Time) {
	n.core.Leave(now)
	n.after(farewellTime, func(time.Time) { n.switchOff() })
	n.after(farewellTime+bootTime, n.switchOn)
}
