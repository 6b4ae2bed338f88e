package identity_test

import (
	"encoding/hex"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	"peerphone/node/identity"
)

var update = flag.Bool("update", false, "write testdata/vectors.txt anew")

// TestVectors fixes all that two versions must compute alike: a change here is
// a change of the network.
func TestVectors(t *testing.T) {
	w := newTown(t)
	var b strings.Builder
	vector := func(what string, value any) { fmt.Fprintf(&b, "%-24s %v\n", what, value) }
	network := w.trust.Network
	vector("network", hex.EncodeToString(network[:]))
	vector("account", hex.EncodeToString(idBytes(w.account.ID())))
	vector("account derive", hex.EncodeToString(idBytes(w.account.Derive("record number").ID())))
	number, name := network.LookupNumber("1001"), network.LookupName("kitchen")
	vector("number 1001 index", hex.EncodeToString(number.Index[:]))
	vector("number 1001 seal", hex.EncodeToString(number.Seal[:]))
	vector("name kitchen index", hex.EncodeToString(name.Index[:]))
	vector("safety number", identity.SafetyNumber(w.account.ID(), w.device.ID()))
	vector("invitation", townInvitation(w))
	vector("name certificate", hex.EncodeToString(w.nameBy(w.issuing, "kitchen")))
	compact, _ := identity.CompactName(w.nameBy(w.issuing, "kitchen"))
	vector("compact", hex.EncodeToString(compact))
	vector("device certificate", hex.EncodeToString(w.deviceBy(w.account)))
	vector("node certificate", hex.EncodeToString(w.nodeBy(w.issuing)))
	vector("params", hex.EncodeToString(townParams(w)))
	compareGolden(t, "testdata/vectors.txt", b.String())
}

func idBytes(id identity.ID) []byte { return id[:] }

func townInvitation(w *town) identity.Invitation {
	return identity.Invitation{Network: w.trust.Network, Server: key(6).ID(), Addrs: []netip.AddrPort{
		netip.MustParseAddrPort("192.0.2.1:443"), netip.MustParseAddrPort("[2001:db8::1]:443"),
	}}
}

func townParams(w *town) []byte {
	b, err := identity.SignParams(w.root, identity.Params{
		Sequence: 7, Issuing: w.issuing.ID(), NotAfter: w.now.Add(identity.ParamsValidity).Unix(),
		Bootstrap: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.7:7000"), netip.MustParseAddrPort("[2001:db8::7]:7000")},
	})
	return w.must(b, err)
}

// compareGolden compares got with the file, or writes the file with -update.
func compareGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		if line(gotLines, i) != line(wantLines, i) {
			t.Errorf("%s:%d: got\n%s\nwant\n%s", path, i+1, line(gotLines, i), line(wantLines, i))
		}
	}
}

func line(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}
