package webui

import (
	"net/http"

	"peerphone/node"
)

// revokePhone lets nobody believe another phone of the account any more.
func (u *UI) revokePhone(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Phone string `json:"phone"`
	}
	err := decode(r, &body, func(f form) (err error) { body.Phone, err = f.one("phone"); return })
	if err == nil && body.Phone == "" {
		err = badInput(`Name the phone, as the list of this account's phones does.`)
	}
	u.ask(w, r, err, "#phones", func() error { return u.owner.RevokePhone(r.Context(), body.Phone) })
}

// viewPhones shows the phones of the account, if there is more than this one.
func viewPhones(p parts, list []node.PhoneView) {
	rows := [][]any{}
	for _, phone := range list {
		row := []any{phone.ID, "this one"}
		if !phone.Self {
			row[1] = button{"phone", phone.ID, "Revoke for good", "Revoke the phone " + phone.ID + " for good"}
		}
		rows = append(rows, row)
	}
	p["phones-list"] = rows
	p["phones@data-some"] = yes(len(list) > 1)
}
