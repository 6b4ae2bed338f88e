package node

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"peerphone/node/path"
)

// What a device needs to serve others beside its own calls: a second core, so that
// a handshake does not stop sound; memory for a thousand guests, 20,000 records and
// the membership; and a line on which a relayed call does not hurt its own. A
// Raspberry Pi Zero W has one core and stays a phone, a Zero 2 W will do.
const (
	ableCores  = 2
	ableMemory = 160 << 20 // bytes that are available
	ableLine   = 32 << 10  // bytes a second each way, where the owner has named a limit
)

// able reports whether this device has what a supernode needs. line is the owner's
// limit for relaying in bytes a second, 0 when there is none.
func able(line uint64) bool {
	meminfo, err := os.ReadFile("/proc/meminfo")
	memory, ok := available(meminfo)
	return runtime.NumCPU() >= ableCores && (err != nil || !ok || memory >= ableMemory) && (line == 0 || line >= ableLine)
}

// available reads the available memory in bytes from what /proc/meminfo says; ok
// is false when it does not say.
func available(meminfo []byte) (memory uint64, ok bool) {
	lines := bufio.NewScanner(bytes.NewReader(meminfo))
	for lines.Scan() {
		rest, found := strings.CutPrefix(lines.Text(), "MemAvailable:")
		if !found {
			continue
		}
		kilobytes, unit := strings.CutSuffix(strings.TrimSpace(rest), " kB")
		n, err := strconv.ParseUint(strings.TrimSpace(kilobytes), 10, 50)
		return n << 10, unit && err == nil
	}
	return 0, false
}

// ableEvery is how often a candidate looks whether it is able: memory comes and
// goes.
const ableEvery = time.Hour

// watchAbility tells the core whether this device is able to serve others.
func (n *Node) watchAbility(ctx context.Context, line uint64) {
	t := time.NewTicker(ableEvery)
	defer t.Stop()
	for {
		is := able(line)
		n.enter(ctx, func(c *Core, now time.Time) { c.Able(now, is) })
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// serve lets the sockets serve others, or ends that.
func (n *Node) serve(on bool) {
	n.socket.legs.Store(n.core.Legs())
	n.socket.public.Store(on)
	if !on {
		n.socket.closeExtra(path.CallSocket)
		return
	}
	n.socket.conn.makeRoom(relayRoom)
	if err := n.socket.openExtra(path.CallSocket, extraSocket{}); err != nil {
		n.log.Warn("no socket to call others from", "error", err)
	}
}
