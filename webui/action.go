package webui

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
)

// keys are the keys of a telephone, in the order of its keypad.
const keys = "123456789*0#"

// pressKey presses and releases one key.
func (u *UI) pressKey(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Key string `json:"key"`
	}
	err := decode(r, &body, func(f form) (err error) { body.Key, err = f.one("key"); return })
	if err == nil && (len(body.Key) != 1 || !strings.Contains(keys, body.Key)) {
		err = badInput("A telephone has no key " + quote(body.Key) + `. "key" is one of 0 to 9, * and #.`)
	}
	u.act(w, r, err, "#key-"+keyNames[body.Key], func() error { return u.appliance.Press(body.Key[0]) })
}

// moveHook lifts the receiver or puts it back.
func (u *UI) moveHook(w http.ResponseWriter, r *http.Request) {
	lifted, err := decodeSwitch(r, "lifted", "true lifts the receiver, false puts it back")
	u.act(w, r, err, "#hook", func() error { return u.appliance.Hook(lifted) })
}

// holdCall puts the call on hold or takes it back.
func (u *UI) holdCall(w http.ResponseWriter, r *http.Request) {
	on, err := decodeSwitch(r, "on", "true puts the call on hold, false takes it back")
	if err == nil && u.owner == nil {
		err = badRequest{http.StatusNotFound, "There is no call to be held here."}
	}
	u.obey(w, r, err, "#call", func() error { return u.owner.Hold(r.Context(), on) })
}

// decodeSwitch reads a body of one field that is true or false; means says which
// does what.
func decodeSwitch(r *http.Request, field, means string) (on bool, err error) {
	body := map[string]*bool{}
	err = decode(r, &body, func(f form) error {
		s, err := f.one(field)
		switch on := s == "true"; {
		case err != nil:
			return err
		case s != "true" && s != "false":
			return badInput(quote(field) + ` is true or false, not ` + quote(s) + `.`)
		default:
			body[field] = &on
			return nil
		}
	})
	for name := range body {
		if err == nil && name != field {
			err = badInput("There is no field " + quote(name) + ".")
		}
	}
	if err == nil && body[field] == nil {
		err = badInput("The field " + quote(field) + " is missing: " + means + ".")
	}
	return err == nil && *body[field], err
}

// act does what a request asks of the telephone's hardware, unless the request
// itself is at fault, and answers: a form is led back to the page, where it was;
// a program gets 204.
func (u *UI) act(w http.ResponseWriter, r *http.Request, err error, where string, do func() error) {
	if err == nil && u.appliance == nil {
		err = badRequest{http.StatusNotFound, "There is no key to press and no receiver to lift from here. Use those on the telephone itself, if there is one."}
	}
	u.obey(w, r, err, where, do)
}

// obey does what a request asks unless err says that it must not.
func (u *UI) obey(w http.ResponseWriter, r *http.Request, err error, where string, do func() error) {
	var bad badRequest
	if errors.As(err, &bad) {
		refuse(w, r, bad.status, bad.detail)
		return
	}
	if err := do(); err != nil {
		u.log.Warn("webui: the telephone did not obey", "path", r.URL.Path, "err", err)
		refuse(w, r, http.StatusServiceUnavailable, "The telephone did not obey: "+err.Error()+". Try again; if it stays so, restart the telephone.")
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	if isForm(r) {
		back := "/"
		if r.PostForm.Has(still) {
			back += "?" + still
		}
		http.Redirect(w, r, back+where, http.StatusSeeOther)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// badRequest is an error of whoever made the request.
type badRequest struct {
	status int
	detail string
}

func (b badRequest) Error() string { return "webui: " + b.detail }

func badInput(detail string) error { return badRequest{http.StatusBadRequest, detail} }

// form is a parsed form.
type form map[string][]string

// one returns the only value of a field.
func (f form) one(name string) (string, error) {
	if len(f[name]) != 1 {
		return "", badInput("The form needs the field " + quote(name) + " exactly once.")
	}
	return f[name][0], nil
}

// decode reads the body of r: JSON into v, or a form through take.
func decode(r *http.Request, v any, take func(form) error) error {
	switch mediaType(r) {
	case "application/json":
		return decodeJSON(r.Body, v)
	case "application/x-www-form-urlencoded":
		if err := r.ParseForm(); err != nil {
			return unreadable(err, "The form cannot be read.")
		}
		return take(form(r.PostForm))
	}
	return badRequest{http.StatusUnsupportedMediaType, "The body has to be application/json, or a form as application/x-www-form-urlencoded."}
}

// decodeJSON reads exactly one value; unknown fields are refused on purpose,
// so that a misspelt one is noticed.
func decodeJSON(body io.Reader, v any) error {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return unreadable(err, `The body is not what is expected here. Send one JSON object such as {"key":"5"} or {"lifted":true}.`)
	}
	if _, err := d.Token(); err != io.EOF {
		return unreadable(err, "Something follows the JSON object. Send one object and nothing else.")
	}
	return nil
}

func unreadable(err error, detail string) error {
	if tooBig := (*http.MaxBytesError)(nil); errors.As(err, &tooBig) {
		return badRequest{http.StatusRequestEntityTooLarge, "The body is larger than 64 kB. Nothing here needs more than a few bytes."}
	}
	if err != nil {
		detail += " (" + clip(err.Error()) + ")"
	}
	return badInput(detail)
}

func mediaType(r *http.Request) string {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

func isForm(r *http.Request) bool { return mediaType(r) == "application/x-www-form-urlencoded" }

func quote(s string) string { return `"` + clip(s) + `"` }
