package media

// Pulser is a Sender that looks after its ways each 10 ms, also when no packet
// is full: it is asked by the capture goroutine and neither blocks nor
// allocates.
type Pulser interface{ Pulse() }

// pulse lets the route look after its ways.
func (l *Leg) pulse() {
	if r := l.route.Load(); r != nil {
		if p, ok := r.Sender.(Pulser); ok {
			p.Pulse()
		}
	}
}
