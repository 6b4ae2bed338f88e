package media

// keyQueue is how many keys may wait for playout to notice them.
const keyQueue = 32

// Key sounds the tone of a key, one of "0123456789*#", after those before it,
// over the call. More than wait already are dropped.
func (e *Engine) Key(key byte) {
	select {
	case e.keys <- key:
		e.playout.poke()
	default:
	}
}

// keys mixes the tones of keys into the next 10 ms.
func (p *playout) keys() {
	for range len(p.e.keys) { // only we take from it
		p.dtmf.Press(<-p.e.keys)
	}
	if !p.dtmf.Silent() {
		p.dtmf.Add(p.pcm[:])
		p.silent = 0
	}
}
