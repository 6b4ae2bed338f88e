package webui

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is a headless Chromium in which tabs show the page.
type browser struct{ ctx context.Context }

// startChromium starts the browser. It is missing on some desks, but not where
// the project is tested for everyone.
func startChromium(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no chromium here; on Debian: apt-get install chromium")
		}
		t.Skip("no chromium here")
	}
	if testing.Short() {
		t.Skip("a browser takes seconds")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP phone.test 127.0.0.1"),
		chromedp.UserDataDir(t.TempDir()),
	)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, _ = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		end, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		chromedp.Cancel(end) // waits for it, so that its folder can go
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting chromium: %v", err)
	}
	return &browser{ctx}
}

// serve makes p's page reachable and returns its address.
func (p *phone) serve(t *testing.T) string {
	t.Helper()
	u := New(Config{Node: p, Appliance: p, Owner: p, Hosts: []string{"127.0.0.1", "phone.test"}})
	s := httptest.NewServer(u)
	t.Cleanup(func() { u.Close(); s.Close() })
	return s.URL
}

// tab is one page in the browser. What the browser complains about is kept.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string
}

func (b *browser) open(t *testing.T) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	ctx, stop := context.WithTimeout(ctx, 10*time.Minute)
	x := &tab{t: t, ctx: ctx}
	t.Cleanup(func() { stop(); cancel() })
	if err := chromedp.Listen(ctx, x.hear); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, audits.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	return x
}

// hear keeps errors, warnings and violations of the policy.
func (x *tab) hear(event any) {
	var complaint string
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		complaint = fmt.Sprintf("console.%s", e.Type)
	case *runtime.EventExceptionThrown:
		complaint = fmt.Sprintf("exception: %+v", e.ExceptionDetails)
	case *log.EventEntryAdded:
		complaint = fmt.Sprintf("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL)
	case *audits.EventIssueAdded:
		complaint = fmt.Sprintf("issue: %s %+v", e.Issue.Code, e.Issue.Details)
	default:
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.complaints = append(x.complaints, complaint)
}

func (x *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	x.t.Helper()
	if err := chromedp.Do(x.ctx, steps...); err != nil {
		x.t.Fatal(err)
	}
}

// wait waits until a JavaScript expression holds. It asks from outside, so it
// works without script in the page and across loads.
func (x *tab) wait(expression string) {
	x.t.Helper()
	var got any
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		ok, err := chromedp.Run(x.ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if got = err; ok && err == nil {
			return
		}
	}
	text, _ := chromedp.Run(x.ctx, chromedp.Evaluate[string]("document.body.innerText"))
	x.t.Fatalf("waited in vain for %s (%v); the page reads:\n%s", expression, got, text)
}

// text returns what an element reads.
func (x *tab) text(id string) string {
	x.t.Helper()
	s, err := chromedp.Run(x.ctx, chromedp.Evaluate[string](fmt.Sprintf("document.getElementById(%q).textContent", id)))
	if err != nil {
		x.t.Fatal(err)
	}
	return s
}

// wantQuiet fails if the browser complained about anything.
func (x *tab) wantQuiet() {
	x.t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, c := range x.complaints {
		x.t.Errorf("the browser complains: %s", c)
	}
}

// prefer sets a media feature such as prefers-color-scheme.
func (x *tab) prefer(pairs ...string) {
	x.t.Helper()
	var features []*emulation.MediaFeature
	for i := 0; i < len(pairs); i += 2 {
		features = append(features, &emulation.MediaFeature{Name: pairs[i], Value: pairs[i+1]})
	}
	if _, err := chromedp.Call(x.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		x.t.Fatal(err)
	}
}

// withoutScript switches JavaScript off in the page.
func (x *tab) withoutScript() {
	x.t.Helper()
	if _, err := chromedp.Call(x.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		x.t.Fatal(err)
	}
}

// hold opens a stream and keeps it until the returned function is called.
func hold(t *testing.T, url string) func() {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	if r.StatusCode != http.StatusOK {
		t.Fatalf("holding %s: %s", url, r.Status)
	}
	return func() { r.Body.Close() }
}
