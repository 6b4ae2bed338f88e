package node

import (
	"net/netip"
	"slices"
	"time"

	"peerphone/node/path"
)

// uplink is a way out besides the one that the kernel prefers, with a socket of
// its own: what goes by that does not depend on the other.
type uplink struct {
	Uplink
	socket path.Socket
	port   uint16 // of the socket; 0: it is not open
	survey *path.Survey
}

// Uplinks tells by which interfaces there is a way out, the one that the kernel
// prefers first.
func (c *Core) Uplinks(now time.Time, list []Uplink) {
	c.setUplinks(now, list)
	c.settle(now)
}

// NetworkChanged tells that addresses, routes or cables have changed. Sound goes
// by all ways for a while; every peer hears from us at once, for it sees us
// elsewhere now; supernodes that did not answer are tried again; where we are is
// looked up and told anew.
func (c *Core) NetworkChanged(now time.Time, list []Uplink) {
	c.do(Log{Info, "the network has changed", []any{"uplinks", len(list)}})
	c.do(ShakeMedia{})
	c.widen() // another network is another line
	c.outside.families(c.candidate())
	c.setUplinks(now, list)
	c.forgetLifetime(now)
	c.paths.StirAll(now)
	c.paths.TryUDP(now)
	c.overlay.Wake(now)
	c.lookOut(now)
	c.tellAgain(now)
	c.settle(now)
}

// setUplinks opens a socket for each further uplink, and closes those whose
// interface has gone. One that has become the kernel's choice keeps its socket.
func (c *Core) setUplinks(now time.Time, list []Uplink) {
	for _, u := range slices.Clone(c.outside.uplinks) {
		i := slices.IndexFunc(list, func(l Uplink) bool { return l.Device == u.Device })
		if i < 0 {
			c.do(CloseSocket{u.socket})
			c.outside.uplinks = slices.DeleteFunc(c.outside.uplinks, func(o *uplink) bool { return o == u })
			continue
		}
		u.Addrs = list[i].Addrs
	}
	for _, l := range list[min(1, len(list)):] {
		if !slices.ContainsFunc(c.outside.uplinks, func(u *uplink) bool { return u.Device == l.Device }) {
			c.addUplink(l)
		}
	}
	sockets := []path.Socket{0}
	for _, u := range c.outside.uplinks {
		sockets = append(sockets, u.socket)
	}
	c.paths.SetSockets(sockets)
}

func (c *Core) addUplink(l Uplink) {
	u := &uplink{Uplink: l, survey: path.NewSurvey(path.Config{Rand: c.rand}, path.NAT{})}
	for u.socket = 1; slices.ContainsFunc(c.outside.uplinks, func(o *uplink) bool { return o.socket == u.socket }); u.socket++ {
	}
	c.outside.uplinks = append(c.outside.uplinks, u)
	c.do(OpenSocket{u.socket, u.Device})
}

// SocketOpened tells that the socket of an uplink is open.
func (c *Core) SocketOpened(now time.Time, s path.Socket, port uint16) {
	if u := c.uplink(s); u != nil {
		u.port = port
		u.survey.Begin(now, c.here(u.socket, port))
		c.tellAgain(now)
	}
	c.settle(now)
}

// uplink returns the uplink of a socket; nil: it is the main one, or of none.
func (c *Core) uplink(s path.Socket) *uplink {
	for _, u := range c.outside.uplinks {
		if u.socket == s {
			return u
		}
	}
	return nil
}

// surveyOf returns the survey that a socket's answers are for.
func (c *Core) surveyOf(s path.Socket) *path.Survey {
	if u := c.uplink(s); u != nil {
		return u.survey
	}
	return c.outside.survey
}

// fromUplinks carries on what the surveys of the further uplinks want.
func (c *Core) fromUplinks(now time.Time) (n int) {
	for _, u := range c.outside.uplinks {
		n += route(now, u.survey.Take(), func(now time.Time, e path.Event) {
			switch e := e.(type) {
			case path.UDP:
				c.do(SendUDP(e))
			case path.Again:
				u.survey.Begin(now, c.here(u.socket, u.port))
			case path.Learnt:
				c.tellAgain(now)
			}
		})
	}
	return n
}

// here is where a survey begins, with the supernodes first that answer for
// sure.
func (c *Core) here(s path.Socket, port uint16) path.Here {
	here := path.Here{Socket: s, Port: port}
	for _, a := range c.candidate() {
		here.Addrs = append(here.Addrs, a.Addr())
	}
	var helpers []netip.AddrPort
	for _, h := range c.overlay.Homes() {
		helpers = append(helpers, h.Member.Addr, h.Member.Addr6)
	}
	for _, m := range c.overlay.Cache() {
		helpers = append(helpers, m.Addr, m.Addr6)
	}
	helpers = append(helpers, c.granted.Params.Bootstrap...)
	for _, h := range helpers {
		if h.IsValid() && !slices.Contains(here.Helpers, h) {
			here.Helpers = append(here.Helpers, h)
		}
	}
	return here
}
