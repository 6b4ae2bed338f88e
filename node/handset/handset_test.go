package handset

import (
	"slices"
	"testing"
	"time"

	"peerphone/hal"
)

// A user has a telephone in front of him.
type user struct {
	t   *testing.T
	now time.Time
	h   *Handset
}

func newUser(t *testing.T, cfg Config) *user {
	u := &user{t, noon, New(cfg)}
	u.h.Line(u.now, LineView{State: Ready, Name: "kitchen", Number: "1001"})
	u.h.Take()
	return u
}

func (u *user) lift()    { u.h.Hook(u.now, true) }
func (u *user) putBack() { u.h.Hook(u.now, false) }

func (u *user) press(keys string) {
	for _, k := range []byte(keys) {
		u.h.Key(u.now, hal.Key(k))
	}
}

func (u *user) wait(d time.Duration) {
	for end := u.now.Add(d); ; {
		next := u.h.Next()
		if next.IsZero() || next.After(end) {
			u.now = end
			return
		}
		u.now = next
		u.h.Advance(u.now)
	}
}

func (u *user) call(p Phase) {
	u.h.Call(u.now, CallView{Phase: p, Peer: "workshop", Number: "1002", Since: u.now})
}

func (u *user) over(r Reason) {
	u.h.Call(u.now, CallView{Phase: Over, Peer: "workshop", Number: "1002", Reason: r, Since: u.now})
}

// want takes the intents since the last time.
func (u *user) want(want ...Event) {
	u.t.Helper()
	got := slices.DeleteFunc(u.h.Take(), func(e Event) bool { return e == FaceChanged{} })
	if !slices.Equal(got, want) {
		u.t.Fatalf("events %#v, want %#v", got, want)
	}
}

func (u *user) wantTone(want Tone) {
	u.t.Helper()
	if got := u.h.Face().Tone; got != want {
		u.t.Fatalf("tone is %v, want %v", got, want)
	}
}

func (u *user) wantLines(want ...string) {
	u.t.Helper()
	if got := u.h.Face().Lines; !slices.Equal(got, want) {
		u.t.Fatalf("display shows %q, want %q", got, want)
	}
}

func TestCallFromHere(t *testing.T) {
	u := newUser(t, Config{})
	u.wantLines("kitchen 1001", "Ready")
	u.lift()
	u.wantTone(DialTone)
	u.press("1")
	u.wantTone(Silent)
	u.press("002")
	u.wantLines("Dialling", "1002")
	u.want()
	u.press("#")
	u.want(Dial{"1002"})
	u.wantLines("Calling", "1002")
	u.call(Calling)
	u.wantTone(Silent)
	u.call(FarRinging)
	u.wantTone(Ringback)
	u.wantLines("It rings at", "workshop 1002")
	u.call(Talking)
	u.wantTone(Silent)
	if f := u.h.Face(); !f.Talking || f.Lamps[hal.LampInUse] != hal.On {
		t.Errorf("talking: %+v", f)
	}
	u.wait(62 * time.Second)
	u.wantLines("Talking 01:02", "workshop 1002")
	u.press("5")
	u.want(Digit{'5'})
	u.over(ReasonHungUpThere)
	u.wantTone(Busy)
	u.wantLines("Call ended", "workshop 1002")
	u.putBack()
	u.wantTone(Silent)
	u.want()
	u.wantLines("kitchen 1001", "Ready")
}

func TestCallFromThere(t *testing.T) {
	u := newUser(t, Config{})
	u.call(HereRinging)
	if f := u.h.Face(); !f.Ringing || f.Lamps[hal.LampRing] != hal.Flash {
		t.Errorf("ringing: %+v", f)
	}
	u.wantLines("Call from", "workshop 1002")
	u.putBack() // it is back
	u.press("5")
	u.want()
	u.lift()
	u.want(Answer{})
	if u.h.Face().Ringing {
		t.Error("it rings on after lifting")
	}
	u.call(Talking)
	u.putBack()
	u.want(HangUp{})
	if f := u.h.Face(); f.Talking || f.Lamps[hal.LampInUse] != hal.Off {
		t.Errorf("after putting back: %+v", f)
	}
}

func TestNumberEndsByItself(t *testing.T) {
	u := newUser(t, Config{})
	u.lift()
	u.press("100")
	u.wait(interDigit - 1)
	u.press("2")
	u.wait(interDigit - 1)
	u.want()
	u.wait(1)
	u.want(Dial{"1002"})
}

// TestNoCall are the numbers that are not dialled.
func TestNoCall(t *testing.T) {
	for _, c := range []struct {
		keys  string
		lines []string
	}{
		{"12#", []string{"Too few digits", "12"}},
		{"12345678901", []string{"Too many digits", "12345678901"}},
		{"112#", []string{"No emergency", "calls here"}},
		{"911", []string{"No emergency", "calls here"}},
	} {
		u := newUser(t, Config{})
		u.lift()
		u.press(c.keys)
		u.wait(interDigit)
		u.want()
		u.wantTone(Congestion)
		u.wantLines(c.lines...)
		u.press("1002#")
		u.want()
	}
}

func TestRedial(t *testing.T) {
	u := newUser(t, Config{})
	u.lift()
	u.press("#")
	u.want()
	u.wantTone(DialTone)
	u.press("1002#")
	u.over(ReasonBusy)
	u.wantTone(Busy)
	u.putBack()
	u.lift()
	u.wantLines("Dial a number", "# = 1002")
	u.h.Take()
	u.press("#")
	u.want(Dial{"1002"})
}

