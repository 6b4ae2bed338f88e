package session

import (
	"net"
	"sync"
)

// flights is a connection in a handshake: what is written waits until the
// answer is read for, so that each flight leaves in one piece. The last one of
// TLS and the preface after it are one packet then, where they were two, with
// two acknowledgements.
type flights struct {
	net.Conn

	mu     sync.Mutex
	held   []byte // guarded by mu
	landed bool   // guarded by mu; nothing waits any more
}

// Write implements net.Conn.
func (f *flights) Write(b []byte) (int, error) {
	f.mu.Lock()
	if !f.landed {
		f.held = append(f.held, b...)
		f.mu.Unlock()
		return len(b), nil
	}
	f.mu.Unlock()
	return f.Conn.Write(b)
}

// Read implements net.Conn.
func (f *flights) Read(b []byte) (int, error) {
	if err := f.flush(false); err != nil {
		return 0, err
	}
	return f.Conn.Read(b)
}

// land ends the handshake, well or not: what waits is written, be it an alert.
func (f *flights) land() error { return f.flush(true) }

// flush writes what waits, and lets nothing wait any more if this is the last.
func (f *flights) flush(last bool) error {
	f.mu.Lock()
	held := f.held
	f.held, f.landed = nil, f.landed || last
	f.mu.Unlock()
	if len(held) == 0 {
		return nil
	}
	_, err := f.Conn.Write(held)
	return err
}
