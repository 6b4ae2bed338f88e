package wire

import (
	"encoding/hex"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"peerphone/node/identity"
)

var update = flag.Bool("update", false, "write the golden vectors under testdata anew")

// start is when everything in the vectors happens.
var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func testKey(n byte) identity.Key { return identity.KeyFromSeed([32]byte{n, 0xa5}) }
func testID(n byte) identity.ID   { return testKey(n).ID() }

func filled[T ~[16]byte | ~[32]byte](n byte) (v T) {
	switch b := any(&v).(type) {
	case *CallID:
		for i := range b {
			b[i] = n
		}
	case *identity.IndexKey:
		for i := range b {
			b[i] = n
		}
	}
	return v
}

func addr4(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("192.0.2.7"), port)
}
func addr6(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("2001:db8::1234:5678:9abc:def0"), port)
}

func testPlacement(n byte) Placement {
	p := Placement{Index: filled[identity.IndexKey](n), RecordKey: testID(n), NotAfter: start.Add(identity.NameValidity).Unix()}
	p.Signature = testKey(2).Sign(PlacementMessage(p))
	return p
}

// testEntry returns an entry with a card in it, not really sealed.
func testEntry(card Card) Entry {
	p := WordPlacement{
		Index: filled[identity.IndexKey](0xee), RecordKey: testID(6), Holder: Holder{7}, Card: card.Hash(),
		NotAfter: start.Add(identity.NameValidity).Unix(),
	}
	p.Signature = testKey(2).Sign(WordPlacementMessage(p))
	e := Entry{Placement: p, Sequence: uint64(start.UnixMilli()), Expires: start.Unix(), Inner: append(make([]byte, 40), AppendCard(nil, card)...)}
	e.Signature = testKey(6).Sign(EntryMessage(e))
	return e
}

// testCard is the longest card.
var testCard = Card{Display: strings.Repeat("Küche ", 9) + "K", Name: "a-name-of-thirty-two-characters.", Number: "1234567890"}

func testTicket(serial uint64, relay Member) Ticket {
	t := Ticket{
		Relay: relay, Caller: testID(11), Callee: testID(12), Serial: serial,
		Expiry: start.Add(time.Hour).Unix(), Budget: 1 << 28,
	}
	t.Signature = testKey(12).Sign(TicketMessage(t))
	return t
}

func testWish() Wish {
	device, err := identity.IssueDevice(testKey(3), testID(4), start)
	w := Wish{Account: testID(3), Device: must(device.DER, err), Node: testID(5), Next: testID(10), Records: [2]identity.ID{testID(6), testID(7)}}
	w.Proof = testKey(3).Sign(WishMessage(w, make([]byte, 32)))
	return w
}

func testName(name identity.Name, number identity.Number) []byte {
	c, err := identity.IssueName(testKey(2), testID(3), name, number, start)
	return must(c.DER, err)
}

func testGranted() Granted {
	node, err := identity.IssueNode(testKey(2), testID(5), start)
	must(node, err)
	next, err := identity.IssueNodeFor(testKey(2), testID(10), identity.EpochAt(start)+1, start)
	must(next, err)
	params, err := identity.SignParams(testKey(1), identity.Params{
		Sequence: 1, Issuing: testID(2), NotAfter: start.Add(identity.ParamsValidity).Unix(), Bootstrap: []netip.AddrPort{addr4(7000)},
	})
	return Granted{
		Name: testName("kitchen", "1001"), Node: node.DER, Next: next.DER, Placements: [2]Placement{testPlacement(6), testPlacement(7)},
		Params: must(params, err), Time: start.Unix(),
	}
}

func wordsWish() Wish {
	w := testWish()
	w.Display, w.Listed, w.Words = "Die Küche", true, []identity.ID{testID(6), testID(7)}
	w.Proof = testKey(3).Sign(WishMessage(w, make([]byte, 32)))
	return w
}

func wordsGranted() Granted {
	g := testGranted()
	g.Words = []WordPlacement{testEntry(testCard).Placement}
	g.Devices = []identity.ID{testID(4), testID(9)}
	return g
}

func revokedGranted() Granted {
	g := testGranted()
	g.Revoked = identity.Revocations{}.With(start, identity.Revoke(testID(4), start.Add(time.Hour))).Sign(testKey(2))
	return g
}

