package sim

import (
	"maps"
	"slices"
	"sync"

	"peerphone/hal"
)

// Size of the simulated screen.
const (
	screenColumns = 16
	screenLines   = 2
)

// Panel is what a person sees of the board.
type Panel struct {
	Lines   []string
	Lamps   map[hal.LampName]hal.Light
	Ringing bool
	Lifted  bool
}

// Panel returns what the board shows now.
func (b *Board) Panel() Panel {
	p := b.front.panel()
	b.hook.mu.Lock()
	defer b.hook.mu.Unlock()
	p.Lifted = b.hook.lifted
	return p
}

// front is the face of the telephone: screen, lamps, ringer.
type front struct {
	mu      sync.Mutex // guards what follows
	lines   []string
	lights  map[hal.LampName]hal.Light
	ringing bool
}

func newFront() *front {
	f := &front{lights: make(map[hal.LampName]hal.Light)}
	for _, name := range []hal.LampName{hal.LampLine, hal.LampRing, hal.LampInUse} {
		f.lights[name] = hal.Off
	}
	return f
}

func (f *front) panel() Panel {
	f.mu.Lock()
	defer f.mu.Unlock()
	return Panel{Lines: slices.Clone(f.lines), Lamps: maps.Clone(f.lights), Ringing: f.ringing}
}

// Show shows lines, cut to the screen.
func (f *front) Show(lines []string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lines = f.lines[:0]
	for _, l := range lines[:min(len(lines), screenLines)] {
		r := []rune(l)
		f.lines = append(f.lines, string(r[:min(len(r), screenColumns)]))
	}
	return nil
}

// Size returns the size of the screen.
func (f *front) Size() (columns, lines int) { return screenColumns, screenLines }

// lamp is one lamp of a front.
type lamp struct {
	front *front
	name  hal.LampName
}

func (f *front) lamps() map[hal.LampName]hal.Lamp {
	m := make(map[hal.LampName]hal.Lamp)
	for name := range f.lights {
		m[name] = lamp{f, name}
	}
	return m
}

func (l lamp) Light(light hal.Light) error {
	l.front.mu.Lock()
	defer l.front.mu.Unlock()
	l.front.lights[l.name] = light
	return nil
}

// ringer is the ringer of a front.
type ringer front

func (r *ringer) Ring(on bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ringing = on
	return nil
}
