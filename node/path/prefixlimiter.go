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
	Prefixes int     // that are remembered; 4096, about 150 kB
}

// PrefixLimiter is a token bucket for each /24 of IPv4 and /48 of IPv6, and one
// for all together, so that who holds many prefixes gains little. It is owned
// by one goroutine. Prefixes whose buckets are full again are forgotten; and when its
// table is full, those that asked least recently.
type PrefixLimiter struct {
	cfg        LimiterConfig
	all        *rate.Limiter
	birth      time.Time            // of the first question
	young, old map[prefixKey]bucket // each at most Prefixes/2; nil: empty
	turned     time.Duration        // since birth, when young was begun
	refused    uint64
}

// bucket holds the tokens of one prefix: 16 bytes, as there are thousands.
type bucket struct {
	at     time.Duration // since birth, when tokens was counted
	tokens float32
}

// prefixKey is a prefix: the version of IP, and up to six bytes.
type prefixKey [7]byte

func prefixKeyOf(addr netip.Addr) (k prefixKey) {
	prefix := PrefixOf(addr)
	if b := prefix.Addr().AsSlice(); len(b) > 0 {
		k[0] = byte(len(b))
		copy(k[1:1+prefix.Bits()/8], b)
	}
	return k
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
		cfg: cfg,
		all: rate.NewLimiter(rate.Limit(cfg.AllRate), int(cfg.AllRate)),
	}
}

// Allow reports whether addr may be answered now, and takes a token if so.
func (p *PrefixLimiter) Allow(now time.Time, addr netip.Addr) bool {
	if p.birth.IsZero() {
		p.birth = now
	}
	if p.take(now.Sub(p.birth), prefixKeyOf(addr)) && p.all.AllowN(now, 1) {
		return true
	}
	p.refused++
	return false
}

// turn makes the young buckets old, and forgets those that were.
func (p *PrefixLimiter) turn(at time.Duration) {
	p.old, p.young, p.turned = p.young, nil, at
}

// fill is how long an empty bucket takes to be full.
func (p *PrefixLimiter) fill() time.Duration {
	return time.Duration(float64(p.cfg.Burst) / p.cfg.Rate * float64(time.Second))
}

// take takes a token of a prefix, if it has one.
func (p *PrefixLimiter) take(at time.Duration, key prefixKey) bool {
	switch idle := at - p.turned; { // a bucket that nobody has asked of for fill is as good as none
	case idle > 2*p.fill():
		p.turn(at)
		p.old = nil
	case idle > p.fill():
		p.turn(at)
	}
	b, ok := p.young[key]
	if !ok {
		b, ok = p.old[key]
		delete(p.old, key)
		if !ok {
			b = bucket{at, float32(p.cfg.Burst)}
		}
		if len(p.young) >= p.cfg.Prefixes/2 {
			p.turn(at)
		}
	}
	if at > b.at {
		b.tokens = float32(min(float64(b.tokens)+(at-b.at).Seconds()*p.cfg.Rate, float64(p.cfg.Burst)))
		b.at = at
	}
	enough := b.tokens >= 1
	if enough {
		b.tokens--
	}
	if p.young == nil {
		p.young = map[prefixKey]bucket{}
	}
	p.young[key] = b
	return enough
}

// Refused returns how often Allow said no.
func (p *PrefixLimiter) Refused() uint64 { return p.refused }

// Len returns the number of prefixes that are remembered.
func (p *PrefixLimiter) Len() int { return len(p.young) + len(p.old) }

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
