package main

import (
	"net/netip"
	"os"

	"github.com/pelletier/go-toml/v2"
)

// phoneConfig is the configuration of a peerphone, as far as the lab sets it.
type phoneConfig struct {
	Account accountConfig   `toml:"account"`
	Network networkConfig   `toml:"network"`
	Relay   *relayConfig    `toml:"relay,omitempty"`
	Page    pageConfig      `toml:"page"`
	Board   boardConfig     `toml:"board"`
	Contact []contactConfig `toml:"contact,omitempty"`
}

type accountConfig struct {
	Name         string `toml:"name"`
	Number       string `toml:"number"`
	Display      string `toml:"display"`
	PasswordFile string `toml:"password_file"`
	Register     bool   `toml:"register"`
}

type networkConfig struct {
	InvitationFile string `toml:"invitation_file"`
	Listen         string `toml:"listen"`
	Supernode      string `toml:"supernode"`
	AlwaysRelay    bool   `toml:"always_relay,omitempty"`
	Ports          []int  `toml:"ports"` // none of them: the supernodes of one machine would fight for them
}

type relayConfig struct {
	RateKbit int `toml:"rate_kbit"`
}

type pageConfig struct {
	Listen string `toml:"listen"`
}

type boardConfig struct {
	Name string     `toml:"name"`
	Sim  *simConfig `toml:"sim,omitempty"`
}

type simConfig struct {
	Mic     string `toml:"mic"`
	Speaker string `toml:"speaker"`
	Mute    bool   `toml:"mute"`
}

type contactConfig struct {
	Name   string `toml:"name"`
	Number string `toml:"number"`
}

// Files in the folder of a process.
const (
	configFile     = "config.toml"
	passwordFile   = "password"
	invitationFile = "invitation"
	stateFolder    = "state"
	logFile        = "log"
	micFile        = "mic.wav"
	micStamps      = "mic.stamps"
	speakerFile    = "speaker.wav"
	speakerStamps  = "speaker.stamps"
)

func (c phoneConfig) text() ([]byte, error) { return toml.Marshal(c) }

// listened returns the UDP address in the configuration that lies in a folder
// from an earlier start; the zero address if there is none.
func listened(f folder) netip.AddrPort {
	var c phoneConfig
	text, err := os.ReadFile(f.path(configFile))
	if err != nil || toml.Unmarshal(text, &c) != nil {
		return netip.AddrPort{}
	}
	a, err := netip.ParseAddrPort(c.Network.Listen)
	if err != nil {
		return netip.AddrPort{}
	}
	return a
}
