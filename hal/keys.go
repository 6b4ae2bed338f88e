package hal

// Key is one key of a telephone: '0' to '9', '*' or '#'.
type Key byte

// Valid reports whether k is a key that a telephone has.
func (k Key) Valid() bool { return k >= '0' && k <= '9' || k == '*' || k == '#' }

func (k Key) String() string { return string(rune(k)) }

// KeyEvent is a key going down or up, already debounced.
type KeyEvent struct {
	Key  Key
	Down bool
	At   Instant
}

// Keypad delivers key events. The channel is closed when the keypad is gone.
// A driver drops the newest events when nobody reads them.
type Keypad interface {
	Keys() <-chan KeyEvent
}

// HookEvent is the receiver being lifted or put back, already debounced.
type HookEvent struct {
	Lifted bool
	At     Instant
}

// Hook delivers hook events; the first one tells the state at the start. The
// channel is closed when the hook is gone.
type Hook interface {
	Hook() <-chan HookEvent
}
