package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"peerphone/node/login"
	"peerphone/node/login/bbolt"
)

type runCommand struct {
	Dir     folder `arg:"" help:"Folder of the network."`
	Listen  string `default:":7443" env:"PEERPHONE_LISTEN" help:"TCP address to answer at; port 0 takes a free one. When it answers, one line of JSON on the standard output says where." placeholder:"ADDR:PORT"`
	Open    bool   `env:"PEERPHONE_OPEN" help:"Let anyone with an invitation register a new account."`
	Workers int    `default:"2" help:"How many passwords are checked at once, each on 19 MiB of memory." placeholder:"N"`
	Verbose bool   `short:"v" help:"Log refused connections too."`
}

// paramsWarning is how long before their end the operator hears that the
// parameters must be signed anew; phones fetch new ones once a week.
const paramsWarning = 21 * 24 * time.Hour

// ready is the line on the standard output that says where the server answers.
type ready struct {
	Listening string `json:"listening"`
}

// Run serves until ctx ends.
func (c runCommand) Run(ctx context.Context, s streams) error {
	if c.Workers < 1 || c.Workers > 64 {
		return fmt.Errorf("%w: --workers %d, want 1 to 64", errUsage, c.Workers)
	}
	log := c.log(s)
	cfg, err := c.Dir.server(time.Now(), log)
	if err != nil {
		return err
	}
	store, err := c.Dir.openAccounts()
	if err != nil {
		return err
	}
	defer store.Close()
	cfg.Store, cfg.Open, cfg.Workers = store, c.Open, c.Workers
	server, err := login.NewServer(cfg)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("cannot listen at %s: %w. Choose another port with --listen", c.Listen, err)
	}
	if err := json.NewEncoder(s.out).Encode(ready{ln.Addr().String()}); err != nil {
		return errors.Join(fmt.Errorf("standard output: %w", err), ln.Close())
	}
	log.Info("loginserver: ready", "address", ln.Addr().String(), "network", cfg.Network.String(), "open", c.Open)
	if err := server.Serve(ctx, ln); err != nil {
		return err
	}
	log.Info("loginserver: ended")
	return nil
}

func (c runCommand) log(s streams) *slog.Logger {
	level := slog.LevelInfo
	if c.Verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: level}))
}

// server reads the keys and parameters, and makes sure that they fit together.
func (f folder) server(now time.Time, log *slog.Logger) (login.ServerConfig, error) {
	n, err := f.network()
	if err != nil {
		return login.ServerConfig{}, err
	}
	issuing, err := f.key(issuingFile, "Restore it from a backup: the network believes no other")
	if err != nil {
		return login.ServerConfig{}, err
	}
	key, err := f.key(tlsFile, "Restore it from a backup: phones know the server by it")
	if err != nil {
		return login.ServerConfig{}, err
	}
	resign := fmt.Sprintf("Sign new ones with \"loginserver params %s\"", f)
	if n.params.Issuing != issuing.ID() {
		return login.ServerConfig{}, stateError{fmt.Sprintf("%s names the issuing key %s, but %s is %s",
			f.path(paramsFile), n.params.Issuing, f.path(issuingFile), issuing.ID()), "Restore the two from one backup"}
	}
	if now.Unix() > n.params.NotAfter {
		return login.ServerConfig{}, stateError{fmt.Sprintf("the network parameters in %s have expired on %s",
			f.path(paramsFile), time.Unix(n.params.NotAfter, 0).UTC().Format(time.DateOnly)), resign}
	}
	if left := time.Unix(n.params.NotAfter, 0).Sub(now); left < paramsWarning {
		log.Warn("loginserver: the network parameters expire soon, and every phone's certificates with them. "+resign, "days", int(left/(24*time.Hour)))
	}
	fresh := newFreshParams(f, n, log)
	return login.ServerConfig{Network: n.id, Issuing: issuing, TLS: key, Params: fresh.get, Log: log, Revocations: revocations{f}}, nil
}

// openAccounts opens the accounts; a file of another kind or another process
// that has it is told apart.
func (f folder) openAccounts() (*bbolt.Store, error) {
	store, err := bbolt.Open(f.path(accountsFile))
	switch {
	case errors.Is(err, bbolt.ErrInUse):
		return nil, stateError{f.path(accountsFile) + " is in use by another login server", "End that one first"}
	case err != nil:
		return nil, stateError{fmt.Sprintf("%s cannot be opened: %v", f.path(accountsFile), err), "Restore it from a backup"}
	}
	return store, nil
}
