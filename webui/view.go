package webui

import (
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"peerphone/node"
)

// keyNames are the keys as they appear in the page's IDs.
var keyNames = map[string]string{
	"1": "1", "2": "2", "3": "3", "4": "4", "5": "5", "6": "6", "7": "7", "8": "8", "9": "9",
	"*": "star", "0": "0", "#": "hash",
}

// shades is the number of colours that a telephone comes in (page.css).
const shades = 6

// view chooses every word and line of the page that depends on the node.
func view(s node.Snapshot, now time.Time) parts {
	p := parts{}
	viewSelf(p, s)
	viewFace(p, s)
	viewCall(p, s, now)
	viewContacts(p, s.Contacts, now)
	viewInquiry(p, s)
	viewPhones(p, s.Phones)
	viewLog(p, s.Calls, now)
	viewRelease(p, s)
	viewSettings(p, s.Settings)
	viewSound(p, s.Call)
	return p
}

// viewSelf shows who and where the node is.
func viewSelf(p parts, s node.Snapshot) {
	p["name"], p["number"] = orElse(s.Self.Name, namelessWords(s.Self)), s.Self.Number
	p["title"] = titleWords(s)
	p["say"] = sayWords(s)
	p["body@data-shade"] = shade(s.Self)
	p["body@data-phone"] = yes(s.Self.Phone)
	p["login"] = loginWords(s)
	p["login@data-state"] = s.Login.State
	p["problem"] = s.Login.Problem
	p["homes"] = homesWords(s.Network)
	p["found"] = foundWords(s)
	p["serves"] = servesWords(s.Network)
	p["address"] = addressWords(s.Network)
	p["nat"] = natWords(s.Network.NAT)
	p["foot"] = "Peerphone " + orElse(s.Version, "of unknown version") + ", node " + orElse(s.Self.Node, "unknown") + "."
}

// viewFace shows what the telephone shows.
func viewFace(p parts, s node.Snapshot) {
	lines := fit(s.Face.Lines)
	p["lcd@d"] = dots(lines)
	p["lcd-text"] = strings.TrimSpace(strings.TrimRight(lines[0], " ") + "\n" + strings.TrimRight(lines[1], " "))
	for _, lamp := range []string{"line", "ring", "inuse"} {
		light := s.Face.Lamps[lamp]
		p["lamp-"+lamp+"@data-light"] = orElse(light, "off")
		p["light-"+lamp] = lightWords(light)
	}
	p["phone@data-lifted"] = yes(s.Face.Lifted)
	p["phone@data-ringing"] = yes(s.Face.Ringing)
	p["phone@data-busy"] = yes(s.Face.Lifted || s.Face.Ringing)
	p["hook@value"] = strconv.FormatBool(!s.Face.Lifted)
	p["hook-says"] = hookWords(s.Face)
}

// shade gives every number its colour, so that two telephones side by side
// are told apart.
func shade(s node.Self) string {
	h := fnv.New32a()
	h.Write([]byte(s.Name + s.Number))
	return strconv.Itoa(int(h.Sum32() % shades))
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
