package webui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"peerphone/node"

	"github.com/chromedp/chromedp"
)

// TestBrowser uses the telephone as people do, in one browser.
func TestBrowser(t *testing.T) {
	b := startChromium(t)
	for _, c := range []struct {
		name string
		try  func(*testing.T, *browser)
	}{
		{"mouse", useMouse},
		{"keyboard", useKeyboard},
		{"without script", useForms},
		{"search", useSearch},
		{"revocation", useRevocation},
		{"plain HTTP", usePlainHTTP},
		{"without stream", askForState},
		{"fault", readFault},
		{"narrow", fitNarrow},
		{"still", standStill},
	} {
		t.Run(c.name, func(t *testing.T) { c.try(t, b) })
	}
}

// wantDid waits until the telephone has done exactly this.
func (p *phone) wantDid(t *testing.T, want string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); p.log() != want; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the telephone did %q, want %q", p.log(), want)
		}
	}
}

// click clicks in the middle of what the selector finds.
func (x *tab) click(selector string) {
	x.t.Helper()
	x.do(chromedp.Click(chromedp.CSS(selector)))
}

const scripted = "document.documentElement.classList.contains('scripts')"

// useMouse uses the telephone with the mouse and sees it change.
func useMouse(t *testing.T, b *browser) {
	p := newPhone()
	x := b.open(t)
	x.do(chromedp.EmulateViewport(1000, 900), chromedp.Navigate(p.serve(t)))
	x.wait(scripted + " && document.getElementById('lcd-text').textContent == 'kitchen 1001\\nReady'")

	x.click("#hook")
	x.wait("document.getElementById('lcd-text').textContent == 'Dial a number'")
	x.wait("document.getElementById('phone').dataset.lifted == 'yes' && document.getElementById('hook-says').textContent == 'Hang up'")
	before := x.text("lcd-text")
	drawn, _ := chromedp.Run(x.ctx, chromedp.Evaluate[string]("document.getElementById('lcd').getAttribute('d')"))
	for _, key := range []string{"1", "0", "0", "2", "hash", "star"} {
		x.click("#key-" + key)
	}
	p.wantDid(t, "lift 1 0 0 2 # *")
	x.wait("document.getElementById('lcd-text').textContent == 'Dialling\\n1002#*'")
	if now, _ := chromedp.Run(x.ctx, chromedp.Evaluate[string]("document.getElementById('lcd').getAttribute('d')")); now == drawn {
		t.Errorf("the display is drawn as when it read %q", before)
	}
	x.click("#hook")
	p.wantDid(t, "lift 1 0 0 2 # * hang up")

	p.become(ringing)
	x.wait("document.getElementById('phone').dataset.ringing == 'yes'")
	x.wait("document.getElementById('lamp-ring').dataset.light == 'flash' && document.getElementById('light-ring').textContent == 'flashing'")
	x.wait("document.getElementById('say').textContent == 'workshop (1002) is calling. Lift the receiver to answer.'")
	x.wait("document.title.startsWith('Ringing: workshop')")
	x.wait("document.getElementById('hook-says').textContent == 'Answer'")
	x.wait("getComputedStyle(document.getElementById('lamp-ring'), '::before').animationName == 'blink'")

	p.become(inCall(60))
	x.wait("document.getElementById('lamp-inuse').dataset.light == 'on' && document.getElementById('phone').dataset.ringing == 'no'")
	x.wait("document.getElementById('delay').points.numberOfItems == 60 && document.querySelectorAll('#seconds tr').length == 10")
	x.wait("document.getElementById('call-safety').textContent.split(' ').length == 12")
	x.wait("document.getElementById('call-state').textContent == 'Talking for 1:02'") // it counts by itself
	p.become(func(s *node.Snapshot) { s.Call.Peer = `<img src=x onerror="console.error(1)">` })
	x.wait("document.getElementById('call-peer').textContent.startsWith('<img')")
	x.wantQuiet()
}

