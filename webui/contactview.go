package webui

import (
	"strconv"
	"time"

	"peerphone/node"
)

// shownContacts bounds the list on the page; the interface for programs has all.
const shownContacts = 100

// viewContacts shows whom the telephone knows, and who can be reached.
func viewContacts(p parts, list []node.ContactView, now time.Time) {
	rows := [][]string{}
	for _, c := range list[:min(len(list), shownContacts)] {
		rows = append(rows, []string{orElse(c.Display, orElse(c.Name, c.Number)), c.Number, presenceWords(c, now)})
	}
	p["contacts"] = rows
	p["contacts-none"] = map[bool]string{true: "No contacts yet."}[len(list) == 0]
	if more := len(list) - shownContacts; more > 0 {
		p["contacts-none"] = "And " + strconv.Itoa(more) + " more."
	}
}

// presenceWords never say more than is known, and how old that is.
func presenceWords(c node.ContactView, now time.Time) string {
	switch {
	case !c.Watched:
		return "unknown; you can see it after a call with each other"
	case c.State == "unknown" && c.At.IsZero():
		return "unknown"
	case c.State == "unknown":
		return "unknown, last heard of " + ago(now.Sub(c.At))
	case c.At.IsZero():
		return c.State
	}
	return c.State + ", as of " + ago(now.Sub(c.At))
}

// ago words a duration as roughly as one speaks of it.
func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "just now"
	case d < 2*time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + "\u00a0min ago"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d/time.Hour)) + "\u00a0h ago"
	}
	return strconv.Itoa(int(d/(24*time.Hour))) + "\u00a0days ago"
}
