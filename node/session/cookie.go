package session

import (
	"net/netip"
	"time"
)

// cookieLife is how long a cookie is good at least; at most twice as long.
const cookieLife = 30 * time.Second

// cookieJar makes and knows cookies without remembering them: a cookie is a
// MAC of the attempt and its source under a secret that changes.
type cookieJar struct {
	now, before macKey
	turned      time.Time // when now was drawn; zero: never
}

// turn draws a new secret when it is time.
func (j *cookieJar) turn(now time.Time, draw func([]byte)) {
	if !j.turned.IsZero() && now.Sub(j.turned) < cookieLife {
		return
	}
	j.before, j.turned = j.now, now
	draw(j.now[:])
	if j.before == (macKey{}) {
		draw(j.before[:])
	}
}

// cookie returns the cookie for the attempt in f from source.
func (j *cookieJar) cookie(f *frame, source netip.AddrPort) [macSize]byte {
	return j.now.sum(cookieText(f, source))
}

// good reports whether f shows a cookie of this jar.
func (j *cookieJar) good(f *frame, source netip.AddrPort) bool {
	if len(f.cookie) != macSize {
		return false
	}
	text := cookieText(f, source)
	return j.now.sum(text) == [macSize]byte(f.cookie) || j.before.sum(text) == [macSize]byte(f.cookie)
}

func cookieText(f *frame, source netip.AddrPort) []byte {
	text := append([]byte("cookie"), f.attempt[:]...)
	text = append(text, byte(f.from>>16), byte(f.from>>8), byte(f.from))
	text, _ = source.AppendBinary(text)
	return text
}

// Bounce is a frame to be sent back to where the first flight that was just
// handled came from: there is no session yet. To is what HandleFrom was given.
type Bounce struct {
	To    netip.AddrPort
	Frame []byte
}

func (Bounce) event() {}

// bounce asks the sender of the first flight f to come again with a cookie.
func (t *Table) bounce(f *frame, key macKey, source netip.AddrPort) {
	t.counts.Retried++
	if f.offset != 0 {
		return // one answer to a flight of several frames
	}
	cookie := t.jar.cookie(f, source)
	answer := frame{kind: retryFrame, to: f.from, attempt: f.attempt, cookie: cookie[:]}
	t.emit(Bounce{source, key.append(answer.append(nil))})
}
