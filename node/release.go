package node

import "time"

// ReleaseView says whether a newer version of this program is there.
type ReleaseView struct {
	State   string    `json:"state"`             // one of the words below
	Newest  string    `json:"newest,omitempty"`  // that its makers have signed, without "v"
	Notes   string    `json:"notes,omitempty"`   // HTTPS address of what has changed in it
	Problem string    `json:"problem,omitempty"` // for the owner, in "failed"
	Asked   time.Time `json:"asked,omitzero"`    // when it was last asked for
}

// The words of ReleaseView.State.
const (
	ReleaseOff     = "off"     // nobody is asked, for there is no address
	ReleaseWaiting = "waiting" // nobody has been asked yet
	ReleaseCurrent = "current" // no newer one is there
	ReleaseNewer   = "newer"
	ReleaseOther   = "other"  // what runs is no release, so Newest cannot be compared with it
	ReleaseFailed  = "failed" // it could not be asked, or the answer not believed
)

// SetRelease tells what is known of the newest release.
func (n *Node) SetRelease(v ReleaseView) {
	n.release.Store(&v)
	n.watch.wake()
}

// releaseView returns what SetRelease told last.
func (n *Node) releaseView() ReleaseView {
	if v := n.release.Load(); v != nil {
		return *v
	}
	return ReleaseView{State: ReleaseOff}
}