func testAttested() Attested {
	a := Attested{Node: testID(5), Addr: addr4(40000), Ports: 1, Time: start.Unix(), By: testID(8)}
	a.Signature = testKey(8).Sign(AttestedMessage(a))
	return a
}

// messageVectors holds every message, some in more than one form.
func messageVectors() map[string]Message {
	record := testRecord(testListing(1, addr4, "kitchen", "1001"))
	entry := AppendEntry(nil, testEntry(testCard))
	var slips []byte
	for range MaxSlips {
		slips = AppendSlip(slips, testEntry(testCard).Slip())
	}
	call := filled[CallID](0xcc)
	first, second := testTicket(1, Member{Node: testID(8), Addr: addr4(1)}), testTicket(1<<63, Member{Node: testID(9), Addr: addr6(2)})
	return map[string]Message{
		"attach":               Attach{},
		"attached":             Attached{Observed: addr4(40000), Refresh: 60, Members: []Member{{Node: testID(8), Addr: addr4(1)}, {Node: testID(9), Addr: addr6(2)}}},
		"attached-dual":        Attached{Observed: addr4(40000), Refresh: 60, Members: []Member{{Node: testID(8), Addr: addr4(1), Addr6: addr6(2)}}, Ports: SamePort, Other: addr6(7000)},
		"attached-empty":       Attached{Observed: addr6(40000), Refresh: 60},
		"refused":              Refused{After: 90},
		"refused-others":       Refused{After: 3, Others: []Member{{Node: testID(8), Addr: addr4(1)}}},
		"members":              Members{Live: []Member{{Node: testID(8), Addr: addr4(1)}, {Node: testID(8), Addr: addr6(7000), Ports: SamePort | Port443}}},
		"detach":               Detach{},
		"join":                 Join{Self: announcement(addr4(7000))},
		"publish":              Publish{Query: 7, Record: record},
		"stored":               Stored{Query: 7, Code: StoreOK, Copies: 3},
		"have":                 Have{Key: filled[identity.IndexKey](0xee), Sequence: 1 << 40},
		"find":                 Find{Query: 1 << 31, Key: filled[identity.IndexKey](0xee)},
		"found":                Found{Query: 1 << 31, Code: FindRecord, Record: record},
		"found-none":           Found{Query: 1 << 31, Code: FindNone},
		"invite":               Invite{Call: call, Codecs: []Codec{CodecOpus, CodecPCM16}, Node: testID(11), Homes: []identity.ID{testID(8)}},
		"ringing":              Ringing{Call: call},
		"accept":               Accept{Call: call, Codec: CodecPCM16},
		"reject":               Reject{Call: call, Code: RejectBusy},
		"bye":                  Bye{Call: call},
		"acquaint":             Acquaint{Key: [32]byte{1}},
		"appear":               Appear{Sightings: []Sighting{{Token: Token{1}, Blob: make([]byte, 40)}, {Token: Token{2}}}},
		"watch":                Watch{Home: Member{Node: testID(8), Addr: addr4(1)}, Tokens: []Token{{1}, {2}}},
		"watch-stop":           Watch{Home: Member{Node: testID(8), Addr: addr6(1)}, Tokens: []Token{{1}}, Stop: true},
		"look":                 Look{Token: Token{1}, Stay: 600},
		"seen":                 Seen{Token: Token{1}, Code: SeenHere, Blob: make([]byte, 40)},
		"looked":               Looked{Token: Token{1, 2, 3}},
		"seen-absent":          Seen{Token: Token{1}, Code: SeenAbsent},
		"digit":                Digit{Call: call, Key: '*'},
		"hold":                 Hold{Call: call, On: true},
		"candidates":           Candidates{Addrs: []netip.AddrPort{addr4(40000), addr6(40000)}},
		"candidates-symmetric": Candidates{Addrs: []netip.AddrPort{addr4(40000)}, Scatter: addr4(1).Addr()},
		"afresh":               Afresh{Addr: addr4(40000)},
		"line":                 Line{Rate: 1 << 31},
		"relays":               Relays{Tickets: []Ticket{first, second}},
		"relay-open":           RelayOpen{Ticket: first},
		"relay-opened":         RelayOpened{Serial: 1, Channel: 0xabcdef},
		"relay-ready":          RelayReady{Serial: 1, Channel: 0xabcdef},
		"relay-refused":        RelayRefused{Serial: 1, Code: RelayBusy, After: 90},
		"relay-closed":         RelayClosed{Channel: MaxChannel, Code: RelaySpent},
		"callback":             CallBack{Token: 7, Others: 1, Ports: 3, Not: []netip.Addr{addr4(1).Addr(), addr6(2).Addr()}},
		"calling":              Calling{Token: 7, Others: 1},
		"callout":              CallOut{Token: 7, Node: testID(5), To: addr4(40000), Ports: 3},
		"reached":              Reached{Nonce: 1 << 63},
		"attested":             testAttested(),
		"register":             Register{Name: "kitchen", Number: "1001", Display: "Küche", Password: "correct horse", Wish: testWish()},
		"login":                Login{Name: "kitchen", Password: "correct horse", Wish: testWish()},
		"renew":                Renew{Name: "kitchen", Wish: testWish()},
		"granted":              testGranted(),
		"denied":               Denied{Code: DenyBusy, Text: "Come back later.", After: 30},
		"join-v6":              Join{Self: announcement(addr6(7000))},
		"gossip":               Gossip{Have: make([]byte, 8), Want: make([]byte, 16), News: append(AppendNews(nil, testTestimony), AppendNews(nil, testFarewell)...)},
		"digest":               Digest{Root: 1 << 60, Live: 9},
		"digest-sums":          Digest{Root: 7, Live: 32000, Sums: make([]byte, 4*Buckets), Done: true},
		"roll":                 Roll{Bucket: 255, IDs: make([]byte, 12), Done: true},
		"who":                  Who{Place: 1 << 63},
		"introduced":           Introduced{News: announcement(addr6(7000))},
		"introduced-nobody":    Introduced{},
		"seek":                 Seek{Key: filled[identity.IndexKey](0xee)},
		"seek-only":            Seek{Key: filled[identity.IndexKey](0xee), Self: announcement(addr4(7000)), Only: true},
		"guide":                testGuide(3),
		"guide-alone":          Guide{Code: FindNotSynced, Self: announcement(addr4(7000)), Signature: make([]byte, 64)},
		"digest-partial":       Digest{Live: 40000, Done: true, Partial: true},
		"revoked":              Revoked{Sequence: 7},
		"revoked-ask":          RevokedAsk{Part: 3},
		"revoked-part":         RevokedPart{Sequence: 7, Part: 1, Of: 2, Bytes: make([]byte, 90)},
		"revoke":               Revoke{Name: "kitchen", Wish: testWish(), Device: testID(4)},
		"denied-revoked":       Denied{Code: DenyRevoked, Text: "Go."},
		"granted-revoked":      revokedGranted(),
		"lend":                 Lend{Record: record},
		"found-hot":            Found{Code: FindRecord, Record: record, Hot: true},
		"shelve":               Shelve{Query: 7, Key: filled[identity.IndexKey](0xee), Entry: entry},
		"browse":               Browse{Query: 7, Key: filled[identity.IndexKey](0xee)},
		"browse-on":            Browse{Query: 7, Key: filled[identity.IndexKey](0xee), After: make([]byte, 16)},
		"shelf":                Shelf{Code: FindRecord, Slips: slips, Full: true, Signature: make([]byte, 64)},
		"shelf-none":           Shelf{Code: FindNone, Signature: make([]byte, 64)},
		"fetch":                Fetch{Key: filled[identity.IndexKey](0xee), Holders: make([]byte, 8*MaxFetch)},
		"entries":              Entries{Query: 1 << 31, Code: FindRecord, Entries: [][]byte{entry, entry}, Last: true, More: true, Whole: true},
		"entries-none":         Entries{Query: 1 << 31, Code: FindNone, Last: true},
		"granted-words":        wordsGranted(),
		"renew-words":          Renew{Name: "kitchen", Wish: wordsWish()},
		"found-denial":         Found{Code: FindNone, Near: make([]byte, 8*MaxNear), Signature: make([]byte, 64)},
	}
}

