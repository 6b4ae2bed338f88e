package webui

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"peerphone/node"

	"github.com/chromedp/chromedp"
)

var shots = flag.String("shots", "", "folder to write pictures of the page to")

// TestShots writes pictures of the page, for people to look at.
func TestShots(t *testing.T) {
	if *shots == "" {
		t.Skip("no folder given with -shots")
	}
	b := startChromium(t)
	for _, shot := range []struct {
		name          string
		width, height int64
		scheme        string
		state         func(*node.Snapshot)
	}{
		{"desktop", 1280, 860, "light", nil},
		{"dark", 1280, 860, "dark", nil},
		{"ringing", 1280, 860, "light", ringing},
		{"call", 1280, 1000, "light", inCall(138)},
		{"call-dark", 1280, 1000, "dark", inCall(138)},
		{"refused", 1280, 860, "light", refused},
		{"narrow", 320, 640, "light", nil},
		{"narrow-ringing", 320, 640, "dark", ringing},
		{"narrow-call", 320, 640, "light", inCall(1000)},
		{"tablet", 768, 1000, "light", inCall(20)},
	} {
		t.Run(shot.name, func(t *testing.T) {
			p := newPhone()
			talkedBefore(&p.snapshot)
			if shot.state != nil {
				shot.state(&p.snapshot)
			}
			x := b.open(t)
			x.prefer("prefers-color-scheme", shot.scheme)
			x.do(chromedp.EmulateViewport(shot.width, shot.height), chromedp.Navigate(p.serve(t)))
			time.Sleep(450 * time.Millisecond)
			png, err := chromedp.Run(x.ctx, chromedp.FullScreenshot(100))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(*shots, shot.name+".png"), png, 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}
