package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"peerphone/board"
	"peerphone/hal"
	"peerphone/node"
	"peerphone/node/identity"
)

// Config is the whole configuration: one TOML file. Relative file names in it
// are relative to the file.
type Config struct {
	Account AccountConfig   `toml:"account"`
	Network NetworkConfig   `toml:"network"`
	Relay   RelayConfig     `toml:"relay"`
	Page    PageConfig      `toml:"page"`
	Board   BoardConfig     `toml:"board"`
	Release ReleaseConfig   `toml:"release"`
	Contact []ContactConfig `toml:"contact"`

	path string // of the file
}

// AccountConfig says who this phone is.
type AccountConfig struct {
	Name         string `toml:"name"`
	Number       string `toml:"number"`
	Display      string `toml:"display"`
	PasswordFile string `toml:"password_file"`
	Register     bool   `toml:"register"` // make the account when the network has none of this name

	// Searchable lets others find us by the words of the display name. The owner's
	// choice on the page comes before it.
	Searchable bool `toml:"searchable"`
}

// NetworkConfig says which network, and how to take part.
type NetworkConfig struct {
	Invitation     string `toml:"invitation"`      // the text, or
	InvitationFile string `toml:"invitation_file"` // a file that holds it
	Listen         string `toml:"listen"`          // UDP; port 0: random at first, then kept
	Supernode      string `toml:"supernode"`       // "never", "auto" or "always"

	// Ports are TCP ports at which a supernode takes phones whose UDP is
	// blocked, besides the number of its UDP port. Not given: 443 and 80 if it
	// always is one, else none.
	Ports []uint16 `toml:"ports"`

	// AlwaysRelay keeps our address from everybody we talk with; their sound
	// goes round by a supernode. The owner's choice on the page comes before it.
	AlwaysRelay bool `toml:"always_relay"`

	// PortMapping asks the router, by PCP, NAT-PMP or UPnP, for a port that leads
	// here.
	PortMapping bool `toml:"port_mapping"`
}

// RelayConfig is how much a supernode's owner gives to the calls of others.
type RelayConfig struct {
	MonthlyGB uint64 `toml:"monthly_gb"` // in and out together, in 10^9 bytes a calendar month; 0: no cap
	RateKbit  uint64 `toml:"rate_kbit"`  // each way, in kbit/s; 0: as measured
}

// maxRelay bounds both figures of RelayConfig, so that no product overflows.
const maxRelay = 1e9

// maxPorts is how many doors there may be: others learn of 443 and 80 only.
const maxPorts = 8

// PageConfig is the phone's web page.
type PageConfig struct {
	Listen string `toml:"listen"` // "" : no page; port 0: any free one
}

// BoardConfig is the hardware.
type BoardConfig struct {
	Name string    `toml:"name"` // of a board that package board knows: "sim" or "none"
	Sim  SimConfig `toml:"sim"`
}

// SimConfig is the simulated board's sound.
type SimConfig struct {
	Mic      string  `toml:"mic"`       // WAV that the microphone hears
	Speaker  string  `toml:"speaker"`   // WAV that the speaker writes
	Rate     int     `toml:"rate"`      // of the card, in Hz: one of hal.Rates
	DriftPPM float64 `toml:"drift_ppm"` // of the card's clock
	Mute     bool    `toml:"mute"`      // the speaker records silence
}

// ContactConfig is a contact known from the start.
type ContactConfig struct {
	Name   string `toml:"name"`
	Number string `toml:"number"`
}

// defaults are what a file leaves out.
func defaults() Config {
	return Config{
		Network: NetworkConfig{Listen: ":0", Supernode: "auto", PortMapping: true},
		Page:    PageConfig{Listen: "127.0.0.1:8080"},
		Release: ReleaseConfig{Check: true},
		Board:   BoardConfig{Name: "none", Sim: SimConfig{Rate: 16000}},
	}
}

// LoadConfig reads and checks a configuration file. Every error names the file
// and, where there is one, the line.
func LoadConfig(path string) (Config, error) {
	c := defaults()
	c.path = path
	text, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("configuration: %w", err)
	}
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&c); err != nil {
		return c, fmt.Errorf("%s%s", path, tomlError(err))
	}
	if err := c.check(); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// tomlError words a decoder's error with its line.
func tomlError(err error) string {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		first := strict.Errors[0]
		row, _ := first.Position()
		return fmt.Sprintf(":%d: unknown key %q", row, strings.Join(first.Key(), "."))
	}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		row, column := decode.Position()
		return fmt.Sprintf(":%d:%d: %s", row, column, strings.TrimPrefix(decode.Error(), "toml: "))
	}
	return ": " + err.Error()
}

