package contacts

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"peerphone/node/identity"
)

func TestLog(t *testing.T) {
	var l Log
	for i := range MaxEntries + 5 {
		e := Entry{Direction: Direction(i % directions), Number: fmt.Sprint(1000 + i), At: noon.Add(time.Duration(i) * time.Minute)}
		if err := l.Add(noon, e); err != nil {
			t.Fatal(err)
		}
	}
	list := l.List()
	if len(list) != MaxEntries || list[0].Number != "1005" || list[MaxEntries-1].Number != "1204" {
		t.Errorf("%d entries from %s to %s", len(list), list[0].Number, list[len(list)-1].Number)
	}
	if got := len(l.Take()); got != MaxEntries+5 {
		t.Errorf("%d events", got)
	}
	if got := l.Missed(noon.Add(198 * time.Minute)); got != 2 {
		t.Errorf("%d missed since 1198, want 2", got)
	}
	l.Clear(noon)
	l.Clear(noon)
	if len(l.List()) != 0 || len(l.Take()) != 1 {
		t.Error("Clear leaves something, or tells twice")
	}
}

// TestSounded: what the log says of the sound belongs to the call before, and
// stays in the file.
func TestSounded(t *testing.T) {
	var l Log
	good := Sound{Score: 108.1, MOS: 4.3, Worst: 91, WorstAt: 3 * time.Second, Mouth: 82 * time.Millisecond, Concealed: 40 * time.Millisecond, Lost: 2}
	wantError(t, l.Sounded(noon, good), ErrBadEntry)
	for _, e := range []Entry{{Number: "1001", Talked: time.Minute}, {Number: "1002", Talked: time.Hour}} {
		if err := l.Add(noon, e); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Sounded(noon, good); err != nil {
		t.Fatal(err)
	}
	wantError(t, l.Sounded(noon, Sound{Score: 1000}), ErrBadEntry)
	list, err := LoadLog(AppendLog(nil, l.List()))
	if err != nil {
		t.Fatal(err)
	}
	if list[0].Sound != (Sound{}) || list[1].Sound != good {
		t.Errorf("the file has %+v and %+v", list[0].Sound, list[1].Sound)
	}
	if err := l.Add(noon, Entry{Number: "1003", Direction: Missed}); err != nil {
		t.Fatal(err)
	}
	wantError(t, l.Sounded(noon, good), ErrBadEntry) // nobody answered
	if got := len(l.Take()); got != 4 {
		t.Errorf("%d events, want 4", got)
	}
}

func TestBadEntries(t *testing.T) {
	for _, e := range []Entry{
		{Direction: directions, Number: "1001"},
		{Number: strings.Repeat("1", maxField+1)},
		{Number: "1\n1"},
		{Number: "1001", Reason: "\xff"},
		{Number: "1001", Talked: -1},
		{Number: "1001", Name: "Not A Name"},
		{Number: "1001", Direction: Missed, Talked: 1},
		{Number: "1001", Sound: Sound{Score: 90}},
		{Number: "1001", Talked: 1, Sound: Sound{Score: 130}},
		{Number: "1001", Talked: 1, Sound: Sound{Worst: -1}},
		{Number: "1001", Talked: 1, Sound: Sound{MOS: 5}},
		{Number: "1001", Talked: 1, Sound: Sound{Concealed: -1}},
		{Number: "1001", At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		var l Log
		wantError(t, l.Add(noon, e), ErrBadEntry)
		if _, err := NewLog([]Entry{e}); err == nil {
			t.Errorf("NewLog takes %+v", e)
		}
	}
}

// fullLog is the largest log that there is.
func fullLog() []Entry {
	var list []Entry
	for i := range MaxEntries {
		list = append(list, Entry{
			Direction: Direction(i % 2), Name: identity.Name("a" + strings.Repeat("b", 31)), Number: strings.Repeat("\"", maxField),
			Account: identity.ID{1, byte(i)}, At: noon.Add(time.Duration(i)), Talked: 1 << 60, Reason: strings.Repeat("<", maxField),
			Sound: Sound{128.123456789, 4.123456789, 1.123456789, 1 << 60, 1 << 60, 1 << 60, 1 << 60},
		})
	}
	return list
}

func TestLogFile(t *testing.T) {
	list := fullLog()
	b := AppendLog(nil, list)
	t.Logf("a full log takes %d bytes", len(b))
	again, err := LoadLog(b)
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		if again[i] != list[i] {
			t.Fatalf("entry %d: %+v, want %+v", i, again[i], list[i])
		}
	}
	_, err = LoadLog(AppendLog(nil, append(list, list[0])))
	wantError(t, err, ErrFile)
	long, err := NewLog(append(list, list[0]))
	if err != nil || len(long.List()) != MaxEntries {
		t.Errorf("NewLog of too many: %v", err)
	}
}
