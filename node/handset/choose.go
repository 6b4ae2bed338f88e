package handset

import (
	"time"

	"peerphone/node/identity"
)

// showChosen is how long a choice waits for the receiver to be lifted.
const showChosen = 30 * time.Second

// choice is whom to call, as chosen elsewhere than on the keypad.
type choice struct {
	dialled string // number or name; "": nobody
	shown   string
}

// Choose takes whom to call, a number or a name, as chosen on the page. With the
// receiver off it is dialled at once; on the hook, when it is lifted soon.
func (h *Handset) Choose(now time.Time, dialled, shown string) {
	switch h.state {
	case onHook:
		h.digits, h.chosen = "", choice{dialled, shown}
		h.wait(now, showChosen)
	case dialling, collecting, finished:
		h.chosen = choice{dialled, shown}
		h.sendChosen(now)
	}
	h.refresh(now)
}

// sendChosen dials whom was chosen.
func (h *Handset) sendChosen(now time.Time) {
	h.digits = h.chosen.shown
	if _, err := identity.ParseNumber(h.chosen.dialled); err == nil {
		h.last = h.chosen.dialled
	}
	h.call, h.notice = CallView{}, notice{}
	h.emit(Dial{h.chosen.dialled})
	h.chosen = choice{}
	h.enter(now, calling, 0)
}
