package board

import (
	"errors"
	"fmt"
)

// Driver names the code that works a part of the board; firmware/peerphone
// knows them all. The empty Driver: the board does not have that part.
type Driver string

// Profile is what one data file says about a board.
type Profile struct {
	Name  Name   `toml:"-"`     // from the file's name
	Title string `toml:"title"` // for people, at most 40 characters
	About string `toml:"about"` // one sentence for the list of boards

	Sound  Sound  `toml:"sound"`
	Keypad Driver `toml:"keypad"`
	Hook   Driver `toml:"hook"`
	Ringer Driver `toml:"ringer"`
	Lamps  Lamps  `toml:"lamps"`
	Screen Screen `toml:"screen"`
}

// Sound is the sound card of a board.
type Sound struct {
	Driver Driver `toml:"driver"`
	Rate   int    `toml:"rate"` // samples per second: one of those of hal.Rates
}

// Lamps are the lamps of a board, by the meaning that hal gives each name.
type Lamps struct {
	Driver Driver   `toml:"driver"`
	Names  []string `toml:"names"`
}

// Screen is the display of a board.
type Screen struct {
	Driver  Driver `toml:"driver"`
	Columns int    `toml:"columns"`
	Lines   int    `toml:"lines"`
}

// Telephone reports whether the board can be used to talk: it has sound, keys
// and a hook. A board that is none only serves the network.
func (p Profile) Telephone() bool {
	return p.Sound.Driver != "" && p.Keypad != "" && p.Hook != ""
}

// check refuses a profile that no program could use.
func (p Profile) check() error {
	switch {
	case !nameForm.MatchString(string(p.Name)):
		return fmt.Errorf("name %q: want lower-case letters, digits and hyphens", p.Name)
	case p.Title == "" || len(p.Title) > 40:
		return fmt.Errorf("title of %d bytes: want 1 to 40", len(p.Title))
	case p.About == "":
		return errors.New("about is missing")
	}
	return errors.Join(p.Sound.check(), p.Lamps.check(), p.Screen.check())
}

func (s Sound) check() error {
	if s.Driver == "" && s.Rate == 0 {
		return nil
	}
	switch s.Rate {
	case 8000, 16000, 24000, 32000, 44100, 48000:
	default:
		return fmt.Errorf("sound.rate %d: want 8000, 16000, 24000, 32000, 44100 or 48000", s.Rate)
	}
	if s.Driver == "" {
		return errors.New("sound.rate without sound.driver")
	}
	return nil
}

func (l Lamps) check() error {
	if (l.Driver == "") != (len(l.Names) == 0) {
		return errors.New("lamps: a driver and names, or neither")
	}
	return nil
}

func (s Screen) check() error {
	if s.Driver == "" && s.Columns == 0 && s.Lines == 0 {
		return nil
	}
	if s.Driver == "" || s.Columns < 16 || s.Columns > 80 || s.Lines < 1 || s.Lines > 16 {
		return fmt.Errorf("screen %q of %d x %d: want a driver, 16 to 80 columns, 1 to 16 lines", s.Driver, s.Columns, s.Lines)
	}
	return nil
}