// useKeyboard uses the telephone without a mouse.
func useKeyboard(t *testing.T, b *browser) {
	p := newPhone()
	x := b.open(t)
	x.do(chromedp.EmulateViewport(1000, 900), chromedp.Navigate(p.serve(t)))
	x.wait(scripted)

	press := func(keys string) { x.do(chromedp.KeyEvent(keys)) }
	press(" ")
	p.wantDid(t, "lift")
	x.wait("document.getElementById('hook').value == 'false'")
	press("12*#")
	p.wantDid(t, "lift 1 2 * #")
	press("h")
	p.wantDid(t, "lift 1 2 * # hang up")

	// A control that has the focus wants space for itself.
	walk := func() string {
		press("\t")
		id, err := chromedp.Run(x.ctx, chromedp.Evaluate[string]("document.activeElement.id"))
		if err != nil {
			t.Fatal(err)
		}
		style, err := chromedp.Run(x.ctx, chromedp.Evaluate[string]("getComputedStyle(document.activeElement).outlineStyle"))
		if err != nil || style != "solid" {
			t.Errorf("the focus at %s is drawn %q, %v", id, style, err)
		}
		return id
	}
	for _, want := range []string{"hook", "key-1", "key-2"} {
		if got := walk(); got != want {
			t.Fatalf("tab leads to %q, want %q", got, want)
		}
	}
	press(" ")
	p.wantDid(t, "lift 1 2 * # hang up 2")
	press("\r")
	p.wantDid(t, "lift 1 2 * # hang up 2 2")
	for _, want := range strings.Fields("key-3 key-4 key-5 key-6 key-7 key-8 key-9 key-star key-0 key-hash typing still") {
		if got := walk(); got != want {
			t.Fatalf("tab leads to %q, want %q", got, want)
		}
	}

	// The owner may switch the shortcuts off (WCAG 2.1.4).
	x.click("#typing")
	press("7h")
	x.click("#key-9")
	p.wantDid(t, "lift 1 2 * # hang up 2 2 9")
	x.wantQuiet()
}

// useForms dials by forms alone, and sees a call come in
// because the page loads itself anew.
func useForms(t *testing.T, b *browser) {
	p := newPhone()
	x := b.open(t)
	x.withoutScript()
	url := p.serve(t)
	x.do(chromedp.EmulateViewport(1000, 900), chromedp.Navigate(url))
	if script, err := chromedp.Run(x.ctx, chromedp.Evaluate[bool](scripted)); err != nil || script {
		t.Fatalf("the script runs: %v, %v", script, err)
	}
	display := func(want string) {
		t.Helper()
		x.wait(fmt.Sprintf("document.readyState == 'complete' && document.getElementById('lcd-text').textContent == %q", want))
	}
	display("kitchen 1001\nReady")
	x.click("#hook")
	display("Dial a number")
	for i, key := range []string{"1", "0", "0", "2"} {
		x.click("#key-" + key)
		display("Dialling\n" + "1002"[:i+1])
		x.wait("document.activeElement.id == 'key-" + key + "'") // the focus stays
	}
	p.wantDid(t, "lift 1 0 0 2")
	x.click("#hook")
	display("kitchen 1001\nReady")

	p.become(ringing)
	x.wait("document.getElementById('lamp-ring').dataset.light == 'flash'") // within five seconds, by itself

	x.click("noscript a")
	x.wait("location.search == '?still' && document.documentElement.dataset.motion == 'still'")
	x.wait("getComputedStyle(document.getElementById('lamp-ring'), '::before').animationName == 'none'")
	x.click("#hook")
	p.wantDid(t, "lift 1 0 0 2 hang up lift")
	x.wait("location.search == '?still'")
	x.wantQuiet()
}

