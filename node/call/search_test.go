package call

import (
	"fmt"
	"slices"
	"strings"
)

// A model is a small world in which calls are made, with everything that can
// happen to it.
type model interface {
	clone() model
	// key is the same for two worlds that cannot be told apart.
	key() string
	// moves are all inputs that are possible here.
	moves() []move
	// broken names the invariant that the last move violated.
	broken() string
	// unsettled is asked where nothing is left to happen by itself, and says
	// what should have.
	unsettled() string
}

// A move is one input.
type move struct {
	name string
	// progress is what happens by itself: messages arrive, requests are
	// answered, time passes. The rest is users and faults.
	progress bool
	do       func(m model)
}

// A search walks breadth first over the distinct states of a model.
type search struct {
	parents []int32
	by      []string  // name of the move that led here
	onward  [][]int32 // progress moves
	seen    map[string]int32
}

// explore walks from start and returns the number of distinct states and of
// moves, and the shortest story of what is wrong, if anything.
func explore(start model, limit int) (states, moves int, wrong string) {
	s := &search{seen: map[string]int32{}}
	frontier := []model{start}
	s.add(start.key(), -1, "start")
	for at := int32(0); len(frontier) > 0; at++ {
		m := frontier[0]
		frontier[0], frontier = nil, frontier[1:]
		settled := true
		for _, mv := range m.moves() {
			next := m.clone()
			mv.do(next)
			moves++
			if b := next.broken(); b != "" {
				return len(s.parents), moves, s.story(at, mv.name) + "\nbroken: " + b
			}
			to, fresh := s.add(next.key(), at, mv.name)
			if fresh {
				frontier = append(frontier, next)
			}
			if mv.progress {
				settled = false
				s.onward[at] = append(s.onward[at], to)
			}
		}
		if u := m.unsettled(); settled && u != "" {
			return len(s.parents), moves, s.story(at, "nothing more") + "\nunsettled: " + u
		}
		if len(s.parents) > limit {
			return len(s.parents), moves, fmt.Sprintf("more than %d states", limit)
		}
	}
	if at := s.cycle(); at >= 0 {
		return len(s.parents), moves, s.story(at, "and so on") + "\nunsettled: it goes on for ever by itself"
	}
	return len(s.parents), moves, ""
}

func (s *search) add(key string, from int32, by string) (at int32, fresh bool) {
	if at, ok := s.seen[key]; ok {
		return at, false
	}
	at = int32(len(s.parents))
	s.seen[key] = at
	s.parents, s.by, s.onward = append(s.parents, from), append(s.by, by), append(s.onward, nil)
	return at, true
}

// story tells the shortest way to state at.
func (s *search) story(at int32, last string) string {
	steps := []string{last}
	for ; at >= 0; at = s.parents[at] {
		steps = append(steps, s.by[at])
	}
	slices.Reverse(steps)
	return strings.Join(steps, "\n  ")
}

// cycle returns a state from which progress leads back to it, or -1.
func (s *search) cycle() int32 {
	const white, grey, black = 0, 1, 2
	colour := make([]uint8, len(s.parents))
	next := make([]int32, len(s.parents))
	for root := range s.parents {
		stack := []int32{int32(root)}
		for len(stack) > 0 {
			at := stack[len(stack)-1]
			if colour[at] == black {
				stack = stack[:len(stack)-1]
				continue
			}
			colour[at] = grey
			if next[at] == int32(len(s.onward[at])) {
				colour[at] = black
				continue
			}
			to := s.onward[at][next[at]]
			next[at]++
			switch {
			case colour[to] == grey:
				return to
			case colour[to] == white:
				stack = append(stack, to)
			}
		}
	}
	return -1
}
