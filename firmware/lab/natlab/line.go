package natlab

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// Line connects a public host or a site to the internet. What is set holds in
// both directions, so that a delay adds twice itself to a round trip; between
// two lines the delays of both add up. A new line adds nothing.
type Line struct {
	// constant after construction
	lab   *Lab
	n     int // number of the line
	cable cable
	plan  plan

	mu      sync.Mutex
	lag     *lag                        // guarded by mu; nil until there is a delay
	lagging bool                        // whether packets go by lag, guarded by mu
	behind  map[netip.Prefix]netip.Addr // networks that the internet reaches by this line, and their router, guarded by mu
	lossy   bool                        // whether there are rules for loss, guarded by mu
	closed  bool                        // guarded by mu
}

// plan is the addresses of a line.
type plan struct {
	v4       netip.Prefix // all of it
	v6       netip.Prefix
	gate4    netip.Addr // the internet's end
	gate6    netip.Addr
	near6    netip.Addr
	public4  netip.Prefix // hosts of an open site
	public6  netip.Prefix
	private4 netip.Prefix // hosts behind a NAT
	carried4 netip.Prefix // routers behind a carrier
}

func newPlan(n int) plan {
	hi, lo := byte(n>>8), byte(n)
	v6 := func(network, host byte) netip.Addr {
		return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, hi, lo, 0, network, 15: host})
	}
	v4 := func(a, b, d byte) netip.Addr { return netip.AddrFrom4([4]byte{a, b + hi, lo, d}) }
	return plan{
		v4:       netip.PrefixFrom(v4(198, 18, 0), 24),
		v6:       netip.PrefixFrom(v6(0, 0), 48),
		gate4:    v4(198, 18, 1),
		gate6:    v6(0, 1),
		near6:    v6(0, 2),
		public4:  netip.PrefixFrom(v4(198, 18, 128), 25),
		public6:  netip.PrefixFrom(v6(1, 0), 64),
		private4: netip.PrefixFrom(v4(10, 0, 0), 24),
		carried4: netip.PrefixFrom(v4(100, 64, 0), 24),
	}
}

// lineBits4 and lineBits6 are the length of the line's own prefix.
const lineBits4, lineBits6 = 25, 64

// near4 is the address of host or router at its nth renumbering.
func (p plan) near4(n int) netip.Addr {
	a := p.gate4.As4()
	a[3] += byte(1 + n%100)
	return netip.AddrFrom4(a)
}

// newLine lays a line into a namespace, where its interface is called end.
func (l *Lab) newLine(near *space, end string) (*Line, error) {
	n, err := l.takeLine()
	if err != nil {
		return nil, err
	}
	p := newPlan(n)
	c := cable{near: near, nearEnd: end, far: l.inet, farEnd: "c" + strconv.Itoa(n)}
	err = c.lay(
		"link set "+c.farEnd+" up",
		fmt.Sprintf("addr add %v/%d dev %s", p.gate4, lineBits4, c.farEnd),
		fmt.Sprintf("addr add %v/%d dev %s nodad", p.gate6, lineBits6, c.farEnd),
	)
	if err != nil {
		l.freeLine(n)
		return nil, err
	}
	return &Line{lab: l, n: n, cable: c, plan: p, behind: map[netip.Prefix]netip.Addr{}}, nil
}

// addresses are ip's commands that number the near end, for the nth time.
func (l *Line) addresses(n int, v6 bool) []string {
	p := l.plan
	commands := []string{
		"link set " + l.cable.nearEnd + " up",
		"addr flush dev " + l.cable.nearEnd + " scope global",
		fmt.Sprintf("addr add %v/%d dev %s", p.near4(n), lineBits4, l.cable.nearEnd),
		fmt.Sprintf("route replace default via %v", p.gate4),
	}
	if v6 {
		commands = append(commands,
			fmt.Sprintf("addr add %v/%d dev %s nodad", p.near6, lineBits6, l.cable.nearEnd),
			fmt.Sprintf("route replace default via %v", p.gate6))
	}
	return commands
}

// reach has the internet send what is for a network to a router on this line.
func (l *Line) reach(network netip.Prefix, router netip.Addr) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.behind[network] = router
	return l.routeLocked()
}

// routeLocked installs all that reach was told.
func (l *Line) routeLocked() error {
	var commands []string
	for network, router := range l.behind {
		commands = append(commands, fmt.Sprintf("route replace %v via %v dev %s", network, router, l.cable.farEnd))
	}
	if commands == nil {
		return nil
	}
	return l.lab.inet.ip(commands...)
}

// Pull takes the line's plug out. The host or router has seen its carrier go
// when it returns.
func (l *Line) Pull() error { return l.cable.pull() }