// usePlainHTTP dials by forms under a name for which browsers send no
// fetch metadata, so that the Origin header alone tells the page from others.
func usePlainHTTP(t *testing.T, b *browser) {
	p := newPhone()
	x := b.open(t)
	x.withoutScript()
	x.do(chromedp.Navigate(strings.Replace(p.serve(t), "127.0.0.1", "phone.test", 1)))
	x.click("#hook")
	p.wantDid(t, "lift")
	x.wait("document.getElementById('lcd-text').textContent == 'Dial a number'")
}

// askForState takes all streams: the page asks instead.
func askForState(t *testing.T, b *browser) {
	p := newPhone()
	url := p.serve(t)
	for range maxStreams {
		defer hold(t, url+"/api/v1/events")()
	}
	x := b.open(t)
	x.do(chromedp.Navigate(url))
	x.wait(scripted)
	p.become(ringing)
	x.wait("document.getElementById('lamp-ring').dataset.light == 'flash'")
}

// readFault shows what went wrong when the telephone does not obey.
func readFault(t *testing.T, b *browser) {
	p := newPhone()
	x := b.open(t)
	x.do(chromedp.EmulateViewport(1000, 900), chromedp.Navigate(p.serve(t)))
	x.wait(scripted)
	p.mu.Lock()
	p.fails = errStuck
	p.mu.Unlock()
	x.click("#key-1")
	x.wait("document.getElementById('fault').textContent.includes('the keypad is stuck')")
	p.mu.Lock()
	p.fails = nil
	p.mu.Unlock()
	x.click("#key-1")
	x.wait("document.getElementById('fault').textContent == ''")
}

// fitNarrow looks for anything that does not fit in 320 px, and for
// targets smaller than 24 px (WCAG 2.5.8).
func fitNarrow(t *testing.T, b *browser) {
	for name, state := range map[string]func(*node.Snapshot){
		"ready": func(*node.Snapshot) {}, "ringing": ringing, "call": inCall(4000), "refused": refused, "found": foundTwo, "hostile": hostile(strings.Repeat("W", 60)),
	} {
		t.Run(name, func(t *testing.T) {
			p := newPhone()
			p.become(state)
			x := b.open(t)
			x.do(chromedp.EmulateViewport(320, 640), chromedp.Navigate(p.serve(t)))
			x.wait(scripted)
			x.do(chromedp.Evaluate[chromedp.Void]("document.querySelector('details').open = true"))
			if width, err := chromedp.Run(x.ctx, chromedp.Evaluate[int]("document.documentElement.scrollWidth")); err != nil || width > 320 {
				wide, _ := chromedp.Run(x.ctx, chromedp.Evaluate[string](`[...document.querySelectorAll('body *')]
					.filter(e => e.getBoundingClientRect().right > 320 && !e.closest('.scroll')).map(e => e.tagName + '#' + e.id).join(' ')`))
				t.Errorf("the page is %d px wide, %v: %s", width, err, wide)
			}
			small, err := chromedp.Run(x.ctx, chromedp.Evaluate[string](`[...document.querySelectorAll('button, label, summary, a')]
				.filter(e => { const r = e.getBoundingClientRect(); return r.width && (r.width < 24 || r.height < 24) && !e.closest('p a') })
				.map(e => e.id || e.tagName).join(' ')`))
			if err != nil || small != "" {
				t.Errorf("too small to hit: %s, %v", small, err)
			}
			x.wantQuiet()
		})
	}
}

// standStill looks for movement where none is wanted.
func standStill(t *testing.T, b *browser) {
	p := newPhone()
	p.become(ringing)
	x := b.open(t)
	x.prefer("prefers-reduced-motion", "reduce")
	x.do(chromedp.Navigate(p.serve(t)))
	x.wait(scripted + " && document.getAnimations().length == 0")
	x.prefer("prefers-reduced-motion", "no-preference")
	x.wait("document.getAnimations().length > 0")
	x.click("#still")
	x.wait("document.getAnimations().length == 0")
	x.do(chromedp.Reload())
	x.wait(scripted + " && document.getAnimations().length == 0") // it is remembered
	x.wantQuiet()
}
