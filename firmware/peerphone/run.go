package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"peerphone/hal"
	"peerphone/hal/sim"
	"peerphone/node"
	"peerphone/node/identity"
	"peerphone/webui"
)

// runCommand runs the phone.
type runCommand struct {
	files
	Verbose bool `help:"Log every change of state." short:"v"`
}

// Run runs the phone until it is told to stop; SIGUSR1 begins it anew.
func (r runCommand) Run() error {
	again, err := r.run()
	if again && err == nil {
		return beginAnew()
	}
	return err
}

// run runs the phone; again: it is to begin anew.
func (r runCommand) run() (again bool, err error) {
	config, err := LoadConfig(r.Config)
	if err != nil {
		return false, errConfig{err}
	}
	tuneRuntime()
	log := r.logger()
	board, err := openBoard(config)
	if err != nil {
		return false, err
	}
	defer board.close()
	n, err := r.open(config, board.devices, log)
	if err != nil {
		return false, err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	doors := openDoors(config, n, log)
	releases, err := r.openChecker(config, n, log)
	if err != nil {
		return false, err
	}
	page, err := r.servePage(ctx, config, n, board, doors, log)
	if err != nil {
		return false, err
	}
	defer doors.run(ctx)()
	turn := restarts(ctx, stop, n, log)
	tell(event{Event: "listening", UDP: n.Addr().String(), Page: page})
	go tellReady(ctx, n) // owner: ctx
	if releases != nil {
		go checkReleases(ctx, releases, n) // owner: ctx
	}
	err = n.Run(ctx)
	stop()
	return <-turn, err
}

func (r runCommand) logger() *slog.Logger {
	level := slog.LevelInfo
	if r.Verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}

// open makes the node that the configuration describes.
func (r runCommand) open(config Config, devices hal.Devices, log *slog.Logger) (*node.Node, error) {
	inv, err := config.invitation()
	if err != nil {
		return nil, errConfig{fmt.Errorf("%s: %w", r.Config, err)}
	}
	password, err := config.password()
	if err != nil {
		return nil, errConfig{fmt.Errorf("%s: %w", r.Config, err)}
	}
	state, err := node.OpenState(r.State)
	if err != nil {
		return nil, err
	}
	promotion, err := node.ParsePromotion(config.Network.Supernode)
	if err != nil {
		return nil, errConfig{err}
	}
	name, _ := identity.ParseName(config.Account.Name)
	number, _ := identity.ParseNumber(config.Account.Number)
	return node.Open(node.Config{
		State: state, Invitation: inv, Name: name, Number: number,
		Display: config.Account.Display, Password: password, Register: config.Account.Register,
		Listen: config.Network.Listen, Promotion: promotion, Contacts: config.contacts(),
		Devices: devices, Version: version, Log: log,
		Settings:    node.Settings{CheckReleases: true, AlwaysRelay: config.Network.AlwaysRelay, Searchable: config.Account.Searchable},
		PortMapping: config.Network.PortMapping, RelayMonthly: config.Relay.MonthlyGB * 1e9, RelayLine: config.Relay.RateKbit * 1000 / 8,
	})
}

func (c Config) contacts() []node.Contact {
	var list []node.Contact
	for _, contact := range c.Contact {
		list = append(list, node.Contact{Name: contact.Name, Number: contact.Number})
	}
	return list
}

// board is the opened hardware. sim is set on the simulated board, whose keys
// and hook the page works.
type openedBoard struct {
	devices hal.Devices
	sim     *sim.Board
}

func openBoard(c Config) (openedBoard, error) {
	p, err := c.Board.profile()
	if err != nil {
		return openedBoard{}, errConfig{err}
	}
	if !p.Telephone() {
		return openedBoard{}, nil
	}
	s := c.Board.Sim
	b, err := sim.New(sim.Config{
		Mic: c.file(s.Mic), Speaker: c.file(s.Speaker), Rate: s.Rate,
		DriftPPM: s.DriftPPM, MuteSpeaker: s.Mute,
	})
	if err != nil {
		return openedBoard{}, errConfig{fmt.Errorf("%s: board.sim: %w", c.path, err)}
	}
	return openedBoard{b.Devices(), b}, nil
}

func (b openedBoard) close() {
	if b.sim != nil {
		b.sim.Close()
	}
}

// errNoKeys answers the page on a board whose keys are real.
var errNoKeys = errors.New("this phone has real keys; use those")

// Press implements webui.Appliance.
func (b openedBoard) Press(key byte) error {
	if b.sim == nil {
		return errNoKeys
	}
	return b.sim.Press(hal.Key(key))
}

// Hook implements webui.Appliance.
func (b openedBoard) Hook(lifted bool) error {
	if b.sim == nil {
		return errNoKeys
	}
	return b.sim.SetHook(lifted)
}

// servePage serves the page on its own goroutine until ctx is done, and
// returns its address.
func (r runCommand) servePage(ctx context.Context, c Config, n *node.Node, b openedBoard, d *doors, log *slog.Logger) (string, error) {
	if c.Page.Listen == "" {
		return "", nil
	}
	l, err := d.pageListener(c, r.State)
	if err != nil {
		return "", err
	}
	addr := l.Addr().(*net.TCPAddr)
	handler := webui.New(webui.Config{Node: n, Appliance: b, Owner: n, Hosts: hosts(addr), Log: log})
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10, BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go server.Serve(l)                           // owner: the goroutine below
	go func() { <-ctx.Done(); server.Close() }() // owner: ctx
	return fmt.Sprintf("http://localhost:%d", addr.Port), nil
}

// hosts lists the names by which the page may be called: those of loopback.
func hosts(addr *net.TCPAddr) []string {
	if isWeb(addr) { // a browser leaves such a port out
		return []string{"localhost", "127.0.0.1", "[::1]"}
	}
	port := fmt.Sprint(addr.Port)
	return []string{
		net.JoinHostPort("localhost", port), net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port),
	}
}

// event is one line on standard output, for the program that started us.
type event struct {
	Event   string  `json:"event"`
	UDP     string  `json:"udp,omitempty"`
	Page    string  `json:"page,omitempty"`
	LoginMS float64 `json:"login_ms,omitempty"`
}

func tell(e event) {
	b, err := json.Marshal(e)
	if err != nil {
		panic("peerphone: " + err.Error())
	}
	fmt.Println(string(b))
}

// tellReady tells when the node first can call and be called.
func tellReady(ctx context.Context, n *node.Node) {
	changed, stop := n.Watch()
	defer stop()
	for {
		if s := n.Snapshot(); s.Timing.Login > 0 {
			tell(event{Event: "ready", LoginMS: s.Timing.Login})
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}
