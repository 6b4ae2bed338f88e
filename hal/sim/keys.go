package sim

import (
	"errors"
	"sync"

	"peerphone/hal"
)

// eventRoom is how many key or hook events wait for a reader; the newest are
// dropped.
const eventRoom = 16

// Errors of Press and SetHook.
var (
	ErrNoKey     = errors.New("sim: a telephone has the keys 0 to 9, * and #")
	ErrNotHeard  = errors.New("sim: nobody reads the keys")
	errBoardGone = errors.New("sim: the board is closed")
)

// keys is the keypad.
type keys struct {
	clock  Clock
	mu     sync.Mutex // guards closed, and sends on events
	closed bool
	events chan hal.KeyEvent
}

func newKeys(c Clock) *keys {
	return &keys{clock: c, events: make(chan hal.KeyEvent, eventRoom)}
}

func (k *keys) Keys() <-chan hal.KeyEvent { return k.events }

// Press presses a key and lets it go.
func (b *Board) Press(key hal.Key) error {
	if !key.Valid() {
		return ErrNoKey
	}
	k := b.keys
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.closed:
		return errBoardGone
	case len(k.events) > eventRoom-2:
		return ErrNotHeard
	}
	at := k.clock.Now()
	k.events <- hal.KeyEvent{Key: key, Down: true, At: at}
	k.events <- hal.KeyEvent{Key: key, At: at}
	return nil
}

func (k *keys) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.closed {
		k.closed = true
		close(k.events)
	}
}

// hook is the hook switch.
type hook struct {
	clock  Clock
	mu     sync.Mutex // guards what follows, and sends on events
	closed bool
	lifted bool
	events chan hal.HookEvent
}

// newHook returns a hook with the receiver on it.
func newHook(c Clock) *hook {
	h := &hook{clock: c, events: make(chan hal.HookEvent, eventRoom)}
	h.events <- hal.HookEvent{At: c.Now()}
	return h
}

func (h *hook) Hook() <-chan hal.HookEvent { return h.events }

// SetHook lifts the receiver or puts it back. Doing either twice is once.
func (b *Board) SetHook(lifted bool) error {
	h := b.hook
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return errBoardGone
	case h.lifted == lifted:
		return nil
	case len(h.events) == eventRoom:
		return ErrNotHeard
	}
	h.lifted = lifted
	h.events <- hal.HookEvent{Lifted: lifted, At: h.clock.Now()}
	return nil
}

func (h *hook) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.closed = true
		close(h.events)
	}
}
