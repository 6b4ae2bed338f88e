package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"peerphone/firmware/lab/child"
	"peerphone/firmware/lab/natlab"
)

// supernode is a peerphone on a public host, without a telephone.
type supernode struct {
	*natlab.Public
	town   *town
	number string
	page   string // where it serves its page; "": nowhere
	child  *child.Child
}

// is reports whether an address is the supernode's.
func (s *supernode) is(a netip.Addr) bool { return a == s.Host.Addr4() || a == s.Host.Addr6() }

// start runs it, also again after kill, with the state that it has.
func (s *supernode) start() (err error) {
	c := phoneConfig{
		Account: accountConfig{Name: s.Name(), Number: s.number, PasswordFile: passwordFile, Register: true},
		Network: networkConfig{InvitationFile: "../" + invitationFile, Listen: fmt.Sprintf(":%d", supernodePort), Supernode: "always", Ports: []int{443, 80}},
		Page:    pageConfig{Listen: s.page},
		Board:   boardConfig{Name: "none"},
	}
	s.child, err = s.town.run(s.Host, c)
	return err
}

// ready waits until it serves.
func (s *supernode) ready(ctx context.Context) error {
	_, _, err := awaitReady(ctx, s.child)
	return err
}

// kill ends it as a power cut does, but that its host's kernel then says that
// nobody listens.
func (s *supernode) kill() error {
	if err := unix.Kill(s.child.Pid(), unix.SIGKILL); err != nil {
		return fmt.Errorf("%s: %w", s.Name(), err)
	}
	<-s.child.Done()
	return nil
}

// resident is a phone of the town.
type resident struct {
	*phone          // its page, nil before start
	town            *town
	host            *natlab.Host
	number          string
	stranger        bool // nobody's contact, and nobody is its
	configure       func(*phoneConfig)
	folder          folder
	child           *child.Child
	problem         error   // why it cannot be called
	loginMS         float64 // from the first packet until it could be called, by its own word
	page, residence string
}

// option changes how a phone is settled.
type option func(*resident)

// asStranger makes it nobody's contact, and nobody its.
func asStranger() option { return func(r *resident) { r.stranger = true } }

// configured changes its configuration before the start.
func configured(change func(*phoneConfig)) option {
	return func(r *resident) { r.configure = change }
}

// settle puts a phone on a host; start starts it. Phones get the numbers 1001
// and on.
func (t *town) settle(name string, host *natlab.Host, options ...option) *resident {
	r := &resident{town: t, host: host, number: fmt.Sprint(1001 + len(t.residents)), residence: name, folder: folder(t.folder.path(name))}
	for _, o := range options {
		o(r)
	}
	t.residents = append(t.residents, r)
	return r
}

// start runs the phones that do not run yet, and waits until they can be
// called. The others are usable also when some cannot.
func (t *town) start(ctx context.Context) error {
	var fresh []*resident
	for _, r := range t.residents {
		if r.child == nil {
			fresh = append(fresh, r)
		}
	}
	for _, r := range fresh {
		if err := r.run(); err != nil {
			return err
		}
	}
	var opened sync.WaitGroup
	for _, r := range fresh {
		opened.Go(func() { r.problem = r.open(ctx) }) // owner: start
	}
	opened.Wait()
	var problems []error
	for _, r := range fresh {
		problems = append(problems, r.problem)
	}
	return errors.Join(problems...)
}

func (r *resident) run() (err error) {
	mic, err := babble()
	if err != nil {
		return err
	}
	if err := r.folder.write(micFile, mic); err != nil {
		return err
	}
	r.child, err = r.town.run(r.host, r.config())
	return err
}

func (r *resident) config() phoneConfig {
	c := phoneConfig{
		Account: accountConfig{Name: r.residence, Number: r.number, PasswordFile: passwordFile, Register: true},
		Network: networkConfig{InvitationFile: "../" + invitationFile, Listen: ":0", Supernode: "never"},
		Page:    pageConfig{Listen: netip.AddrPortFrom(loopback, 0).String()},
		Board:   boardConfig{Name: "sim", Sim: &simConfig{Mic: micFile, Speaker: speakerFile}},
	}
	for _, other := range r.town.residents {
		if other != r && !other.stranger && !r.stranger {
			c.Contact = append(c.Contact, contactConfig{Name: other.residence, Number: other.number})
		}
	}
	if r.configure != nil {
		r.configure(&c)
	}
	return c
}

// run runs a peerphone, whose folder has the name of its account.
func (t *town) run(host *natlab.Host, c phoneConfig) (*child.Child, error) {
	dir := folder(t.folder.path(c.Account.Name))
	text, err := c.text()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(dir.write(configFile, text), dir.password(passwordFile)); err != nil {
		return nil, err
	}
	return t.spawn(host, c.Account.Name, dir.path(logFile), t.programs.peerphone,
		"run", "--config", dir.path(configFile), "--state", dir.path(stateFolder))
}

// awaitReady waits for the two lines that a peerphone prints.
func awaitReady(ctx context.Context, c *child.Child) (page string, loginMS float64, err error) {
	var line struct {
		Event   string
		Page    string
		LoginMS float64 `json:"login_ms"`
	}
	if err := await(ctx, c, &line, func() bool { return line.Event == "listening" }); err != nil {
		return "", 0, err
	}
	page = line.Page
	err = await(ctx, c, &line, func() bool { return line.Event == "ready" })
	return page, line.LoginMS, err
}

// open waits until the phone can be called, and begins to follow its page.
func (r *resident) open(ctx context.Context) (err error) {
	if r.page, r.loginMS, err = awaitReady(ctx, r.child); err != nil {
		return err
	}
	r.phone = openPhone(ctx, r.residence, r.page, client(r.host))
	return nil
}

// client speaks HTTP to the loopback interface of a host.
func client(h *natlab.Host) *http.Client {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return h.Dial(ctx, "tcp4", net.JoinHostPort(loopback.String(), port))
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial, IdleConnTimeout: time.Minute}}
}

// supernodeAt returns the supernode with an address, or nil.
func (t *town) supernodeAt(a netip.Addr) *supernode {
	for _, s := range t.supernodes {
		if s.is(a) {
			return s
		}
	}
	return nil
}

// isPublic reports whether an address is a supernode's or the login server's.
func (t *town) isPublic(a netip.Addr) bool {
	return t.supernodeAt(a) != nil || t.isLogin(a)
}

func (t *town) isLogin(a netip.Addr) bool {
	return a == t.server.Host.Addr4() || a == t.server.Host.Addr6()
}

// shown is what a phone shows now, for a message.
func (r *resident) shown() string {
	s, _, _ := r.look()
	return strings.Join([]string{r.residence, shows(s)}, ": ")
}
