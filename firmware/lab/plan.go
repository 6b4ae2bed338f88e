package main

import (
	"fmt"
	"net/netip"
	"strings"
)

// station is one peerphone of the network: a supernode, or a phone.
type station struct {
	name    string
	number  string
	contact string         // another phone, "" for a supernode
	listen  netip.AddrPort // UDP
	page    string         // address of the page, "" without one
	mic     []byte         // WAV that the microphone hears
	mute    bool           // nothing is heard
	rate    int            // what a supernode may relay each way, in kbit/s; 0: as it measures

	environment []string // of its process, besides ours
}

func (s station) phone() bool { return s.mic != nil }

// plan is a network as it is to be started.
type plan struct {
	supernodes []station
	phones     []station
}

// Names of the two phones.
const (
	kitchen  = "kitchen"
	workshop = "workshop"
)

// newPlan is the network of both commands. The pages' ports may be 0 for any.
func newPlan(kitchenPort, workshopPort uint16, kitchenMic, workshopMic []byte) plan {
	page := func(port uint16) string { return netip.AddrPortFrom(loopback, port).String() }
	return plan{
		supernodes: []station{{name: "north", number: "9001"}, {name: "east", number: "9002"}, {name: "south", number: "9003"}},
		phones: []station{
			{name: kitchen, number: "1001", contact: workshop, page: page(kitchenPort), mic: kitchenMic},
			{name: workshop, number: "1002", contact: kitchen, page: page(workshopPort), mic: workshopMic},
		},
	}
}

// number returns the number of a phone.
func (p plan) number(name string) string {
	for _, s := range p.phones {
		if s.name == name {
			return s.number
		}
	}
	panic("lab: no phone " + name) // the plan is ours
}

// config is the configuration of a station.
func (p plan) config(s station) phoneConfig {
	c := phoneConfig{
		Account: accountConfig{
			Name: s.name, Number: s.number, Display: strings.ToUpper(s.name[:1]) + s.name[1:],
			PasswordFile: passwordFile, Register: true,
		},
		Network: networkConfig{InvitationFile: "../" + invitationFile, Listen: s.listen.String(), Supernode: "always", Ports: []int{}},
		Page:    pageConfig{Listen: s.page},
		Board:   boardConfig{Name: "none"},
	}
	if s.rate > 0 {
		c.Relay = &relayConfig{RateKbit: s.rate}
	}
	if s.phone() {
		c.Network.Supernode = "never"
		c.Board = boardConfig{Name: "sim", Sim: &simConfig{Mic: micFile, Speaker: speakerFile, Mute: s.mute}}
		c.Contact = []contactConfig{{Name: s.contact, Number: p.number(s.contact)}}
	}
	return c
}

// prepare writes what a station needs into its folder. The state of an earlier
// start stays.
func (p plan) prepare(f folder, s station) error {
	text, err := p.config(s).text()
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	if err := f.write(configFile, text); err != nil {
		return err
	}
	if err := f.password(passwordFile); err != nil {
		return err
	}
	if s.phone() {
		return f.write(micFile, s.mic)
	}
	return nil
}
