package wire

import (
	"bytes"
	"net/netip"
	"testing"

	"peerphone/node/identity"
)

// announcement returns an announcement of testID(8) at one or two addresses.
func announcement(addrs ...netip.AddrPort) []byte {
	certificate := make([]byte, identity.CompactNodeSize)
	id := testID(8)
	copy(certificate, id[:])
	return AppendNews(nil, Announcement{
		Incarnation: 1_700_000_000, Member: MemberAt(id, addrs[0], append(addrs, netip.AddrPort{})[1], SamePort|Port443),
		Certificate: certificate, Signature: bytes.Repeat([]byte{5}, 64),
	})
}

var (
	testTestimony = Testimony{Of: 1 << 60, Incarnation: 9, Witness: 77, Signature: bytes.Repeat([]byte{6}, 64)}
	testObituary  = Obituary{
		Witness: 78, Dead: AppendDeath(AppendDeath(nil, Death{1 << 59, 11}), Death{1 << 58, 12}), Signature: bytes.Repeat([]byte{8}, 64),
	}
	testFarewell = Farewell{Of: 1 << 61, Incarnation: 10, Signature: bytes.Repeat([]byte{7}, 64)}
)

func TestMemberOfAnAnnouncement(t *testing.T) {
	for _, addrs := range [][]netip.AddrPort{{addr4(7000)}, {addr6(7000)}, {addr4(7000), addr6(7001)}} {
		b := announcement(addrs...)
		n, _, ok := CutNews(b)
		if want := n.(Announcement).Member; !ok || MemberOf(string(b)) != want {
			t.Errorf("%v, want %v", MemberOf(string(b)), want)
		}
		if len(b) > MaxNews {
			t.Errorf("an announcement takes %d bytes, at most %d", len(b), MaxNews)
		}
	}
}

func TestASignatureIsOverAllElse(t *testing.T) {
	for _, n := range []News{testTestimony, testFarewell, testObituary} {
		b, message := AppendNews(nil, n), NewsMessage(n)
		if !bytes.HasSuffix(message, b[:len(b)-signatureSize]) {
			t.Errorf("%T: %x is signed, %x is sent", n, message, b)
		}
	}
}

func FuzzNews(f *testing.F) {
	f.Add(announcement(addr4(7000)))
	f.Add(announcement(addr6(7000)))
	f.Add(announcement(addr4(7000), addr6(7001)))
	f.Add(AppendNews(AppendNews(nil, testTestimony), testFarewell))
	f.Add(AppendNews(AppendNews(nil, testObituary), testTestimony))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, rest, ok := CutNews(b)
		if ok && !bytes.Equal(AppendNews(nil, n), b[:len(b)-len(rest)]) {
			t.Errorf("%x\nparsed %+v\nwritten %x", b, n, AppendNews(nil, n))
		}
	})
}

func FuzzQuestion(f *testing.F) {
	f.Add(AppendQuestion(nil, Question{Topic: TopicPing, Nonce: 5}, 0), 0)
	f.Add(AppendQuestion(nil, Question{Topic: TopicIndex, Nonce: 1 << 63, Body: []byte{1, 2, 3}}, 100), 100)
	f.Fuzz(func(t *testing.T, b []byte, _ int) {
		q, ok := ParseQuestion(b)
		if !ok {
			return
		}
		again := AppendQuestion(nil, q, len(b))
		if r, ok := ParseQuestion(again); !ok || r.Nonce != q.Nonce || r.Topic != q.Topic || !bytes.Equal(r.Body, q.Body) || len(again) != len(b) {
			t.Errorf("%x\nparsed %+v\nwritten %x", b, q, again)
		}
	})
}
