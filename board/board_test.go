package board

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestEveryProfile loads every data file; a board that cannot be loaded must
// not be built into a program.
func TestEveryProfile(t *testing.T) {
	names := Names()
	for _, want := range []Name{"none", "sim"} {
		if !slices.Contains(names, want) {
			t.Errorf("Names() = %v, want %q among them", names, want)
		}
	}
	for _, name := range names {
		p, err := Load(name)
		if err != nil {
			t.Errorf("Load(%q): %v", name, err)
			continue
		}
		if p.Name != name {
			t.Errorf("Load(%q).Name = %q", name, p.Name)
		}
	}
}

func TestTelephone(t *testing.T) {
	for name, want := range map[Name]bool{"sim": true, "none": false} {
		p, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Telephone(); got != want {
			t.Errorf("%s: Telephone() = %v, want %v", name, got, want)
		}
	}
}

func TestUnknown(t *testing.T) {
	for _, name := range []Name{"", "pdp11", "../board", "sim.toml"} {
		_, err := Load(name)
		if !errors.Is(err, ErrUnknown) {
			t.Errorf("Load(%q) = %v, want ErrUnknown", name, err)
			continue
		}
		if !strings.Contains(err.Error(), "none, sim") {
			t.Errorf("Load(%q): %q does not list the boards", name, err)
		}
	}
}

func TestBadProfiles(t *testing.T) {
	const good = "title = 'A'\nabout = 'B'\n"
	for _, c := range []struct{ about, text, want string }{
		{"unknown key", good + "keybad = 'sim'\n", "missing"},
		{"no title", "about = 'B'\n", "title"},
		{"no about", "title = 'A'\n", "about"},
		{"odd rate", good + "[sound]\ndriver = 'sim'\nrate = 12345\n", "sound.rate 12345"},
		{"rate alone", good + "[sound]\nrate = 16000\n", "without sound.driver"},
		{"lamps without driver", good + "[lamps]\nnames = ['line']\n", "lamps"},
		{"tiny screen", good + "[screen]\ndriver = 'sim'\ncolumns = 2\nlines = 1\n", "screen"},
	} {
		_, err := parse("test", []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.about, err, c.want)
		}
	}
	if _, err := parse("Test", []byte(good)); err == nil {
		t.Error("a name with a capital letter was accepted")
	}
	if _, err := parse("test", []byte(good)); err != nil {
		t.Errorf("the smallest profile: %v", err)
	}
}
