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
	switch phase(s.Call.State) {
	case searching:
		return "Looking for " + orElse(s.Call.Number, peer) + "."
	case connecting:
		return "Found " + peer + ". Getting through to it."
	case farRinging:
		return "It rings at " + peer + "."
	case hereRinging:
		return capital(peer) + " is calling. Lift the receiver to answer."
	case talking:
		return "Talking with " + peer + ", encrypted from end to end."
	}
	switch {
	case s.Face.Ringing:
		return "It rings. Lift the receiver to answer."
	case s.Face.Lifted && phase(s.Call.State) == ended && (s.Face.Tone == "busy" || s.Face.Tone == "congestion"):
		return "The call is over: " + reasonWords(s.Call.Reason) + ". Put the receiver back."
	case s.Face.Lifted:
		return "Dial a number, then #."
	case s.Login.State != "in":
		return loginWords(s)
	case len(s.Network.Homes) == 0:
		return "Looking for the network. Nobody can call this telephone yet."
	}
	return "Ready. Lift the receiver, dial a number, then #."
}

func titleWords(s node.Snapshot) string {
	title := strings.TrimSpace(s.Self.Name+" "+s.Self.Number) + " · Peerphone"
	switch phase(s.Call.State) {
	case hereRinging:
		return "Ringing: " + peerWords(s.Call) + " · " + title
	case talking:
		return "In a call · " + title
	}
	return strings.TrimPrefix(title, " · ")
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

func homesWords(s node.Snapshot) string {
	homes := s.Network.Homes
	switch n := len(homes); n {
	case 0:
		return "None yet."
	default:
		return fmt.Sprintf("%d: %s", n, strings.Join(homes, ", ")) + publishedWords(s)
	}
}

func publishedWords(s node.Snapshot) string {
	switch n := s.Network.Published; {
	case !s.Self.Phone:
		return ""
	case n == 0:
		return "; not to be found by others yet"
	default:
		return fmt.Sprintf("; found through %s", count(n, "published copy", "published copies"))
	}
}

func servesWords(n node.NetworkView) string {
	known := count(n.Members, "supernode", "supernodes")
	if !n.Supernode {
		return "No; knows " + known + "."
	}
	return fmt.Sprintf("Yes: %s, %s of the index; knows %s.", count(n.Attached, "phone", "phones"), count(n.Records, "record", "records"), known)
}

func addressWords(n node.NetworkView) string {
	switch {
	case n.Listen == "":
		return "None yet."
	case n.Observed == "" || n.Observed == n.Listen:
		return n.Listen
	}
	return n.Listen + ", seen from outside as " + n.Observed
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