// otherVectors holds what is sent and is no message.
func otherVectors() map[string][]byte {
	listing := testListing(1, addr4, "kitchen", "1001")
	ports := testListing(1, addr6, "kitchen", "1001")
	for i := range ports.Devices[0].Homes {
		ports.Devices[0].Homes[i].Ports = SamePort<<i | Port80
	}
	return map[string][]byte{
		"header":            AppendHeader(nil, Header{Phase: 1, To: 0xabcdef, Counter: 0x1234}),
		"lane-open":         AppendLane(nil, Lane{Op: LaneOpen, Attempt: 0x01020304, Target: testID(5), Frame: []byte("frame")}),
		"lane-frame":        AppendLane(nil, Lane{Op: LaneFrame, Attempt: 0x01020304, Frame: []byte("frame")}),
		"lane-refuse":       AppendLane(nil, Lane{Op: LaneRefuse, Attempt: 0x01020304, Refusal: LaneSpent}),
		"train":             AppendTrain(nil, TrainLength-1),
		"refresh":           AppendRefresh(nil, Refresh{Nonce: 0x01020304, First: 2500 * time.Millisecond, Every: 10 * time.Second, Others: [2]Mark{7, 0}}),
		"doubt":             AppendDoubt(nil, DoubtOf(testID(5))),
		"offer":             AppendOffer(nil, []uint64{1, 1<<63 + 2}),
		"beat":              AppendBeat(nil, 0x01020304),
		"relay":             AppendRelay(nil, 0x010203, append(AppendHeader(nil, Header{To: 5}), make([]byte, 1+Tag)...)),
		"listing":           AppendListing(nil, listing),
		"listing-ports":     AppendListing(nil, ports),
		"record":            testRecord(listing),
		"message-placement": PlacementMessage(testPlacement(6)),
		"message-ticket":    TicketMessage(testTicket(1, Member{Node: testID(8), Addr: addr4(1)})),
		"card":              AppendCard(nil, testCard),
		"entry":             AppendEntry(nil, testEntry(testCard)),
		"message-entry":     EntryMessage(testEntry(testCard)),
		"message-words":     WordPlacementMessage(testEntry(testCard).Placement),
		"message-shelf":     ShelfMessage(1, filled[identity.IndexKey](0xee), Shelf{Code: FindRecord, Slips: make([]byte, slipSize), Full: true}),
		"message-wish":      WishMessage(testWish(), make([]byte, 32)),
		"message-record":    RecordMessage(must(ParseRecord(testRecord(listing)))),
	}
}