func TestStarClears(t *testing.T) {
	u := newUser(t, Config{})
	u.lift()
	u.press("99*")
	u.wantTone(DialTone)
	u.press("1002#")
	u.want(Dial{"1002"})
}

func TestReasonsSound(t *testing.T) {
	for reason, want := range map[Reason]Tone{
		ReasonBusy: Busy, ReasonDeclined: Busy, ReasonNoAnswer: Busy, ReasonVanished: Busy, ReasonHungUpThere: Busy,
		ReasonNotFound: Congestion, ReasonUnreachable: Congestion, ReasonNoCodec: Congestion,
	} {
		u := newUser(t, Config{})
		u.lift()
		u.press("1002#")
		u.over(reason)
		u.wantTone(want)
	}
}

// TestForgottenReceiver howls, and gives up.
func TestForgottenReceiver(t *testing.T) {
	u := newUser(t, Config{})
	u.lift()
	u.wait(howlAfter - 1)
	u.wantTone(DialTone)
	u.wait(1)
	u.wantTone(Howler)
	u.wait(howlFor)
	u.wantTone(Silent)
	u.call(HereRinging) // node refuses calls now; if not, we do
	u.want(HangUp{})
	u.over(ReasonDeclined)
	u.putBack()
	u.lift()
	u.wantTone(DialTone)
}

func TestMissed(t *testing.T) {
	u := newUser(t, Config{})
	u.call(HereRinging)
	u.over(ReasonHungUpThere)
	u.wantLines("kitchen 1001", "Missed 1: 1002")
	u.call(HereRinging)
	u.over(ReasonNoAnswer)
	u.wantLines("kitchen 1001", "Missed 2: 1002")
	u.call(HereRinging)
	u.over(ReasonDeclined) // from the page
	u.wantLines("kitchen 1001", "Missed 2: 1002")
	u.lift()
	u.putBack()
	u.wantLines("kitchen 1001", "Ready")
	u.call(HereRinging)
	u.lift()
	u.over(ReasonVanished)
	u.wantTone(Busy)
	u.putBack()
	u.wantLines("kitchen 1001", "Ready")
}

func TestTypedOnHook(t *testing.T) {
	u := newUser(t, Config{})
	u.press("1002")
	u.wantLines("Lift to dial", "1002")
	u.press("#")
	u.want()
	u.wantLines("kitchen 1001", "Ready")
	u.press("10")
	u.wait(showTyped)
	u.wantLines("kitchen 1001", "Ready")
	u.press("12345678901234")
	u.wantLines("Lift to dial", "1234567890")
	u.lift()
	u.wantTone(DialTone)
	u.want()
}

func TestLine(t *testing.T) {
	u := newUser(t, Config{})
	for _, c := range []struct {
		line  LineView
		light hal.Light
		text  string
	}{
		{LineView{State: LoggingIn}, hal.Blink, "Logging in"},
		{LineView{State: Attaching}, hal.Blink, "Connecting"},
		{LineView{State: Trouble, Text: "Wrong password"}, hal.Flash, "Wrong password"},
		{LineView{State: Trouble}, hal.Flash, "See the web page"},
		{LineView{State: 77}, hal.Flash, "See the web page"},
	} {
		u.h.Line(u.now, c.line)
		u.wantLines("Peerphone", c.text)
		if got := u.h.Face().Lamps[hal.LampLine]; got != c.light {
			t.Errorf("%v: lamp is %v, want %v", c.line.State, got, c.light)
		}
	}
	u.lift()
	u.wantTone(Congestion)
	u.h.Line(u.now, LineView{State: Ready})
	u.wantTone(DialTone)
	u.h.Line(u.now, LineView{State: Attaching})
	u.h.Take()
	u.press("1002#")
	u.want(Dial{"1002"}) // the call says what is wrong
}

// TestScreens fits the largest and the smallest screen.
func TestScreens(t *testing.T) {
	u := newUser(t, Config{Columns: 20, Lines: 4})
	u.wantLines("kitchen 1001", "Ready", "", "")
	u.h.Call(u.now, CallView{Phase: HereRinging, Peer: "Bärbel\n\x00 aus dem langen Haus", Number: ""})
	u.wantLines("Call from", "B?rbel?? aus dem lan", "kitchen 1001", "")

	u = newUser(t, Config{Columns: 500, Lines: 50})
	if f := u.h.Face(); len(f.Lines) != maxRows {
		t.Errorf("%d lines", len(f.Lines))
	}
	u = newUser(t, Config{Columns: 8, Lines: 1})
	u.wantLines("kitchen")
}

func TestClock(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "00:00", 59 * time.Second: "00:59", 5999 * time.Second: "99:59",
		6000 * time.Second: "1h40", 1000 * time.Hour: "99h00",
	} {
		if got := clock(d); got != want {
			t.Errorf("clock(%v) = %q, want %q", d, got, want)
		}
	}
}

// FuzzUser presses and lifts at random: nothing may panic, and the receiver on
// the hook is silent.
func FuzzUser(f *testing.F) {
	f.Add([]byte("L1002#aPb"))
	f.Fuzz(func(t *testing.T, script []byte) {
		u := newUser(t, Config{Columns: 20, Lines: 4})
		for _, b := range script {
			switch {
			case hal.Key(b).Valid():
				u.press(string(b))
			case b == 'L', b == 'P':
				u.h.Hook(u.now, b == 'L')
			case b >= 'a' && b < 'a'+6:
				u.call(Phase(b - 'a'))
			default:
				u.wait(time.Duration(b) * time.Second)
			}
			u.h.Take()
			if f := u.h.Face(); !f.Lifted && f.Tone != Silent {
				t.Fatalf("%q: tone %v on the hook", script, f.Tone)
			}
		}
	})
}
