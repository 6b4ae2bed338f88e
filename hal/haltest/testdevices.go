package haltest

import (
	"testing"
	"time"

	"peerphone/hal"
)

// patience is how long an event may take.
const patience = time.Second

// TestKeypad runs the conformance tests of a keypad: press presses one of its
// keys and lets it go, remove takes it away.
func TestKeypad(t *testing.T, keypad hal.Keypad, press func(hal.Key), remove func()) {
	for _, key := range []hal.Key("0123456789*#") {
		press(key)
		for _, down := range []bool{true, false} {
			e, ok := next(t, keypad.Keys())
			if !ok || e.Key != key || e.Down != down || e.At == 0 {
				t.Fatalf("key %v: got %+v, want down %v", key, e, down)
			}
		}
	}
	// Nobody reads: the keypad must not block whoever presses.
	for range 200 {
		press('5')
	}
	remove()
	n := 0
	for range keypad.Keys() {
		n++
	}
	if n == 0 || n > 100 {
		t.Errorf("%d events waited for a reader, want a few", n)
	}
}

// TestHook runs the conformance tests of a hook switch with the receiver on it.
func TestHook(t *testing.T, hook hal.Hook, set func(lifted bool), remove func()) {
	if e, ok := next(t, hook.Hook()); !ok || e.Lifted || e.At == 0 {
		t.Fatalf("at the start: got %+v, want it on the hook", e)
	}
	for _, lifted := range []bool{true, false, true} {
		set(lifted)
		if e, ok := next(t, hook.Hook()); !ok || e.Lifted != lifted || e.At == 0 {
			t.Fatalf("got %+v, want lifted %v", e, lifted)
		}
	}
	for i := range 200 {
		set(i%2 == 1)
	}
	remove()
	for range hook.Hook() {
	}
}

// TestLamp runs the conformance tests of a lamp; shows may be nil where nobody
// can see it.
func TestLamp(t *testing.T, lamp hal.Lamp, shows func() hal.Light) {
	for _, light := range []hal.Light{hal.On, hal.Blink, hal.Flash, hal.Flash, hal.Off} {
		if err := lamp.Light(light); err != nil {
			t.Fatalf("%v: %v", light, err)
		}
		if shows != nil && shows() != light {
			t.Errorf("it shows %v, want %v", shows(), light)
		}
	}
}

// TestScreen runs the conformance tests of a screen; shows may be nil where
// nobody can read it.
func TestScreen(t *testing.T, screen hal.Screen, shows func() []string) {
	columns, lines := screen.Size()
	if columns < 8 || lines < 1 {
		t.Fatalf("%d columns, %d lines: no screen of a telephone", columns, lines)
	}
	wide := make([]rune, columns+5)
	for i := range wide {
		wide[i] = 'ä'
	}
	all := make([]string, lines+2)
	for i := range all {
		all[i] = string(wide)
	}
	for _, picture := range [][]string{{"hello"}, nil, all, {"", "second"}} {
		if err := screen.Show(picture); err != nil {
			t.Fatalf("%q: %v", picture, err)
		}
		if shows == nil {
			continue
		}
		got := shows()
		if len(got) > lines {
			t.Errorf("it shows %d lines of %d", len(got), lines)
		}
		for i, l := range got {
			want := []rune(picture[i])
			if want = want[:min(len(want), columns)]; l != string(want) {
				t.Errorf("line %d: got %q, want %q", i, l, string(want))
			}
		}
	}
}

// TestRinger runs the conformance tests of a ringer; rings may be nil where
// nobody can hear it.
func TestRinger(t *testing.T, ringer hal.Ringer, rings func() bool) {
	for _, on := range []bool{true, true, false, false, true, false} {
		if err := ringer.Ring(on); err != nil {
			t.Fatalf("%v: %v", on, err)
		}
		if rings != nil && rings() != on {
			t.Errorf("ringing is %v, want %v", rings(), on)
		}
	}
}

func next[E any](t *testing.T, events <-chan E) (e E, ok bool) {
	t.Helper()
	select {
	case e, ok = <-events:
		return e, ok
	case <-time.After(patience):
		t.Fatal("no event came")
		return e, false
	}
}
