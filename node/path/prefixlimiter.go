package path

import (
	"net/netip"
	"time"

	"golang.org/x/time/rate"
)

// LimiterConfig says how much a PrefixLimiter allows. Zero fields take the
// values beside them.
type LimiterConfig struct {
	Rate     float64 // per second and prefix; 10
	Burst    int     // per prefix; 20
	AllRate  float64 // per second over all prefixes; 1000
	Prefixes int     // that are remembered; 4096, about 400 kB
}

// PrefixLimiter is a token bucket for each /24 of IPv4 and /48 of IPv6, and one
// for all together, so that who holds many prefixes gains little. It is owned
// by one goroutine. When its table is full the prefixes that asked least
// recently are forgotten.
type PrefixLimiter struct {
	cfg        LimiterConfig
	all        *rate.Limiter
	young, old map[netip.Prefix]*rate.Limiter // each at most Prefixes/2
	refused    uint64
}

// NewPrefixLimiter returns a limiter with full buckets.
func NewPrefixLimiter(cfg LimiterConfig) *PrefixLimiter {
	if cfg.Rate == 0 {
		cfg.Rate = 10
	}
	if cfg.Burst == 0 {
		cfg.Burst = 20
	}
	if cfg.AllRate == 0 {
		cfg.AllRate = 1000
	}
	if cfg.Prefixes < 2 {
		cfg.Prefixes = 4096
	}
	return &PrefixLimiter{
		cfg:   cfg,
		all:   rate.NewLimiter(rate.Limit(cfg.AllRate), int(cfg.AllRate)),
		young: map[netip.Prefix]*rate.Limiter{},
	}
}

// Allow reports whether addr may be answered now, and takes a token if so.
func (p *PrefixLimiter) Allow(now time.Time, addr netip.Addr) bool {
	if p.bucket(PrefixOf(addr)).AllowN(now, 1) && p.all.AllowN(now, 1) {
		return true
	}
	p.refused++
	return false
}

// Refused returns how often Allow said no.
func (p *PrefixLimiter) Refused() uint64 { return p.refused }

// Len returns the number of prefixes that are remembered.
func (p *PrefixLimiter) Len() int { return len(p.young) + len(p.old) }

func (p *PrefixLimiter) bucket(prefix netip.Prefix) *rate.Limiter {
	if b := p.young[prefix]; b != nil {
		return b
	}
	b := p.old[prefix]
	if b == nil {
		b = rate.NewLimiter(rate.Limit(p.cfg.Rate), p.cfg.Burst)
	}
	delete(p.old, prefix)
	if len(p.young) >= p.cfg.Prefixes/2 {
		p.old, p.young = p.young, map[netip.Prefix]*rate.Limiter{}
	}
	p.young[prefix] = b
	return b
}

// PrefixOf returns the network that one subscriber is likely to hold: a /24 of
// IPv4, a /48 of IPv6.
func PrefixOf(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // the zero address: all such share one bucket
	}
	return prefix
}
