package handset

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"peerphone/hal"
)

const (
	maxColumns = 20
	maxRows    = 4
)

// face is Face as a value that can be compared.
type face struct {
	tone                     Tone
	ringing, talking, lifted bool
	line                     hal.Light
	text                     [maxRows]string
}

// Face returns what the telephone shows and sounds now.
func (h *Handset) Face() Face {
	f := h.face
	return Face{
		Tone: f.tone, Ringing: f.ringing, Talking: f.talking, Lifted: f.lifted,
		Lamps: map[hal.LampName]hal.Light{
			hal.LampLine:  f.line,
			hal.LampRing:  light(f.ringing, hal.Flash),
			hal.LampInUse: light(f.talking, hal.On),
		},
		Lines: append([]string{}, f.text[:h.rows]...),
	}
}

func light(on bool, l hal.Light) hal.Light {
	if on {
		return l
	}
	return hal.Off
}

func (h *Handset) draw(now time.Time) face {
	f := face{
		tone:    h.tone(),
		ringing: h.state == alerting,
		talking: h.state == talking,
		lifted:  h.state.lifted(),
		line:    lineLights[h.line.State],
	}
	for i, text := range h.lines(now) {
		f.text[i] = fit(text, h.columns)
	}
	return f
}

var lineLights = [...]hal.Light{LoggingIn: hal.Blink, Attaching: hal.Blink, Ready: hal.On, Trouble: hal.Flash}

// tone is what the state sounds like. Without a line there is no dial tone, yet
// a number can be dialled.
func (h *Handset) tone() Tone {
	switch h.state {
	case dialling:
		if h.line.State == Ready {
			return DialTone
		}
		return Congestion
	case calling:
		if h.call.Phase == FarRinging {
			return Ringback
		}
	case finished:
		return h.notice.tone
	case howling:
		return Howler
	}
	return Silent
}

// A notice says why a call is over or never began.
type notice struct {
	tone Tone
	text string
}

var (
	noticeTooShort  = notice{Congestion, "Too few digits"}
	noticeTooLong   = notice{Congestion, "Too many digits"}
	noticeEmergency = notice{Congestion, "No emergency"}
)

// noticeOver is busy where the far phone or its user ended the call, congestion
// where the network could not make it (ITU-T E.182).
func noticeOver(r Reason) notice {
	switch r {
	case ReasonBusy:
		return notice{Busy, "Busy"}
	case ReasonDeclined:
		return notice{Busy, "Declined"}
	case ReasonNoAnswer:
		return notice{Busy, "No answer"}
	case ReasonNotFound:
		return notice{Congestion, "Unknown number"}
	case ReasonUnreachable:
		return notice{Congestion, "Cannot reach"}
	case ReasonVanished:
		return notice{Busy, "Connection lost"}
	case ReasonNoCodec:
		return notice{Congestion, "No common codec"}
	}
	return notice{Busy, "Call ended"}
}

// emergency are the numbers that a person in need tries first.
const emergency = " 000 110 111 112 113 115 117 118 119 911 999 "

func isEmergency(digits string) bool {
	return digits != "" && strings.Contains(emergency, " "+digits+" ")
}

// lines returns at most maxRows lines. The first two stand alone; a taller
// screen shows our own number and the missed calls below.
func (h *Handset) lines(now time.Time) []string {
	first, second := h.headline(now)
	lines := []string{first, second}
	if own := h.own(); h.rows > 2 {
		if first == own {
			own = ""
		}
		lines = append(lines, own)
	}
	if h.rows > 3 {
		lines = append(lines, h.missedLine())
	}
	return lines[:min(len(lines), h.rows)]
}

func (h *Handset) headline(now time.Time) (first, second string) {
	switch h.state {
	case alerting:
		return "Call from", h.who()
	case dialling:
		if h.line.State != Ready {
			return "Not connected", h.lineText()
		}
		return "Dial a number", h.again()
	case collecting:
		return "Dialling", h.digits
	case calling:
		if h.call.Phase == FarRinging {
			return "It rings at", h.who()
		}
		return "Calling", h.who()
	case answering:
		return "Answering", h.who()
	case talking:
		return cmp.Or(h.call.Hold, "Talking") + " " + clock(now.Sub(h.call.Since)), h.who()
	case finished:
		return h.notice.text, h.below()
	case howling, parked:
		return "Put the receiver", "back, please"
	}
	return h.resting()
}

// resting is the display of a phone that nobody uses.
func (h *Handset) resting() (first, second string) {
	switch {
	case h.chosen.dialled != "":
		return "Lift to call", h.chosen.shown
	case h.digits != "":
		return "Lift to dial", h.digits
	case h.line.State != Ready:
		return h.own(), h.lineText()
	case h.missed.count > 0 && h.rows < maxRows:
		return h.own(), h.missedLine()
	}
	return h.own(), "Ready"
}

// below explains a notice.
func (h *Handset) below() string {
	switch h.notice {
	case noticeEmergency:
		return "calls here"
	case noticeTooShort, noticeTooLong:
		return h.digits
	}
	return h.who()
}

// who is the far phone, as well as it is known.
func (h *Handset) who() string {
	switch {
	case h.call.Peer != "" && h.call.Number != "":
		return h.call.Peer + " " + h.call.Number
	case h.call.Peer != "" || h.call.Number != "":
		return h.call.Peer + h.call.Number
	}
	return h.digits
}

func (h *Handset) own() string {
	if h.line.Name == "" {
		return "Peerphone"
	}
	return h.line.Name + " " + h.line.Number
}

func (h *Handset) again() string {
	if h.last == "" {
		return ""
	}
	return "# = " + h.last
}

func (h *Handset) missedLine() string {
	if h.missed.count == 0 {
		return ""
	}
	return fmt.Sprintf("Missed %d: %s", h.missed.count, h.missed.from)
}

func (h *Handset) lineText() string {
	if h.line.Text != "" {
		return h.line.Text
	}
	return [...]string{LoggingIn: "Logging in", Attaching: "Connecting", Ready: "Ready", Trouble: "See the web page"}[h.line.State]
}

// clock prints minutes and seconds; after 99:59 hours and minutes.
func clock(d time.Duration) string {
	s := int(max(d, 0) / time.Second)
	if s >= 6000 {
		return fmt.Sprintf("%dh%02d", min(s/3600, 99), s/60%60)
	}
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}

// fit cuts text to width and replaces what a character display cannot show.
func fit(text string, width int) string {
	b := make([]byte, 0, width)
	for _, r := range text {
		if len(b) == width {
			break
		}
		if r < ' ' || r > '~' {
			r = '?'
		}
		b = append(b, byte(r))
	}
	return strings.TrimRight(string(b), " ")
}
