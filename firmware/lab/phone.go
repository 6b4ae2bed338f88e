package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"peerphone/node"
)

// stepTime is how long a phone may take to show what a step of the call must
// lead to; a machine with much other work takes seconds.
const stepTime = 30 * time.Second

// phone works one telephone through its page, as a person would: it presses
// keys, moves the receiver, and sees what the page shows.
type phone struct {
	name   string
	url    string // of the page
	client *http.Client
	stop   context.CancelFunc
	done   chan struct{} // closed when follow has ended

	mu      sync.Mutex
	state   node.Snapshot // the last one, guarded by mu
	changed chan struct{} // closed and replaced at each, guarded by mu
	err     error         // why there are no more, guarded by mu
}

// openPhone begins to follow a phone's page.
func openPhone(ctx context.Context, name, url string, client *http.Client) *phone {
	ctx, stop := context.WithCancel(ctx)
	p := &phone{name: name, url: url, client: client, stop: stop, done: make(chan struct{}), changed: make(chan struct{})}
	go p.follow(ctx) // owner: p, ended by close
	return p
}

func (p *phone) close() {
	p.stop()
	<-p.done
}

func (p *phone) press(ctx context.Context, keys string) error {
	for _, key := range keys {
		if err := p.post(ctx, "/api/v1/key", fmt.Sprintf(`{"key":%q}`, string(key))); err != nil {
			return err
		}
	}
	return nil
}

func (p *phone) lift(ctx context.Context) error { return p.hook(ctx, true) }

func (p *phone) putBack(ctx context.Context) error { return p.hook(ctx, false) }

func (p *phone) hook(ctx context.Context, lifted bool) error {
	return p.post(ctx, "/api/v1/hook", fmt.Sprintf(`{"lifted":%v}`, lifted))
}

func (p *phone) post(ctx context.Context, path, body string) error {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := p.client.Do(r)
	if err != nil {
		return fmt.Errorf("the %s's page: %w", p.name, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 500)) // what there is of it
		return fmt.Errorf("the %s's page: %s %s: %s: %s", p.name, path, body, answer.Status, text)
	}
	return nil
}

// now fetches the whole snapshot, the history of the call included.
func (p *phone) now(ctx context.Context) (s node.Snapshot, err error) {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/api/v1/state", nil)
	if err != nil {
		return s, err
	}
	answer, err := p.client.Do(r)
	if err != nil {
		return s, fmt.Errorf("the %s's page: %w", p.name, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return s, fmt.Errorf("the %s's page: state: %s", p.name, answer.Status)
	}
	return s, json.NewDecoder(answer.Body).Decode(&s)
}

// follow reads the page's events until they end.
func (p *phone) follow(ctx context.Context) {
	defer close(p.done)
	err := p.events(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		err = io.EOF
	}
	p.err = fmt.Errorf("the %s's page: events: %w", p.name, err)
	close(p.changed)
	p.changed = make(chan struct{})
}

// maxEvent bounds one event, in bytes: a minute of history is some 20 kB.
const maxEvent = 4 << 20

func (p *phone) events(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/api/v1/events", nil)
	if err != nil {
		return err
	}
	answer, err := p.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s", answer.Status)
	}
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, maxEvent)
	event := ""
	for lines.Scan() {
		if name, ok := bytes.CutPrefix(lines.Bytes(), []byte("event: ")); ok {
			event = string(name)
		}
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data:"))
		if !ok || event != "state" { // a heartbeat is no state
			continue
		}
		var s node.Snapshot
		if err := json.Unmarshal(data, &s); err != nil {
			return err
		}
		p.saw(s)
	}
	return lines.Err()
}

func (p *phone) saw(s node.Snapshot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = s
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *phone) look() (node.Snapshot, <-chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state, p.changed, p.err
}

// await waits until the phone is as it should be. The error says what it shows
// instead.
func (p *phone) await(ctx context.Context, what string, good func(node.Snapshot) bool) error {
	limited, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	for {
		s, changed, err := p.look()
		switch {
		case good(s):
			return nil
		case err != nil:
			return err
		}
		select {
		case <-changed:
		case <-limited.Done():
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("the %s does not %s within %v: %s", p.name, what, stepTime, shows(s))
		}
	}
}

// shows tells in a line what a phone shows.
func shows(s node.Snapshot) string {
	text := fmt.Sprintf("its display says %q, its tone is %q, its call is %s", strings.Join(s.Face.Lines, " / "), s.Face.Tone, s.Call.State)
	if s.Call.Reason != "" && s.Call.Reason != "none" {
		text += " (" + s.Call.Reason + ")"
	}
	if s.Login.Problem != "" {
		text += "; login: " + s.Login.Problem
	}
	return text
}