// Plug undoes Pull.
func (l *Line) Plug() error {
	if err := l.cable.plug(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.routeLocked() // gone with the carrier
}

// SetDelay delays each packet by delay, give or take up to jitter, evenly
// distributed; packets stay in order. Zero for both takes the delay away. What
// is under way arrives by the old delay. Nobody's interface, address or route
// changes by it.
func (l *Line) SetDelay(delay, jitter time.Duration) error {
	if delay < 0 || jitter < 0 || delay > maxDelay || jitter > delay {
		return fmt.Errorf("natlab: a delay of %v with a jitter of %v is out of range", delay, jitter)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errClosed
	}
	if l.lag != nil {
		l.lag.set(delay, jitter)
	}
	switch {
	case delay == 0 && l.lagging:
		return l.bypass()
	case delay > 0 && !l.lagging:
		return l.detour(delay, jitter)
	}
	return nil
}

// Priorities of the internet's routing rules; main has 32766.
const (
	prefLast = 100 // from a lag to its own line: by the line itself
	prefUp   = 150 // from a line that lags: to its lag
	prefDown = 200 // to a line that lags: to its lag
)

// detour sends all packets of the line through its lag, so that one between
// two such lines goes: line, its lag, lag of the other, the other. The table
// of the internet's routes by the lag has the line's number.
func (l *Line) detour(delay, jitter time.Duration) error {
	if l.lag == nil {
		lag, err := newLag(l.lab.inet, l.lagName(), l.plan)
		if err != nil {
			return err
		}
		if err := l.lab.keep(lag); err != nil {
			return err
		}
		l.lag = lag
	}
	l.lag.set(delay, jitter)
	route := fmt.Sprintf("route replace default dev %s table %d", l.lagName(), l.table())
	up := "link set " + l.lagName() + " up"
	err := errors.Join(
		l.lab.inet.ip(append([]string{up, route}, l.detours("add", l.plan.v4)...)...),
		l.lab.inet.ip6(append([]string{route}, l.detours("add", l.plan.v6)...)...))
	l.lagging = err == nil
	return err
}

// bypass undoes detour; the lag stays for what is under way.
func (l *Line) bypass() error {
	l.lagging = false
	return errors.Join(
		l.lab.inet.ip(l.detours("del", l.plan.v4)...),
		l.lab.inet.ip6(l.detours("del", l.plan.v6)...))
}

func (l *Line) detours(verb string, p netip.Prefix) []string {
	return []string{
		fmt.Sprintf("rule %s pref %d iif %s to %v lookup main", verb, prefLast, l.lagName(), p),
		fmt.Sprintf("rule %s pref %d iif %s lookup %d", verb, prefUp, l.cable.farEnd, l.table()),
		fmt.Sprintf("rule %s pref %d to %v lookup %d", verb, prefDown, p, l.table()),
	}
}

func (l *Line) lagName() string { return "t" + strconv.Itoa(l.n) }

func (l *Line) table() int { return 1000 + l.n }

// SetLoss drops this share of the packets, from 0 to 1, each by chance. 1 is a
// black hole: the carrier stays.
func (l *Line) SetLoss(share float64) error {
	if !(share >= 0 && share <= 1) {
		return fmt.Errorf("natlab: a loss of %v is not a share", share)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	const whole = 1_000_000
	n := int(share * whole)
	if n == 0 && !l.lossy || l.closed {
		return nil
	}
	l.lossy = n > 0
	table := "table inet " + l.cable.farEnd
	set := table + " {}\ndelete " + table + "\n"
	if n > 0 {
		chance := fmt.Sprintf("numgen random mod %d < %d drop", whole, n)
		if n == whole {
			chance = "drop"
		}
		set += fmt.Sprintf("%s { chain forward { type filter hook forward priority 0;\niifname %q %s\noifname %[2]q %[3]s\n}\n}\n",
			table, l.cable.farEnd, chance)
	}
	return l.lab.inet.nft(set)
}

// queue is how long packets wait at most at a rate before further ones are
// dropped.
const queue = 200 * time.Millisecond

// SetRate limits the line to bits per second, IP headers included and those of
// the link not, as a token bucket that holds one full packet or 10 ms, and a
// queue of 200 ms before it. 0 takes the limit away.
func (l *Line) SetRate(bits int) error {
	if bits < 0 {
		return fmt.Errorf("natlab: a rate of %d is out of range", bits)
	}
	if bits == 0 {
		return errors.Join(l.cable.near.unlimit(l.cable.nearEnd), l.lab.inet.unlimit(l.cable.farEnd))
	}
	return errors.Join(l.cable.near.limit(l.cable.nearEnd, bits), l.lab.inet.limit(l.cable.farEnd, bits))
}

func (s *space) limit(end string, bits int) error {
	const full = 1500
	burst := max(full, bits/8/100)
	return s.run("", "tc", "qdisc", "replace", "dev", end, "root",
		"stab", "overhead", "-14", "linklayer", "ethernet", // the kernel counts Ethernet's header
		"tbf", "rate", strconv.Itoa(bits)+"bit", "burst", strconv.Itoa(burst), "latency", queue.String())
}

// unlimit has the device begin with no discipline at all, twice over: tc knows
// no "delete if there".
func (s *space) unlimit(end string) error {
	return errors.Join(
		s.run("", "tc", "qdisc", "replace", "dev", end, "root", "pfifo"),
		s.run("", "tc", "qdisc", "del", "dev", end, "root"))
}

// close removes the line.
func (l *Line) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	var err error
	if l.lossy {
		table := "table inet " + l.cable.farEnd
		err = l.lab.inet.nft("delete " + table + "\n")
	}
	if l.lagging {
		err = errors.Join(err, l.bypass())
	}
	if l.lag != nil {
		l.lab.forget(l.lag)
		err = errors.Join(err, l.lag.Close())
	}
	err = errors.Join(err, l.cable.remove())
	l.lab.freeLine(l.n)
	return err
}

// addr4 is the near end's first IPv4 address.
func (l *Line) addr4() netip.Addr { return l.plan.near4(0) }

// addr6 is the near end's IPv6 address.
func (l *Line) addr6() netip.Addr { return l.plan.near6 }
