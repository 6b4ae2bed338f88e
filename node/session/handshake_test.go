package session

import (
	"testing"
	"time"
)

func TestHandshake(t *testing.T) {
	for _, r := range []Role{AsNode, AsPhone} {
		t.Run(r.String(), func(t *testing.T) {
			w := newWorld(t, 1)
			a, b := w.join("kitchen"), w.join("workshop")
			ia := a.dial(b, r)
			w.run(time.Second)
			if got := a.wantUp(b, r); got != ia {
				t.Fatalf("up is %d, dialled %d", got, ia)
			}
			ib := b.wantUp(a, r)
			if !a.ups[0].Initiator || b.ups[0].Initiator {
				t.Error("who dialled is told wrongly")
			}
			must(t, a.table.Send(w.now, ia, []byte("hello")))
			a.drain()
			must(t, b.table.Send(w.now, ib, []byte("there")))
			b.drain()
			w.run(time.Second)
			if len(b.messages[ib]) != 1 || b.messages[ib][0] != "hello" || len(a.messages[ia]) != 1 {
				t.Fatalf("messages: %v, %v", a.messages, b.messages)
			}
			t.Logf("%s: %d bytes in %d frames there, %d in %d back, CPU %v and %v\n%s", r, a.bytes, a.frames, b.bytes, b.frames, a.cpu, b.cpu, w.tail())
		})
	}
}
