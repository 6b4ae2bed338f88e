package trace

import (
	"errors"
	"math"
	"reflect"
	"testing"
	"time"
)

func TestTraceIsReadAsItWasWritten(t *testing.T) {
	for _, kind := range Kinds() {
		made := mustMake(t, kind, 1, 20*time.Second)
		read, err := Parse(made.Append(nil))
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		if !reflect.DeepEqual(read, made) {
			t.Errorf("%s: not the same after writing and reading", kind)
		}
	}
}

func mustMake(t testing.TB, kind string, seed uint64, length time.Duration) Trace {
	t.Helper()
	made, err := Make(kind, seed, length)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestSeeds(t *testing.T) {
	for _, kind := range Kinds() {
		a, again, b := mustMake(t, kind, 1, time.Minute), mustMake(t, kind, 1, time.Minute), mustMake(t, kind, 2, time.Minute)
		if !reflect.DeepEqual(a, again) {
			t.Errorf("%s: one seed gives two traces", kind)
		}
		if reflect.DeepEqual(a.Packets, b.Packets) {
			t.Errorf("%s: two seeds give one trace", kind)
		}
		if len(a.Packets) != 3000 {
			t.Errorf("%s: %d packets in a minute, want 3000", kind, len(a.Packets))
		}
		for _, p := range a.Packets {
			if d := p.Arrived - p.Sent; !p.Lost && (d < -time.Second || d > 2*time.Second) {
				t.Fatalf("%s: packet %d takes %v", kind, p.Seq, d)
			}
		}
	}
	if _, err := Make("pigeon", 1, time.Second); !errors.Is(err, ErrKind) {
		t.Errorf("an unknown kind: %v, want ErrKind", err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct {
		text string
		want error
	}{
		{"", ErrEmpty},
		{"# nothing\n", ErrEmpty},
		{"0 0", ErrForm},
		{"0 0 1 2", ErrForm},
		{"x 0 1", ErrForm},
		{"-1 0 1", ErrForm},
		{"0 NaN 1", ErrForm},
		{"0 0 1e30", ErrForm},
	} {
		if _, err := Parse([]byte(c.text)); !errors.Is(err, c.want) {
			t.Errorf("%q: %v, want %v", c.text, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("# a\n0 0.000 1.5\n1 20 -1\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := Parse(text)
		if err != nil {
			return
		}
		b, err := Parse(a.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Packets) != len(a.Packets) {
			t.Fatalf("%d packets, %d after writing", len(a.Packets), len(b.Packets))
		}
	})
}

// The figures of the comparison with NetEQ, as published with its traces.
func TestR(t *testing.T) {
	for _, c := range []struct{ delay, concealed, want float64 }{
		{0, 0, 93.2},
		{70, 0, 93.2},
		{70, .01, 89.56},
		{20, .251, 45.7},
	} {
		if got := R(c.delay, c.concealed); math.Abs(got-c.want) > .01 {
			t.Errorf("R(%v ms, %v) = %.2f, want %.2f", c.delay, c.concealed, got, c.want)
		}
	}
}
