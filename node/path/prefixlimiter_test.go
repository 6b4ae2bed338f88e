package path

import (
	"net/netip"
	"testing"
	"time"
)

func TestThePrefixLimit(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	p := NewPrefixLimiter(LimiterConfig{Rate: 10, Burst: 20})
	allowed := func(addrs ...string) int {
		n := 0
		for range 100 {
			for _, a := range addrs {
				if p.Allow(now, netip.MustParseAddr(a)) {
					n++
				}
			}
		}
		return n
	}
	for _, test := range []struct {
		addrs []string
		want  int
	}{
		{[]string{"192.0.2.1", "192.0.2.255"}, 20}, // one /24
		{[]string{"::ffff:192.0.2.7"}, 0},          // the same
		{[]string{"192.0.3.1"}, 20},
		{[]string{"2001:db8:1::1", "2001:db8:1:ffff::1"}, 20}, // one /48
		{[]string{"2001:db8:2::1"}, 20},
		{[]string{"fe80::1%eth0"}, 20},
	} {
		if got := allowed(test.addrs...); got != test.want {
			t.Errorf("%v: %d allowed, want %d", test.addrs, got, test.want)
		}
	}
	now = now.Add(time.Second)
	if got := allowed("192.0.2.1"); got != 10 {
		t.Errorf("a second later %d allowed, want 10", got)
	}
	if p.Refused() == 0 {
		t.Error("nothing counted")
	}
	if p.Len() == 0 {
		t.Error("nothing remembered")
	}
	for now = now.Add(1900 * time.Millisecond); p.Len() > 1; now = now.Add(100 * time.Millisecond) {
		p.Allow(now, netip.MustParseAddr("192.0.9.1"))
		if now.Sub(time.Unix(1_700_000_000, 0)) > 10*time.Second {
			t.Fatalf("%d prefixes remembered whose buckets are full", p.Len())
		}
	}
	if got := allowed("192.0.2.1"); got != 20 {
		t.Errorf("long after %d allowed, want 20", got)
	}
}

func TestThePrefixTableIsBounded(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	p := NewPrefixLimiter(LimiterConfig{Prefixes: 100, AllRate: 500})
	allowed := 0
	for i := range 100_000 {
		if p.Allow(now, netip.AddrFrom4([4]byte{byte(i >> 16), byte(i >> 8), byte(i), 1})) {
			allowed++
		}
	}
	if p.Len() > 100 {
		t.Errorf("%d prefixes remembered, at most 100", p.Len())
	}
	if allowed != 500 {
		t.Errorf("%d answers to as many prefixes, want the 500 for all", allowed)
	}
	_ = p.Allow(now, netip.Addr{})
}
