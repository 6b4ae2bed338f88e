package webui

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"peerphone/node"
)

// Inquire implements Owner.
func (p *phone) Inquire(_ context.Context, words string) error {
	return p.do("search "+words, func(s *node.Snapshot) { s.Inquiry = node.InquiryView{Words: words} })
}

// LookUp implements Owner.
func (p *phone) LookUp(_ context.Context, who string) (node.LookView, error) {
	if who == "?" {
		return node.LookView{}, node.ErrNotWho
	}
	return node.LookView{Outcome: "found", Name: who, Number: "1007", Milliseconds: 90}, nil
}

func TestLookUp(t *testing.T) {
	p := newPhone()
	for _, c := range []struct {
		body   string
		status int
		says   string
	}{
		{`{"who":"anna"}`, http.StatusOK, `{"outcome":"found","name":"anna","number":"1007","ms":90}`},
		{`{"who":"?"}`, http.StatusBadRequest, "neither a number nor a name"},
		{`{"whom":"anna"}`, http.StatusBadRequest, "whom"},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "http://localhost/api/v1/look", strings.NewReader(c.body))
		r.Header.Set("Content-Type", "application/json")
		New(Config{Node: p, Owner: p}).ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s: %d %s, want %d with %q", c.body, w.Code, w.Body, c.status, c.says)
		}
	}
}

// InquireMore implements Owner.
func (p *phone) InquireMore(context.Context) error { return p.do("more", func(*node.Snapshot) {}) }

// CallFound implements Owner.
func (p *phone) CallFound(_ context.Context, name string) error {
	return p.do("call "+name, func(*node.Snapshot) {})
}

// AddFound implements Owner.
func (p *phone) AddFound(_ context.Context, name string) error {
	return p.do("add "+name, func(*node.Snapshot) {})
}

// RevokePhone implements Owner.
func (p *phone) RevokePhone(_ context.Context, id string) error {
	return p.do("revoke "+id, func(*node.Snapshot) {})
}

// useRevocation revokes another phone of the account.
func useRevocation(t *testing.T, b *browser) {
	p := newPhone()
	x := b.open(t)
	x.do(chromedp.EmulateViewport(1000, 900), chromedp.Navigate(p.serve(t)))
	x.wait(scripted + " && getComputedStyle(document.querySelector('#phones .some')).display == 'none'")
	p.become(func(s *node.Snapshot) { s.Phones = []node.PhoneView{{ID: "abcd", Self: true}, {ID: "efgh"}} })
	x.wait("document.querySelectorAll('#phones-list tr').length == 2 && document.querySelectorAll('#phones-list button').length == 1")
	x.click("#phones-list button")
	p.wantDid(t, "revoke efgh")
	x.wantQuiet()
}

// foundTwo is a search that has found two, and may find more.
func foundTwo(s *node.Snapshot) {
	s.Inquiry = node.InquiryView{Words: "anna", Settled: true, Outcome: "found", More: true, Found: []node.FoundView{
		{Display: "Anna <b>Meyer", Name: "anna2"}, {Display: "Anna Schmidt", Name: "anna", Number: "1007", Contact: true},
	}}
}

