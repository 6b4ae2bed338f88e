package webui

import (
	"net/http"
	"strconv"
	"strings"

	"peerphone/node"
)

// switches are the settings that are on or off, by their names in the API.
var switches = map[string]func(*node.Settings) *bool{
	"always_relay":   func(s *node.Settings) *bool { return &s.AlwaysRelay },
	"unlisted":       func(s *node.Settings) *bool { return &s.Unlisted },
	"searchable":     func(s *node.Settings) *bool { return &s.Searchable },
	"check_releases": func(s *node.Settings) *bool { return &s.CheckReleases },
}

// setSwitches turns settings on and off: an object or a form whose fields are
// names of switches.
func (u *UI) setSwitches(w http.ResponseWriter, r *http.Request) {
	wish := map[string]bool{}
	err := decode(r, &wish, func(f form) error { return readSwitches(f, wish) })
	if err == nil {
		err = checkSwitches(wish)
	}
	if err == nil && u.owner == nil {
		err = badRequest{http.StatusNotFound, "There is nothing to be set here."}
	}
	u.obey(w, r, err, "#settings", func() error {
		return u.owner.Configure(r.Context(), func(s *node.Settings) {
			for name, on := range wish {
				*switches[name](s) = on
			}
		})
	})
}

// readSwitches reads a form; what it says of the page itself is left out.
func readSwitches(f form, wish map[string]bool) error {
	for name := range f {
		if name == still || name == moving {
			continue
		}
		s, err := f.one(name)
		if err != nil {
			return err
		}
		if s != "true" && s != "false" {
			return badInput(quote(name) + ` is true or false, not ` + quote(s) + `.`)
		}
		wish[name] = s == "true"
	}
	return nil
}

func checkSwitches(wish map[string]bool) error {
	for name := range wish {
		if switches[name] == nil {
			return badInput("There is no setting " + quote(name) + ".")
		}
	}
	if len(wish) == 0 {
		return badInput(`Name a setting, such as {"check_releases":false}.`)
	}
	return nil
}

// viewSettings shows the switches; each button turns its one the other way.
func viewSettings(p parts, s node.Settings) {
	for name, of := range switches {
		on := *of(&s)
		p[name+"@value"] = strconv.FormatBool(!on)
		p[name] = map[bool]string{true: "On. Turn off", false: "Off. Turn on"}[on]
	}
}

// viewRelease tells of newer versions.
func viewRelease(p parts, s node.Snapshot) {
	p["release"] = releaseWords(s.Release, s.Version)
}

func releaseWords(r node.ReleaseView, running string) string {
	running = strings.TrimPrefix(running, "v")
	switch r.State {
	case node.ReleaseWaiting:
		return "You have " + running + ". Nobody has been asked yet whether there is a newer one."
	case node.ReleaseCurrent:
		return "You have " + running + ", the newest."
	case node.ReleaseNewer:
		return r.Newest + " is there; you have " + running + "." + notesWords(r)
	case node.ReleaseOther:
		return "You have " + running + ", which is no release; the newest is " + r.Newest + "." + notesWords(r)
	case node.ReleaseFailed:
		return "You have " + running + ". Whether there is a newer one could not be found out: " + r.Problem + "."
	}
	return "You have " + running + ". No address is set at which to ask for a newer one."
}

func notesWords(r node.ReleaseView) string {
	if r.Notes == "" {
		return ""
	}
	return " What is new: " + r.Notes
}
