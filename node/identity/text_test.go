package identity_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"peerphone/node/identity"
)

func TestNames(t *testing.T) {
	for text, want := range map[string]identity.Name{
		"kitchen": "kitchen", "Kitchen": "kitchen", "a1": "a1", "x.y-z_9": "x.y-z_9", "node": "node",
		"a": "", "": "", "1st": "", ".dot": "", "two words": "", "naïve": "", "x\x00y": "", "ſecret": "",
		strings.Repeat("a", 32): identity.Name(strings.Repeat("a", 32)), strings.Repeat("a", 33): "",
	} {
		got, err := identity.ParseName(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("name %q: got %q, %v, want %q", text, got, err, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for text, ok := range map[string]bool{
		"1001": true, "0000": true, "1234567890": true,
		"": false, "123": false, "12345678901": false, "12a4": false, "+1234": false, " 1001": false, "１００１": false,
	} {
		if got, err := identity.ParseNumber(text); (err == nil) != ok {
			t.Errorf("number %q: got %q, %v, want ok %v", text, got, err, ok)
		}
	}
}

func TestInvitationSurvivesPeople(t *testing.T) {
	w := newTown(t)
	inv := townInvitation(w)
	text := inv.String()
	for what, s := range map[string]string{
		"as it is": text, "in capitals": strings.ToUpper(text), "broken into lines": text[:40] + "\r\n  " + text[40:],
		"with blanks around it": "  " + text + "\n",
	} {
		got, err := identity.ParseInvitation(s)
		if err != nil || got.Network != inv.Network || got.Server != inv.Server || len(got.Addrs) != 2 || got.Addrs[1] != inv.Addrs[1] {
			t.Errorf("%s: got %+v, %v", what, got, err)
		}
	}
	for i := range text {
		for _, c := range []byte{'a', '7', '1', ' ', 0} {
			if text[i] == c {
				continue
			}
			bad := text[:i] + string(rune(c)) + text[i+1:]
			if got, err := identity.ParseInvitation(bad); err == nil {
				t.Errorf("with %q in place of character %d it passes as %+v", c, i, got)
			} else if !errors.Is(err, identity.ErrInvitation) {
				t.Errorf("with %q in place of character %d: got %v, want %v", c, i, err, identity.ErrInvitation)
			}
		}
	}
	for n := range text {
		if _, err := identity.ParseInvitation(text[:n]); err == nil {
			t.Errorf("cut to %d of %d characters it passes", n, len(text))
		}
	}
}

func TestInvitationBounds(t *testing.T) {
	w := newTown(t)
	inv := townInvitation(w)
	for n, ok := range map[int]bool{0: false, 1: true, 8: true, 9: false} {
		inv.Addrs = nil
		for range n {
			inv.Addrs = append(inv.Addrs, netip.MustParseAddrPort("[2001:db8::1]:443"))
		}
		if _, err := identity.ParseInvitation(inv.String()); (err == nil) != ok {
			t.Errorf("%d addresses: got %v, want ok %v", n, err, ok)
		}
	}
	for _, a := range []string{"192.0.2.1:0", "[::ffff:192.0.2.1]:443"} {
		inv.Addrs = []netip.AddrPort{netip.MustParseAddrPort(a)}
		got, err := identity.ParseInvitation(inv.String())
		if err == nil && (got.Addrs[0].Port() == 0 || got.Addrs[0].Addr().Is4In6()) {
			t.Errorf("address %s came back as %s", a, got.Addrs[0])
		}
	}
	if _, err := identity.ParseInvitation("peerphone1" + strings.Repeat("a", 100_000)); !errors.Is(err, identity.ErrInvitation) {
		t.Errorf("a long text: got %v, want %v", err, identity.ErrInvitation)
	}
}

func TestParams(t *testing.T) {
	w := newTown(t)
	b := townParams(w)
	p, err := identity.ParseParams(w.trust.Network, b, w.now)
	if err != nil || p.Sequence != 7 || p.Issuing != w.issuing.ID() || len(p.Bootstrap) != 2 {
		t.Fatalf("got %+v, %v", p, err)
	}
	if n, err := identity.NetworkOfParams(b); err != nil || n != w.trust.Network {
		t.Errorf("network of parameters: got %v, %v", n, err)
	}
	if _, err := identity.ParseParams(w.trust.Network, b, w.now.Add(91*24*time.Hour)); !errors.Is(err, identity.ErrParamsExpired) {
		t.Errorf("after 91 days: got %v, want %v", err, identity.ErrParamsExpired)
	}
	if _, err := identity.ParseParams(w.trust.Network, b, time.Time{}); err != nil {
		t.Errorf("without a clock: got %v", err)
	}
	if _, err := identity.ParseParams(identity.NetworkOf(key(9).ID()), b, w.now); !errors.Is(err, identity.ErrParamsForeign) {
		t.Errorf("in another network: got %v, want %v", err, identity.ErrParamsForeign)
	}
	for n := range b {
		bad := append([]byte(nil), b...)
		bad[n] ^= 1
		if _, err := identity.ParseParams(w.trust.Network, bad, w.now); err == nil {
			t.Errorf("with byte %d changed they pass", n)
		}
		if _, err := identity.ParseParams(w.trust.Network, b[:n], w.now); err == nil {
			t.Errorf("cut to %d of %d bytes they pass", n, len(b))
		}
	}
}

func TestParamsThatAreNotSigned(t *testing.T) {
	w := newTown(t)
	addr := netip.MustParseAddrPort("192.0.2.7:7000")
	many := make([]netip.AddrPort, 17)
	for i := range many {
		many[i] = addr
	}
	for what, p := range map[string]identity.Params{
		"no issuing key": {Bootstrap: []netip.AddrPort{addr}},
		"17 supernodes":  {Issuing: w.issuing.ID(), Bootstrap: many},
		"port 0":         {Issuing: w.issuing.ID(), Bootstrap: []netip.AddrPort{netip.AddrPortFrom(addr.Addr(), 0)}},
		"no address":     {Issuing: w.issuing.ID(), Bootstrap: []netip.AddrPort{{}}},
		"no network":     {Issuing: w.issuing.ID(), Exempt: []netip.Prefix{{}}},
		"a host's bits":  {Issuing: w.issuing.ID(), Exempt: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/24")}},
		"a membership":   {Issuing: w.issuing.ID(), Membership: identity.Kademlia + 1},
		"17 networks":    {Issuing: w.issuing.ID(), Exempt: make([]netip.Prefix, 17)},
	} {
		if _, err := identity.SignParams(w.root, p); !errors.Is(err, identity.ErrParams) {
			t.Errorf("%s: got %v, want %v", what, err, identity.ErrParams)
		}
	}
}

func TestParamsCarryTheQuota(t *testing.T) {
	w := newTown(t)
	want := identity.Params{
		Issuing: w.issuing.ID(), NotAfter: w.now.Unix(), Quota: 3, Membership: identity.Kademlia,
		Exempt: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
	}
	b, err := identity.SignParams(w.root, want)
	got, err2 := identity.ParseParams(w.trust.Network, b, w.now)
	if err != nil || err2 != nil || got.Quota != 3 || got.Membership != identity.Kademlia || !slices.Equal(got.Exempt, want.Exempt) {
		t.Errorf("got %+v, %v, %v, want %+v", got, err, err2, want)
	}
}

func TestSafetyNumberIsTheSameAtBothEnds(t *testing.T) {
	a, b := key(1).ID(), key(2).ID()
	number := identity.SafetyNumber(a, b)
	if number != identity.SafetyNumber(b, a) {
		t.Error("the two ends compute different numbers")
	}
	if fields := strings.Fields(number); len(fields) != 12 || len(number) != 71 {
		t.Errorf("got %q, want 12 groups of five digits", number)
	}
	if number == identity.SafetyNumber(a, key(3).ID()) {
		t.Error("another key has the same number")
	}
}