func TestSearchRequests(t *testing.T) {
	for _, c := range []struct {
		path, kind, body string
		status           int
		did, says        string
	}{
		{"search", jsonType, `{"words":"anna schmidt"}`, 204, "search anna schmidt", ""},
		{"search", formType, "words=anna&moving=", 303, "search anna", ""},
		{"search", jsonType, `{"more":true}`, 204, "more", ""},
		{"search", formType, "more=true&moving=", 303, "more", ""},
		{"search", jsonType, `{}`, 400, "", "one word"},
		{"search", formType, "moving=", 400, "", "exactly once"},
		{"search", jsonType, `{"words":"` + strings.Repeat("x", maxWords+1) + `"}`, 400, "", "too long"},
		{"search", formType, "words=%ff", 400, "", "no text"},
		{"found", jsonType, `{"call":"anna"}`, 204, "call anna", ""},
		{"found", formType, "add=anna&still=", 303, "add anna", ""},
		{"found", jsonType, `{"call":"anna","add":"anna"}`, 400, "", "whom to call"},
		{"found", jsonType, `{}`, 400, "", "whom to call"},
		{"revoke", jsonType, `{"phone":"abcd"}`, 204, "revoke abcd", ""},
		{"revoke", formType, "phone=abcd&still=", 303, "revoke abcd", ""},
		{"revoke", jsonType, `{}`, 400, "", "Name the phone"},
		{"found", formType, "moving=", 400, "", "exactly once"},
	} {
		p := newPhone()
		w := ask(p.page(t), "POST", "/api/v1/"+c.path, c.body, with("Content-Type", c.kind))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) || p.log() != c.did {
			t.Errorf("%s %s: %d %s, did %q; want %d, %q and %q", c.path, c.body, w.Code, w.Body, p.log(), c.status, c.says, c.did)
		}
	}
	u := New(Config{Node: newPhone(), Hosts: []string{"phone.test"}})
	defer u.Close()
	if w := ask(u, "POST", "/api/v1/search", `{"words":"anna"}`, with("Content-Type", jsonType)); w.Code != 404 {
		t.Errorf("without an owner: %d", w.Code)
	}
}

func TestInquiryWords(t *testing.T) {
	some := make([]node.FoundView, 3)
	for want, q := range map[string]node.InquiryView{
		"":                                  {},
		"Searching.":                        {Words: "x"},
		"3 matches so far. Searching on.":   {Words: "x", Found: some},
		"One match; there is nobody else.":  {Words: "x", Found: some[:1], Settled: true, Outcome: "found", Whole: true},
		"3 matches so far; there are more.": {Words: "x", Found: some, Settled: true, Outcome: "found", More: true},
		"3 matches so far; perhaps there are more. Another word of the name brings others.":                 {Words: "x", Found: some, Settled: true, Outcome: "found"},
		"Nobody has these words in a name and wants to be found by them.":                                   {Words: "x", Settled: true, Outcome: "nobody", Whole: true},
		"It cannot be told now whether there is anybody: too few supernodes answer. Try again in a moment.": {Words: "x", Settled: true, Outcome: "cannot tell"},
	} {
		if got := inquiryWords(q); got != want {
			t.Errorf("%+v: %q, want %q", q, got, want)
		}
	}
}

// useSearch finds somebody, calls him and makes him a contact, with script and
// without.
func useSearch(t *testing.T, b *browser) {
	for _, script := range []bool{true, false} {
		p := newPhone()
		x := b.open(t)
		if !script {
			x.withoutScript()
		}
		x.do(chromedp.EmulateViewport(1000, 900), chromedp.Navigate(p.serve(t)))
		if script {
			x.wait(scripted)
		}
		x.do(chromedp.SendKeys(chromedp.CSS("#words"), "anna"))
		x.click("#seek")
		p.wantDid(t, "search anna")
		x.wait("document.getElementById('searched')?.textContent == 'Searching.'")
		p.become(foundTwo)
		x.wait("document.querySelectorAll('#matches tr').length == 2 && document.querySelector('#matches th').textContent == 'Anna <b>Meyer'")
		x.wait("document.getElementById('searched').textContent == '2 matches so far; there are more.'")
		x.wait("document.querySelectorAll('#matches tr')[0].textContent.includes('not listed') && document.querySelectorAll('#matches tr')[1].textContent.includes('a contact')")
		x.wait("document.querySelectorAll('#matches [name=add]').length == 1")
		x.click("#matches [name=call]")
		p.wantDid(t, "search anna call anna2")
		x.wait("document.querySelector('#matches [name=add]') != null")
		x.click("#matches [name=add]")
		p.wantDid(t, "search anna call anna2 add anna2")
		x.wait("document.querySelector('#search-more button') != null")
		x.click("#search-more button")
		p.wantDid(t, "search anna call anna2 add anna2 more")
		x.wantQuiet()
	}
}
