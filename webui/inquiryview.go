package webui

import (
	"encoding/json"
	"errors"
	"net/http"
	"unicode/utf8"

	"peerphone/node"
)

// maxWords bounds what may be searched for, in bytes.
const maxWords = 200

// searchWords looks for people by the words of their names, or brings more of those
// whom the last search has found.
func (u *UI) searchWords(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Words string `json:"words"`
		More  bool   `json:"more"`
	}
	err := decode(r, &body, func(f form) (err error) {
		if body.More = len(f["more"]) > 0; !body.More {
			body.Words, err = f.one("words")
		}
		return err
	})
	switch {
	case err != nil:
	case !body.More && body.Words == "":
		err = badInput(`Give one word of a name at least, such as {"words":"anna"}.`)
	case len(body.Words) > maxWords || !utf8.ValidString(body.Words):
		err = badInput("That is too long to be searched for, or no text.")
	}
	u.ask(w, r, err, "#search", func() error {
		if body.More {
			return u.owner.InquireMore(r.Context())
		}
		return u.owner.Inquire(r.Context(), body.Words)
	})
}

// lookUp looks for whoever has a number or a name, and answers when that is known.
func (u *UI) lookUp(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Who string `json:"who"`
	}
	err := decode(r, &body, func(f form) (err error) { body.Who, err = f.one("who"); return err })
	if err == nil && u.owner == nil {
		err = badRequest{http.StatusNotFound, "Nobody can be looked for from here."}
	}
	var bad badRequest
	if errors.As(err, &bad) {
		refuse(w, r, bad.status, bad.detail)
		return
	}
	found, err := u.owner.LookUp(r.Context(), body.Who)
	if errors.Is(err, node.ErrNotWho) {
		refuse(w, r, http.StatusBadRequest, quote(body.Who)+" is neither a number nor a name.")
		return
	}
	if err != nil {
		refuse(w, r, http.StatusServiceUnavailable, "The telephone did not obey: "+err.Error()+". Try again; if it stays so, restart the telephone.")
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(found); err != nil {
		u.log.Debug("webui: an answer was not taken", "err", err)
	}
}

// useFound calls somebody whom the last search has found, or makes him a contact.
func (u *UI) useFound(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Call string `json:"call"`
		Add  string `json:"add"`
	}
	err := decode(r, &body, func(f form) (err error) {
		if _, ok := f["call"]; ok {
			body.Call, err = f.one("call")
			return err
		}
		body.Add, err = f.one("add")
		return err
	})
	if err == nil && (body.Call == "") == (body.Add == "") {
		err = badInput(`Name whom to call or to add, such as {"call":"anna"}.`)
	}
	u.ask(w, r, err, "#search", func() error {
		if body.Call != "" {
			return u.owner.CallFound(r.Context(), body.Call)
		}
		return u.owner.AddFound(r.Context(), body.Add)
	})
}

// ask does what a request asks of the node for its owner.
func (u *UI) ask(w http.ResponseWriter, r *http.Request, err error, where string, do func() error) {
	if err == nil && u.owner == nil {
		err = badRequest{http.StatusNotFound, "There is no node here that could do that."}
	}
	u.obey(w, r, err, where, do)
}

// viewInquiry shows whom the last search by words has found, and how sure that is.
func viewInquiry(p parts, s node.Snapshot) {
	rows := [][]any{}
	for _, f := range s.Inquiry.Found {
		row := []any{f.Display, f.Name, orElse(f.Number, "not listed"), button{"call", f.Name, "Call", "Call " + f.Display}}
		if f.Contact {
			row = append(row, "a contact")
		} else {
			row = append(row, button{"add", f.Name, "Add", "Add " + f.Display + " to the contacts"})
		}
		rows = append(rows, row)
	}
	p["matches"] = rows
	p["searched"] = inquiryWords(s.Inquiry)
	p["found-fault"] = s.Inquiry.Problem
	p["search-more@data-some"] = yes(s.Inquiry.More && s.Inquiry.Settled)
	p["searchable-says"] = searchableWords(s)
}

// inquiryWords never say more than is known.
func inquiryWords(q node.InquiryView) string {
	found := count(len(q.Found), "one match", "matches")
	if len(q.Found) == 1 {
		found = "One match"
	}
	switch {
	case q.Words == "":
		return ""
	case !q.Settled && len(q.Found) == 0:
		return "Searching."
	case !q.Settled:
		return found + " so far. Searching on."
	case q.Outcome == "nobody":
		return "Nobody has these words in a name and wants to be found by them."
	case q.Outcome == "cannot tell":
		return "It cannot be told now whether there is anybody: too few supernodes answer. Try again in a moment."
	case q.Whole:
		return found + "; there is nobody else."
	case q.More:
		return found + " so far; there are more."
	}
	return found + " so far; perhaps there are more. Another word of the name brings others."
}

// searchableWords say by which name the owner is found, or would be.
func searchableWords(s node.Snapshot) string {
	const offer = "Let others find me by the words of my name"
	switch name := s.Self.Display; {
	case name == "":
		return offer + ": none is set (account.display in the configuration)"
	case !s.Settings.Searchable:
		return offer + ", “" + name + "”"
	case s.Inquiry.Public == 0:
		return offer + ", “" + name + "”: not yet; the login server has to certify it, at most four names a month"
	default:
		return offer + ", “" + name + "”: you are found by " + count(s.Inquiry.Public, "word", "words")
	}
}
