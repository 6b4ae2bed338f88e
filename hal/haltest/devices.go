package haltest

import (
	"slices"
	"sync"

	"peerphone/hal"
)

// eventRoom is how many events wait in a fake keypad or hook.
const eventRoom = 16

// Keypad is a fake keypad.
type Keypad struct {
	events chan hal.KeyEvent
}

// NewKeypad returns a keypad with no key down.
func NewKeypad() *Keypad { return &Keypad{make(chan hal.KeyEvent, eventRoom)} }

// Keys delivers the events.
func (k *Keypad) Keys() <-chan hal.KeyEvent { return k.events }

// Press presses a key and lets it go. Without a reader the newest events are
// dropped.
func (k *Keypad) Press(key hal.Key) {
	for _, down := range []bool{true, false} {
		select {
		case k.events <- hal.KeyEvent{Key: key, Down: down, At: goTime()}:
		default:
		}
	}
}

// Remove takes the keypad away.
func (k *Keypad) Remove() { close(k.events) }

// Hook is a fake hook switch.
type Hook struct {
	events chan hal.HookEvent
}

// NewHook returns a hook with the receiver on it.
func NewHook() *Hook {
	h := &Hook{make(chan hal.HookEvent, eventRoom)}
	h.Set(false)
	return h
}

// Hook delivers the events.
func (h *Hook) Hook() <-chan hal.HookEvent { return h.events }

// Set lifts the receiver or puts it back.
func (h *Hook) Set(lifted bool) {
	select {
	case h.events <- hal.HookEvent{Lifted: lifted, At: goTime()}:
	default:
	}
}

// Remove takes the hook away.
func (h *Hook) Remove() { close(h.events) }

// Lamp is a fake lamp.
type Lamp struct {
	mu    sync.Mutex
	light hal.Light
}

// Light sets it.
func (l *Lamp) Light(light hal.Light) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.light = light
	return nil
}

// Shows returns what it shows.
func (l *Lamp) Shows() hal.Light {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.light
}

// Screen is a fake screen of 16 columns and 2 lines.
type Screen struct {
	mu    sync.Mutex
	lines []string
}

// Show shows lines, cut to the screen.
func (s *Screen) Show(lines []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	columns, n := s.Size()
	s.lines = s.lines[:0]
	for _, l := range lines[:min(len(lines), n)] {
		r := []rune(l)
		s.lines = append(s.lines, string(r[:min(len(r), columns)]))
	}
	return nil
}

// Size returns 16 and 2.
func (s *Screen) Size() (columns, lines int) { return 16, 2 }

// Lines returns what it shows.
func (s *Screen) Lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lines)
}

// Ringer is a fake ringer.
type Ringer struct {
	mu      sync.Mutex
	ringing bool
}

// Ring starts or stops it.
func (r *Ringer) Ring(on bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ringing = on
	return nil
}

// Rings reports whether it rings.
func (r *Ringer) Rings() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ringing
}
