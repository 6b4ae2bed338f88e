package wire

import (
	"net/netip"
	"testing"
)

func TestMemberAt(t *testing.T) {
	none := netip.AddrPort{}
	four, six := addr4(1), addr6(2)
	for _, test := range []struct{ a, b, addr, addr6 netip.AddrPort }{
		{four, none, four, none}, {none, four, four, none},
		{six, none, six, none}, {none, six, six, none},
		{four, six, four, six}, {six, four, four, six},
		{four, addr4(3), four, none}, {six, addr6(3), six, none},
	} {
		m := MemberAt(testID(1), test.a, test.b, Port443)
		if want := (Member{Node: testID(1), Addr: test.addr, Addr6: test.addr6, Ports: Port443}); m != want {
			t.Errorf("%v and %v: got %+v, want %+v", test.a, test.b, m, want)
		}
		if err := checkMember(m); err != nil {
			t.Errorf("%+v: %v", m, err)
		}
	}
}

func TestOver(t *testing.T) {
	both := MemberAt(testID(1), addr4(1), addr6(2), 0)
	one := MemberAt(testID(1), addr6(2), netip.AddrPort{}, 0)
	if both.Over(true) != addr4(1) || both.Over(false) != addr6(2) || one.Over(true) != addr6(2) || one.Over(false) != addr6(2) {
		t.Errorf("%v %v, %v %v", both.Over(true), both.Over(false), one.Over(true), one.Over(false))
	}
	if !both.At(addr4(1)) || !both.At(addr6(2)) || both.At(addr4(2)) || one.At(netip.AddrPort{}) || one.Host(netip.Addr{}) {
		t.Error("At or Host is wrong")
	}
}
