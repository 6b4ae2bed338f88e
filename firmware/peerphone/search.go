package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"peerphone/node"
	"peerphone/node/identity"
)

type searchCommand struct {
	files
	Wait time.Duration `help:"How long a search may take." default:"15s"`
	Who  []string      `arg:"" help:"A number, a name, or words of a display name."`
}

// Help implements kong.HelpProvider.
func (searchCommand) Help() string {
	return `The phone has to run: it is asked by way of its page. A number or a name is looked
for as it is; if nobody has it, and for several words, those are looked for whose
display names have all of them and who wish to be found so.

Exit code 0: found; 3: nobody, for certain; 4: nobody can tell now.`
}

// How a search ends that has found nobody.
var (
	errNobody     = errors.New("nobody")
	errCannotTell = errors.New("nobody can tell now")
)

const (
	exitNobody     = 3
	exitCannotTell = 4
)

// Run searches, and says what is known.
func (c searchCommand) Run() error {
	config, err := LoadConfig(c.Config)
	if err != nil {
		return errConfig{err}
	}
	if _, port, err := net.SplitHostPort(config.Page.Listen); err != nil || port == "0" {
		return errConfig{fmt.Errorf("page.listen = %q: the phone is asked by way of its page, which needs a port that is known", config.Page.Listen)}
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.Wait)
	defer cancel()
	return search{page: "http://" + config.Page.Listen, out: os.Stdout}.run(ctx, c.Who)
}

// search asks a phone by its page.
type search struct {
	page string // without a slash at its end
	out  io.Writer
}

func (s search) run(ctx context.Context, who []string) error {
	text := strings.Join(who, " ")
	ended := error(nil)
	if _, notName := identity.ParseName(text); notName == nil || isNumber(text) {
		if ended = s.exactly(ctx, text); !errors.Is(ended, errNobody) && !errors.Is(ended, errCannotTell) || isNumber(text) {
			return ended
		}
	}
	byWords := s.byWords(ctx, text)
	if errors.Is(byWords, errNobody) && ended != nil {
		return ended // a name that may yet be somebody's
	}
	return byWords
}

func isNumber(text string) bool {
	_, err := identity.ParseNumber(text)
	return err == nil
}

// exactly looks for a number or a name.
func (s search) exactly(ctx context.Context, who string) error {
	var found node.LookView
	if err := s.post(ctx, "look", map[string]string{"who": who}, &found); err != nil {
		return err
	}
	switch found.Outcome {
	case "found":
		fmt.Fprintf(s.out, "%s, number %s (after %d ms)\n", found.Name, found.Number, found.Milliseconds)
		return nil
	case "nobody":
		fmt.Fprintf(s.out, "Nobody has %s, for certain: nobody was on the air with it in the last three days.\n", who)
		return fmt.Errorf("%w has %s", errNobody, who)
	}
	fmt.Fprintf(s.out, "Whether somebody has %s nobody can tell now: too few supernodes answer. Try again.\n", who)
	return fmt.Errorf("%w who has %s", errCannotTell, who)
}

// lookEvery is how often the phone is asked how a search goes.
const lookEvery = 200 * time.Millisecond

// byWords looks for those whose display names have all words of a text.
func (s search) byWords(ctx context.Context, text string) error {
	if err := s.post(ctx, "search", map[string]string{"words": text}, nil); err != nil {
		return err
	}
	for {
		v, err := s.inquiry(ctx)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return fmt.Errorf("%w: the search for %q has not ended", errCannotTell, text)
		case err != nil:
			return err
		case v.Words != text:
			return fmt.Errorf("somebody else searches for %q by this phone's page; try again", v.Words)
		case v.Settled:
			return s.say(text, v)
		}
		select {
		case <-ctx.Done():
		case <-time.After(lookEvery):
		}
	}
}

// say tells how a search by words has ended.
func (s search) say(text string, v node.InquiryView) error {
	for _, f := range v.Found {
		number := f.Number
		if number == "" {
			number = "not listed"
		}
		fmt.Fprintf(s.out, "%s, name %s, number %s\n", f.Display, f.Name, number)
	}
	switch {
	case len(v.Found) > 0 && v.Whole:
		fmt.Fprintln(s.out, "There is nobody else, for certain.")
	case len(v.Found) > 0:
		fmt.Fprintln(s.out, "There may be more; with another word there are fewer.")
	case v.Outcome == "nobody":
		fmt.Fprintf(s.out, "Nobody lets himself be found by %q, for certain.\n", text)
		return fmt.Errorf("%w is found by %q", errNobody, text)
	default:
		fmt.Fprintf(s.out, "Whether somebody is found by %q nobody can tell now: too few supernodes answer. Try again.\n", text)
		return fmt.Errorf("%w who is found by %q", errCannotTell, text)
	}
	return nil
}

// inquiry asks how the search by words goes.
func (s search) inquiry(ctx context.Context) (node.InquiryView, error) {
	var state struct {
		Inquiry node.InquiryView `json:"inquiry"`
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.page+"/api/v1/state", nil)
	if err != nil {
		return node.InquiryView{}, err
	}
	err = s.do(r, &state)
	return state.Inquiry, err
}

func (s search) post(ctx context.Context, what string, body, answer any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.page+"/api/v1/"+what, bytes.NewReader(b))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	return s.do(r, answer)
}

// maxAnswer bounds an answer of the page, in bytes.
const maxAnswer = 4 << 20

// do makes a request and reads its answer, unless that is nil.
func (s search) do(r *http.Request, answer any) error {
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("the phone does not answer at %s; does it run? %w", s.page, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("the phone refuses: %s", strings.TrimSpace(string(b)))
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(b, answer)
}