func TestMessageVectors(t *testing.T) {
	kinds := make(map[Kind]bool)
	for name, m := range messageVectors() {
		kinds[m.Kind()] = true
		b := golden(t, name, Append(nil, m))
		got, err := parseAny(b)
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%s: parsed %+v, %v\nwant %+v", name, got, err, m)
		}
		if isLogin(m.Kind()) {
			_, err = Parse(b)
		} else {
			_, err = ParseLogin(b)
		}
		if err == nil {
			t.Errorf("%s: it passes in the other protocol", name)
		}
	}
	for kind := range readers {
		if !kinds[kind] {
			t.Errorf("kind 0x%02x has no vector", kind)
		}
	}
}

func TestOtherVectors(t *testing.T) {
	for name, b := range otherVectors() {
		golden(t, name, b)
	}
	for name, m := range mediaVectors() {
		golden(t, name, AppendMedia(nil, m))
	}
}

// parseAny reads a message of either protocol.
func parseAny(b []byte) (Message, error) {
	if len(b) > 0 && isLogin(Kind(b[0])) {
		return ParseLogin(b)
	}
	return Parse(b)
}

// golden compares got with testdata/NAME.hex, which -update writes, and returns
// what the file holds.
func golden(t *testing.T, name string, got []byte) []byte {
	t.Helper()
	path := filepath.Join("testdata", name+".hex")
	if *update {
		if err := os.WriteFile(path, []byte(hexLines(got)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if string(got) != string(want) {
		t.Errorf("%s:\ngot\n%swant\n%s", path, hexLines(got), text)
	}
	return want
}

func hexLines(b []byte) string {
	var s strings.Builder
	for len(b) > 0 {
		n := min(32, len(b))
		fmt.Fprintf(&s, "%x\n", b[:n])
		b = b[n:]
	}
	return s.String()
}
