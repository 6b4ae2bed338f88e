package main

import "sync"

// roamCourse hands the scenes out to worlds.
type roamCourse struct {
	scenes  []scene
	results []*roamResult // of each scene

	mu sync.Mutex // of the worlds' coming and going
}

func newRoamCourse(chosen []scene, r roamCommand) *roamCourse {
	c := &roamCourse{scenes: chosen}
	for _, s := range chosen {
		c.results = append(c.results, &roamResult{Scene: s.name, LimitMS: ms(s.limit(r.RTT)), wanted: r.Runs, left: r.Runs, lenient: r.Short})
	}
	return c
}

// enter sends a world to the scene that then has the most changes left for
// each of its worlds; where others are it goes only if each has a call's worth
// of them. nil: no scene needs it.
func (c *roamCourse) enter() (s scene, chosen *roamResult) {
	c.mu.Lock()
	defer c.mu.Unlock()
	most := 0
	for i, r := range c.results {
		if need := r.need(); need > most {
			most, s, chosen = need, c.scenes[i], r
		}
	}
	if chosen != nil {
		chosen.join(1)
	}
	return s, chosen
}

func (c *roamCourse) leave(r *roamResult) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r.join(-1)
}

// join counts the worlds.
func (r *roamResult) join(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.worlds += n
}

// need is how many changes there are for one more world; 0: it may not come.
func (r *roamResult) need() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.worlds > 0 && r.left <= r.worlds*perCall {
		return 0
	}
	return r.left / (r.worlds + 1)
}

// open reports whether there are changes that nobody makes yet.
func (r *roamResult) open() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.left > 0
}

// begin reserves a change, the nth; false: there are enough.
func (r *roamResult) begin() (n int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left == 0 {
		return 0, false
	}
	r.left--
	r.drawn++
	return r.drawn, true
}

// again gives a change back that was disturbed and says true, or false when
// that was so too often.
func (r *roamResult) again() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Disturbed >= r.wanted {
		return false
	}
	r.Disturbed++
	r.left++
	return true
}

// add takes a change that was begun, and returns how many there are; in the
// short form one that failed is made up to twice more instead.
func (r *roamResult) add(c *roamChange) (count int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lenient && c.Problem != "" && r.Disturbed < onceMore {
		r.Disturbed++
		r.left++
	} else {
		r.Changes = append(r.Changes, c)
	}
	return len(r.Changes)
}

// fail takes a change that could not be begun.
func (r *roamResult) fail(problem error) (c *roamChange, count int) {
	r.begin() // else another world has begun the last one: this is one more
	c = &roamChange{Problem: problem.Error()}
	return c, r.add(c)
}

// detour counts a call that stayed relayed.
func (r *roamResult) detour() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Detoured++
}
