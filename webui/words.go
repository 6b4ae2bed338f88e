package webui

import (
	"fmt"
	"strings"

	"peerphone/node"
)

// sayWords is the one sentence under the telephone: what it does and what its
// owner can do now.
func sayWords(s node.Snapshot) string {
	peer := peerWords(s.Call)
	switch phases[s.Call.State] {
	case searching:
		return "Looking for " + orElse(s.Call.Number, peer) + "."
	case connecting:
		return "Found " + peer + ". Getting through to it."
	case farRinging:
		return "It rings at " + peer + "."
	case hereRinging:
		return peer + " is calling. Lift the receiver to answer."
	case talking:
		return "Talking with " + peer + ", encrypted from end to end."
	}
	switch {
	case s.Face.Ringing:
		return "It rings. Lift the receiver to answer."
	case s.Face.Lifted && isNotice(s.Face):
		return s.Face.Lines[0] + ". Put the receiver back."
	case s.Face.Lifted:
		return "Dial a number, then #."
	case s.Login.State != "in":
		return loginWords(s)
	case len(s.Network.Homes) == 0:
		return "Looking for the network. Nobody can call this telephone yet."
	}
	return "Ready. Lift the receiver, dial a number, then #."
}

// isNotice reports whether the display says why no call came about.
func isNotice(f node.FaceView) bool {
	return (f.Tone == "busy" || f.Tone == "congestion" || f.Tone == "howler") && len(f.Lines) > 0
}

func titleWords(s node.Snapshot) string {
	title := strings.TrimSpace(s.Self.Name+" "+s.Self.Number) + " · Peerphone"
	switch phases[s.Call.State] {
	case hereRinging:
		return "Ringing: " + peerWords(s.Call) + " · " + title
	case talking:
		return "In a call · " + title
	}
	return strings.TrimPrefix(title, " · ")
}

func namelessWords(s node.Self) string {
	if s.Phone {
		return "No name yet"
	}
	return "Supernode"
}

func hookWords(f node.FaceView) string {
	switch {
	case f.Lifted:
		return "Hang up"
	case f.Ringing:
		return "Answer"
	}
	return "Lift"
}

// loginWords tells the state of the account.
func loginWords(s node.Snapshot) string {
	switch s.Login.State {
	case "in":
		return "Logged in" + until(s.Login)
	case "asking":
		return "Logging in."
	case "waiting":
		return "Waiting for the login server; it is asked again by itself" + until(s.Login)
	case "refused":
		return "The login server refused this telephone."
	case "none", "":
		if !s.Self.Phone {
			return "No telephone here: this node serves others."
		}
		return "This telephone has no account yet."
	}
	return capital(s.Login.State) + "."
}

func until(l node.Login) string {
	if l.Expires.IsZero() {
		return "."
	}
	return "; the certificate is good until " + l.Expires.UTC().Format("2 January 2006") + "."
}

func homesWords(n node.NetworkView) string {
	if len(n.Homes) == 0 {
		return "None yet."
	}
	return count(len(n.Homes), "supernode: ", "supernodes: ") + strings.Join(n.Homes, ", ")
}

func foundWords(s node.Snapshot) string {
	switch n := s.Network.Published; {
	case !s.Self.Phone:
		return "No: there is no telephone here."
	case n == 0:
		return "Not yet."
	default:
		return "Yes, by " + count(n, "published copy", "published copies") + " of its name and number."
	}
}

func servesWords(n node.NetworkView) string {
	known := count(n.Members, "supernode", "supernodes")
	if !n.Supernode {
		return "No; knows " + known + "."
	}
	return fmt.Sprintf("Yes: %s, %s of the index; knows %s. %s", count(n.Attached, "phone", "phones"), count(n.Records, "record", "records"), known, relayWords(n.Relay))
}

// relayWords say what is carried for others, and what the owner allows.
func relayWords(r node.RelayView) string {
	cap := "no cap"
	if r.Cap > 0 {
		cap = "a cap of " + megabytes(r.Cap)
	}
	return fmt.Sprintf("Relays %s; %s this month, with %s.", count(r.Pairs, "call", "calls"), megabytes(r.Month.Bytes), cap)
}

func megabytes(n uint64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

func addressWords(n node.NetworkView) string {
	switch {
	case n.Listen == "":
		return "None yet."
	case n.Observed == "" || n.Observed == n.Listen:
		return n.Listen
	}
	return n.Listen + ", seen from outside as " + n.Observed
}

// routers says what each kind of router means for its owner.
var routers = map[string]string{
	"open":                 "none in between: this telephone can be reached from outside.",
	"firewall":             "a firewall, without translation; calls go straight through it.",
	"full cone":            "full cone: whoever knows the address gets in; calls go straight.",
	"address-restricted":   "address-restricted; calls go straight.",
	"port-restricted":      "port-restricted, as most at home are; calls go straight with most others.",
	"endpoint-independent": "friendly to telephones; calls go straight with most others.",
	"symmetric":            "symmetric, as in many offices and mobile networks; some calls go through a helper.",
	"UDP blocked":          "a firewall that lets no UDP pass; calls go through a helper, by TCP.",
	"web ports only":       "a firewall that lets only the web pass; calls go through a helper, by TCP.",
	"no way out":           "no way out to the network.",
}

func natWords(n node.NATView) string {
	if n.Learnt.IsZero() {
		return "Not known yet."
	}
	words, ok := routers[n.Kind]
	if !ok {
		return "Not known yet."
	}
	words = strings.ToUpper(words[:1]) + words[1:]
	if n.Granted != "" {
		words += " It has opened a port for this telephone: " + n.Granted + "."
	}
	return words
}

func lightWords(light string) string {
	switch light {
	case "on":
		return "on"
	case "blink":
		return "blinking"
	case "flash":
		return "flashing"
	}
	return "off"
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func capital(s string) string {
	if s == "" || s[0] >= 0x80 {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
