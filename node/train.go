package node

import (
	"time"

	"peerphone/node/call"
	"peerphone/node/media/adapt"
	"peerphone/node/wire"
)

// trainedLine is a rate, in bytes a second, below which a train counts that has come
// among sound.
const trainedLine = 2500

// trains tell what the line of a call lets through before its first word: while
// it rings each end sends the other a train, 2 kB at once, and is told how fast
// that came.
type trains struct {
	of    wire.Index // session
	sent  bool
	heard adapt.Train // of the far end
	said  int         // how that came, as the far end was told; 0: not yet
	told  int         // how ours came, in bytes a second; 0: not yet
}

// trainsOf returns those of a session; of one at a time they are remembered.
func (c *Core) trainsOf(ix wire.Index) *trains {
	if c.attempts.trains.of != ix {
		c.attempts.trains = trains{of: ix}
	}
	return &c.attempts.trains
}

// sendTrain sends ours once the phone rings at either end, but not by the
// introduction lane, in which there is room for little more than a handshake.
func (c *Core) sendTrain(now time.Time) {
	v := c.calls.Current()
	if v.State != call.RingingHere && v.State != call.RingingFar {
		return
	}
	t := c.trainsOf(v.Index)
	if w, ok := c.paths.Way(v.Index); !ok || w.IsLane() || t.sent {
		return
	}
	t.sent = true
	for n := range wire.TrainLength {
		c.sealed(now, v.Index, wire.AppendTrain(nil, n))
	}
}

// trainComes takes a payload of the far phone's.
func (c *Core) trainComes(now time.Time, ix wire.Index, payload []byte) {
	number, ok := wire.ParseTrain(payload)
	if !ok || ix != c.calls.Current().Index {
		return
	}
	t := c.trainsOf(ix)
	over := t.heard.Heard(now, number, wire.SessionHeader+len(payload)+wire.Tag+ipUDP)
	rate := t.heard.Rate()
	late := number == wire.TrainLength-2 && rate < narrowLine // the last one may be lost in the queue
	if !over && !late || rate == 0 {
		return
	}
	if t.said != rate {
		t.said = rate
		c.send(now, ix, wire.Line{Rate: uint32(rate)})
	}
	c.lineShown(now, t)
}

// besideTrain takes what comes in a session between the packets of a train.
func (c *Core) besideTrain(ix wire.Index, payload []byte) {
	if c.attempts.trains.of == ix && wire.PayloadOf(payload) != wire.PayloadTrain {
		c.attempts.trains.heard.Beside(wire.SessionHeader + len(payload) + wire.Tag + ipUDP)
	}
}

// lineShown takes what a train shows of the line, be it before the call's sound or
// after it has begun. Sound between the packets of a train makes a line seem half as
// wide at worst, so then one counts only that is narrow enough.
func (c *Core) lineShown(now time.Time, t *trains) {
	line := t.line()
	c.narrow(now, line)
	if c.calls.Current().State == call.Talking && line < trainedLine {
		c.do(NarrowMedia{t.of, line})
	}
}

// trainCame takes the far phone's word on ours.
func (c *Core) trainCame(now time.Time, ix wire.Index, m wire.Line) {
	if ix == c.calls.Current().Index {
		t := c.trainsOf(ix)
		t.told = int(min(m.Rate, adapt.MostLine))
		c.lineShown(now, t)
	}
}

// line is how many bytes a second may be sent, 0 when that is not known: what the
// far end says, or as many as come from it. Lines are thin both ways more often
// than not.
func (t *trains) line() int {
	if t.told > 0 {
		return t.told
	}
	return t.heard.Rate()
}
