// Package board knows the boards that a telephone can be built on: one data
// file per board, named for it, with the drivers that it needs.
//
// A board is added by adding its file here; the program that opens the
// drivers, firmware/peerphone, reads the Profile.
package board

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// ErrUnknown says that there is no board of that name; the error that wraps
// it lists the names there are.
var ErrUnknown = errors.New("board: unknown board")

// Name is the name of a board, as in the configuration: lower-case letters,
// digits and hyphens.
type Name string

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

//go:embed *.toml
var files embed.FS

// Names lists every board, in alphabetical order.
func Names() []Name {
	found, err := fs.Glob(files, "*.toml")
	if err != nil {
		panic("board: " + err.Error()) // the pattern is ours and constant
	}
	names := make([]Name, len(found))
	for i, file := range found {
		names[i] = Name(strings.TrimSuffix(file, ".toml"))
	}
	slices.Sort(names)
	return names
}

// Load reads the profile of a board. It returns ErrUnknown for a name that no
// board has.
func Load(name Name) (Profile, error) {
	if !slices.Contains(Names(), name) {
		return Profile{}, fmt.Errorf("%w %q: there are %s", ErrUnknown, name, listed())
	}
	text, err := files.ReadFile(string(name) + ".toml")
	if err != nil {
		return Profile{}, fmt.Errorf("board: %w", err)
	}
	return parse(name, text)
}

// parse reads one data file; a key that Profile does not have is an error.
func parse(name Name, text []byte) (Profile, error) {
	p := Profile{Name: name}
	d := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return Profile{}, fmt.Errorf("board: %s.toml: %w", name, err)
	}
	if err := p.check(); err != nil {
		return Profile{}, fmt.Errorf("board: %s.toml: %w", name, err)
	}
	return p, nil
}

func listed() string {
	var s []string
	for _, n := range Names() {
		s = append(s, string(n))
	}
	return strings.Join(s, ", ")
}