func (c Config) check() error {
	if _, err := identity.ParseName(c.Account.Name); err != nil {
		return keyError("account.name", c.Account.Name, err)
	}
	if _, err := identity.ParseNumber(c.Account.Number); err != nil {
		return keyError("account.number", c.Account.Number, err)
	}
	if err := identity.CheckDisplay(c.Account.Display); err != nil {
		return keyError("account.display", c.Account.Display, err)
	}
	if c.Account.Searchable && len(identity.Words(c.Account.Display)) == 0 {
		return errors.New("account.searchable: give account.display a word by which you can be found")
	}
	if c.Account.Register && c.Account.PasswordFile == "" {
		return errors.New("account.register: a new account needs account.password_file")
	}
	if (c.Network.Invitation == "") == (c.Network.InvitationFile == "") {
		return errors.New("network: give either invitation or invitation_file")
	}
	if err := checkListen("network.listen", c.Network.Listen); err != nil {
		return err
	}
	if slices.Contains(c.Network.Ports, 0) || len(c.Network.Ports) > maxPorts {
		return fmt.Errorf("network.ports = %v: want at most %d TCP ports, like [443, 80]", c.Network.Ports, maxPorts)
	}
	if c.Relay.MonthlyGB > maxRelay || c.Relay.RateKbit > maxRelay {
		return fmt.Errorf("relay: monthly_gb and rate_kbit: at most %d", uint64(maxRelay))
	}
	if _, err := node.ParsePromotion(c.Network.Supernode); err != nil {
		return keyError("network.supernode", c.Network.Supernode, err)
	}
	if c.Page.Listen != "" {
		if err := checkPage(c.Page.Listen); err != nil {
			return err
		}
	}
	return errors.Join(c.Board.check(), c.Release.check(), c.checkContacts())
}

func (b BoardConfig) check() error {
	p, err := b.profile()
	if err != nil {
		return fmt.Errorf("board.name: %s", strings.TrimPrefix(err.Error(), "board: "))
	}
	if !p.Telephone() {
		return nil
	}
	if b.Sim.Mic == "" || b.Sim.Speaker == "" {
		return errors.New("board.sim: mic and speaker are needed")
	}
	if !slices.Contains(hal.Rates, b.Sim.Rate) {
		return fmt.Errorf("board.sim.rate: %d; want one of %d", b.Sim.Rate, hal.Rates)
	}
	return nil
}

// profile returns what is known of the board.
func (b BoardConfig) profile() (board.Profile, error) { return board.Load(board.Name(b.Name)) }

func (c Config) checkContacts() error {
	for i, contact := range c.Contact {
		if _, err := identity.ParseNumber(contact.Number); err != nil {
			return keyError(fmt.Sprintf("contact %d, number", i+1), contact.Number, err)
		}
	}
	return nil
}

func keyError(key, value string, err error) error {
	return fmt.Errorf("%s = %q: %s", key, value, strings.TrimPrefix(err.Error(), "identity: "))
}

func checkListen(key, value string) error {
	host, port, err := net.SplitHostPort(value)
	if err != nil {
		return fmt.Errorf("%s = %q: want ADDRESS:PORT, like 127.0.0.1:8081 or :0", key, value)
	}
	if host != "" {
		if _, err := netip.ParseAddr(host); err != nil {
			return fmt.Errorf("%s = %q: %q is no IP address", key, value, host)
		}
	}
	if _, err := net.LookupPort("udp", port); err != nil {
		return fmt.Errorf("%s = %q: %q is no port", key, value, port)
	}
	return nil
}

// checkPage holds the page to this machine: it has no password yet.
func checkPage(listen string) error {
	if err := checkListen("page.listen", listen); err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(listen)
	if addr, err := netip.ParseAddr(host); err != nil || !addr.IsLoopback() {
		return fmt.Errorf("page.listen = %q: the page has no password yet and answers on loopback only; want 127.0.0.1:PORT or [::1]:PORT", listen)
	}
	return nil
}

// file returns a name of the configuration as the process sees it.
func (c Config) file(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(c.path), name)
}

// invitation returns the invitation that the configuration names.
func (c Config) invitation() (identity.Invitation, error) {
	text := c.Network.Invitation
	if text == "" {
		b, err := os.ReadFile(c.file(c.Network.InvitationFile))
		if err != nil {
			return identity.Invitation{}, fmt.Errorf("network.invitation_file: %w", err)
		}
		text = string(b)
	}
	return identity.ParseInvitation(text)
}

// What the login server takes as a password, in bytes.
const (
	minPassword = 8
	maxPassword = 128
)

// password returns the account's password, "" when the configuration has none.
func (c Config) password() (string, error) {
	if c.Account.PasswordFile == "" {
		return "", nil
	}
	name := c.file(c.Account.PasswordFile)
	info, err := os.Stat(name)
	if err != nil {
		return "", fmt.Errorf("account.password_file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("account.password_file: others can read %s; do: chmod 600 %s", name, name)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("account.password_file: %w", err)
	}
	password := strings.TrimRight(string(b), "\r\n")
	if len(password) < minPassword || len(password) > maxPassword {
		return "", fmt.Errorf("account.password_file: %s holds a password of %d bytes; want %d to %d", name, len(password), minPassword, maxPassword)
	}
	return password, nil
}
