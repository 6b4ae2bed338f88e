package main

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// trial is how well one call of the demo was heard.
type trial struct {
	problems []string      // what is not as a call is to be
	faults   []string      // of these, what no busy machine makes of a call
	stood    time.Duration // for how long a processor ran nothing of ours while both talked
}

// trials are the calls of a demo. A machine that has other work spoils any one
// of them, so that a call that is not as it is to be is made again.
type trials []trial

// maxCalls is how many there are at most.
const maxCalls = 3

// errCall says that the call came about, but not what was said.
var errCall = errors.New("what was said did not come out")

// again reports whether another call may tell more than the last.
func (c trials) again() bool {
	last := c[len(c)-1]
	switch {
	case len(last.problems) == 0 || len(c) == maxCalls:
		return false
	case len(last.faults) > 0:
		return last.stood > 0
	}
	return true
}

// judged reports whether the calls tell how well one hears: whether one was as it
// is to be, or one was not though the machine never stood still.
func (c trials) judged() bool {
	for _, o := range c {
		if len(o.problems) == 0 || o.stood == 0 {
			return true
		}
	}
	return false
}

// err is what is wrong with Peerphone; nil after a call that was as it is to be. Of
// a machine that stood still in every call it asks no more than that one call had
// no fault.
func (c trials) err() error {
	wrong := c[len(c)-1].problems
	if !c.judged() {
		for _, o := range c {
			if len(o.faults) == 0 {
				return nil
			}
			wrong = o.faults
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%w:\n  %s", errCall, strings.Join(wrong, "\n  "))
}
