package login_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/login"
	"peerphone/node/login/storetest"
	"peerphone/node/wire"
)

// wish returns what a phone with these keys wants signed.
func (n *network) wish(account, device identity.Key) wire.Wish {
	n.Helper()
	now := n.clock()
	c, err := identity.IssueDevice(account, device.ID(), now)
	if err != nil {
		n.Fatal(err)
	}
	keys, epoch := login.RecordKeys(account), identity.EpochAt(now)
	return wire.Wish{
		Account: account.ID(), Device: c.DER, Records: [2]identity.ID{keys[0].ID(), keys[1].ID()},
		Node: login.NodeKey(device, epoch).ID(), Next: login.NodeKey(device, epoch+1).ID(),
	}
}

func (n *network) exchange(account identity.Key, request wire.Message) wire.Message {
	n.Helper()
	reply, err := login.Exchange(context.Background(), n.invitation, account, request)
	if err != nil {
		n.Fatalf("exchange %T: %v", request, err)
	}
	return reply
}

func (n *network) wantGranted(account identity.Key, request wire.Message) wire.Granted {
	n.Helper()
	reply := n.exchange(account, request)
	g, ok := reply.(wire.Granted)
	if !ok {
		n.Fatalf("%T: got %+v, want it granted", request, reply)
	}
	return g
}

func (n *network) wantDenied(account identity.Key, request wire.Message, want wire.DenyCode) wire.Denied {
	n.Helper()
	reply := n.exchange(account, request)
	d, ok := reply.(wire.Denied)
	if !ok || d.Code != want {
		n.Fatalf("%T: got %+v, want it denied with code %d", request, reply, want)
	}
	if len(d.Text) < 10 {
		n.Errorf("%T: denied with the text %q, want a sentence", request, d.Text)
	}
	return d
}

// account registers kitchen, and returns the keys and the request.
func (n *network) account() (account, device identity.Key, request wire.Register) {
	n.Helper()
	account, device = newKey(n), newKey(n)
	request = wire.Register{Name: "kitchen", Number: "1001", Password: "correct horse", Wish: n.wish(account, device)}
	n.wantGranted(account, request)
	return account, device, request
}

func TestEveryDenial(t *testing.T) {
	n := newNetwork(t)
	account, device, _ := n.account()
	stranger := newKey(t)
	good, foreign := n.wish(account, device), n.wish(account, device)
	foreign.Device = n.wish(stranger, device).Device
	noKey := good
	noKey.Next = identity.ID{}
	damaged := good
	damaged.Device = []byte{0x30, 0}
	expired := good
	old, err := identity.IssueDevice(account, device.ID(), n.clock().Add(-identity.DeviceValidity-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	expired.Device = old.DER
	fast := good
	future, err := identity.IssueDevice(account, device.ID(), n.clock().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	fast.Device = future.DER
	for _, test := range []struct {
		what    string
		key     identity.Key
		request wire.Message
		want    wire.DenyCode
	}{
		{"wrong password", account, wire.Login{Name: "kitchen", Password: "Correct horse", Wish: good}, wire.DenyPassword},
		{"no password", account, wire.Login{Name: "kitchen", Wish: good}, wire.DenyPassword},
		{"unknown name", account, wire.Login{Name: "attic", Password: "correct horse", Wish: good}, wire.DenyUnknown},
		{"unknown name renews", account, wire.Renew{Name: "attic", Wish: good}, wire.DenyUnknown},
		{"name taken", stranger, wire.Register{Name: "kitchen", Number: "1002", Password: "correct horse", Wish: n.wish(stranger, device)}, wire.DenyNameTaken},
		{"number taken", stranger, wire.Register{Name: "attic", Number: "1001", Password: "correct horse", Wish: n.wish(stranger, device)}, wire.DenyNumberTaken},
		{"key has an account", account, wire.Register{Name: "attic", Number: "1002", Password: "correct horse", Wish: good}, wire.DenyMalformed},
		{"another number", account, wire.Register{Name: "kitchen", Number: "1002", Password: "correct horse", Wish: good}, wire.DenyMalformed},
		{"registers with a wrong password", account, wire.Register{Name: "kitchen", Number: "1001", Password: "incorrect", Wish: good}, wire.DenyPassword},
		{"another account key logs in", stranger, wire.Login{Name: "kitchen", Password: "correct horse", Wish: n.wish(stranger, device)}, wire.DenyKey},
		{"another account key renews", stranger, wire.Renew{Name: "kitchen", Wish: n.wish(stranger, device)}, wire.DenyKey},
		{"foreign device", account, wire.Renew{Name: "kitchen", Wish: foreign}, wire.DenyForeign},
		{"expired device", account, wire.Renew{Name: "kitchen", Wish: expired}, wire.DenyExpired},
		{"device of tomorrow", account, wire.Renew{Name: "kitchen", Wish: fast}, wire.DenyMalformed},
		{"damaged device", account, wire.Renew{Name: "kitchen", Wish: damaged}, wire.DenyMalformed},
		{"a key missing", account, wire.Renew{Name: "kitchen", Wish: noKey}, wire.DenyMalformed},
		{"proof by another key", stranger, wire.Renew{Name: "kitchen", Wish: good}, wire.DenyMalformed},
		{"bad name", account, wire.Renew{Name: "Kitchen", Wish: good}, wire.DenyMalformed},
		{"bad number", account, wire.Register{Name: "attic", Number: "12", Password: "correct horse", Wish: good}, wire.DenyMalformed},
		{"short password", account, wire.Register{Name: "attic", Number: "1002", Password: "1234567", Wish: good}, wire.DenyMalformed},
	} {
		t.Run(test.what, func(t *testing.T) {
			n.TB = t
			d := n.wantDenied(test.key, test.request, test.want)
			if strings.Contains(d.Text, "correct horse") {
				t.Errorf("the text %q tells a password", d.Text)
			}
		})
	}
}

func TestRegisterIsIdempotent(t *testing.T) {
	n := newNetwork(t)
	account, device, request := n.account()
	n.wantGranted(account, request)
	request.Wish = n.wish(account, newKey(t)) // on a second phone
	n.wantGranted(account, request)
	n.wantGranted(account, wire.Login{Name: "kitchen", Password: "correct horse", Wish: n.wish(account, device)})
	n.wantGranted(account, wire.Renew{Name: "kitchen", Wish: n.wish(account, device)})
}

func TestClosedRegistration(t *testing.T) {
	closed := false
	n := newNetwork(t, func(c *login.ServerConfig) { c.Open = closed })
	account, device := newKey(t), newKey(t)
	request := wire.Register{Name: "kitchen", Number: "1001", Password: "correct horse", Wish: n.wish(account, device)}
	n.wantDenied(account, request, wire.DenyClosed)
}

func TestThirtyTwoWantOneName(t *testing.T) {
	n := newNetwork(t)
	tallies := n.contend(func(i int) (identity.Name, identity.Number) { return "kitchen", identity.Number(fmt.Sprint(1000 + i)) })
	if tallies[0] != 1 || tallies[wire.DenyNameTaken] != 31 {
		t.Errorf("outcomes by code: %v, want one granted and 31 refused for the name", tallies)
	}
}

func TestThirtyTwoWantOneNumber(t *testing.T) {
	n := newNetwork(t)
	tallies := n.contend(func(i int) (identity.Name, identity.Number) { return identity.Name(fmt.Sprintf("phone%d", i)), "1001" })
	if tallies[0] != 1 || tallies[wire.DenyNumberTaken] != 31 {
		t.Errorf("outcomes by code: %v, want one granted and 31 refused for the number", tallies)
	}
}

// contend registers 32 accounts at once and counts the outcomes; 0 is granted.
func (n *network) contend(of func(int) (identity.Name, identity.Number)) map[wire.DenyCode]int {
	tallies := make(map[wire.DenyCode]int)
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range 32 {
		account := newKey(n)
		name, number := of(i)
		request := wire.Register{Name: name, Number: number, Password: "correct horse", Wish: n.wish(account, newKey(n))}
		all.Go(func() {
			d := wire.Denied{Code: wire.DenyBusy}
			for d.Code == wire.DenyBusy { // on a slow machine 32 hashes are a long queue
				reply, err := login.Exchange(context.Background(), n.invitation, account, request)
				if err != nil {
					n.Error(err)
				}
				d, _ = reply.(wire.Denied)
			}
			mu.Lock()
			defer mu.Unlock()
			tallies[d.Code]++
		})
	}
	all.Wait()
	return tallies
}

func TestEightDevices(t *testing.T) {
	n := newNetwork(t)
	account, device, _ := n.account()
	for range 7 {
		n.wantGranted(account, wire.Renew{Name: "kitchen", Wish: n.wish(account, newKey(t))})
	}
	ninth := newKey(t)
	n.wantDenied(account, wire.Renew{Name: "kitchen", Wish: n.wish(account, ninth)}, wire.DenyDevices)
	n.wantGranted(account, wire.Renew{Name: "kitchen", Wish: n.wish(account, device)}) // the first goes on
	n.setClock(time.Now().Add(60 * day))
	n.wantGranted(account, wire.Renew{Name: "kitchen", Wish: n.wish(account, device)})
	n.setClock(time.Now().Add(89 * day)) // all but the first have been away for long, not long enough
	n.sign(identity.Params{Sequence: 2, Issuing: n.issuing.ID()})
	n.wantDenied(account, wire.Renew{Name: "kitchen", Wish: n.wish(account, ninth)}, wire.DenyDevices)
	n.setClock(time.Now().Add(91 * day))
	n.wantGranted(account, wire.Renew{Name: "kitchen", Wish: n.wish(account, ninth)})
}

// Guessing gets slower and slower; the right password helps again after the
// wait, and the owner at another time is not locked out.
func TestWrongPasswordsSlowDown(t *testing.T) {
	n := newNetwork(t)
	start := time.Now()
	n.setClock(start)
	account, device, _ := n.account()
	guess := wire.Login{Name: "kitchen", Password: "wrong", Wish: n.wish(account, device)}
	right := wire.Login{Name: "kitchen", Password: "correct horse", Wish: n.wish(account, device)}
	for range 6 {
		n.wantDenied(account, guess, wire.DenyPassword)
	}
	d := n.wantDenied(account, guess, wire.DenyBusy)
	if d.After < 1 || d.After > 60 {
		t.Errorf("come back after %d s, want a short time at first", d.After)
	}
	n.wantDenied(account, right, wire.DenyBusy)
	n.setClock(start.Add(time.Minute))
	n.wantGranted(account, right)
	guesses, now := 0, start.Add(time.Minute)
	for end := now.Add(time.Hour); now.Before(end); now = now.Add(time.Minute) {
		n.setClock(now)
		if d, ok := n.exchange(account, guess).(wire.Denied); ok && d.Code == wire.DenyPassword {
			guesses++
		}
	}
	if guesses > 15 {
		t.Errorf("%d guesses in an hour, want them to get slow", guesses)
	}
	n.wantGranted(account, wire.Renew{Name: "kitchen", Wish: n.wish(account, device)}) // the account key needs no password
}

// A proof that was sent on one connection is worth nothing on another.
func TestProofServesOneConnection(t *testing.T) {
	n := newNetwork(t)
	account, device, _ := n.account()
	first := n.dial()
	request, err := login.Prove(wire.Renew{Name: "kitchen", Wish: n.wish(account, device)}, account, n.binding(first))
	if err != nil {
		t.Fatal(err)
	}
	if reply := n.talk(first, request); !isGranted(reply) {
		t.Fatalf("first connection: got %+v", reply)
	}
	d, ok := n.talk(n.dial(), request).(wire.Denied)
	if !ok || d.Code != wire.DenyMalformed {
		t.Errorf("second connection: got %+v, want it denied", d)
	}
}

func isGranted(m wire.Message) bool { _, ok := m.(wire.Granted); return ok }

// dial connects as anyone can.
func (n *network) dial() *tls.Conn {
	n.Helper()
	conn, err := tls.Dial("tcp", n.addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{login.ALPN}})
	if err != nil {
		n.Fatal(err)
	}
	n.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	return conn
}

func (n *network) binding(conn *tls.Conn) []byte {
	n.Helper()
	state := conn.ConnectionState()
	b, err := state.ExportKeyingMaterial("EXPORTER-peerphone-login", nil, 32)
	if err != nil {
		n.Fatal(err)
	}
	return b
}

func (n *network) talk(conn *tls.Conn, request wire.Message) wire.Message {
	n.Helper()
	if err := wire.WriteLogin(conn, request); err != nil {
		n.Fatal(err)
	}
	reply, err := wire.ReadLogin(conn, wire.MaxGranted)
	if err != nil {
		n.Fatal(err)
	}
	return reply
}

// Whatever is sent, the server answers with a denial or hangs up, and goes on.
func TestHostileBytes(t *testing.T) {
	n := newNetwork(t)
	account, device, _ := n.account()
	for what, b := range map[string][]byte{
		"a length alone": {0, 9}, "length 0": {0, 0}, "length 65535": {0xff, 0xff}, "a message of phones": {0, 2, 0x34, 0xa0},
		"a reply": {0, 2, 0x44, 0xa0}, "nested": append([]byte{0, 102, 0x42}, []byte(strings.Repeat("\x81", 101))...),
		"an empty renewal": {0, 2, 0x42, 0xa0},
	} {
		conn := n.dial()
		conn.Write(b)
		conn.CloseWrite()
		if m, err := wire.ReadLogin(conn, wire.MaxGranted); err == nil {
			if d, ok := m.(wire.Denied); !ok || d.Code != wire.DenyMalformed {
				t.Errorf("%s: got %+v, want it denied as malformed", what, m)
			}
		}
	}
	raw, err := net.Dial("tcp", n.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	fmt.Fprint(raw, "GET / HTTP/1.1\r\n\r\n")
	if _, err := tls.Dial("tcp", n.addr, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}); err == nil {
		t.Error("the server speaks TLS 1.2")
	}
	if _, err := tls.Dial("tcp", n.addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}); err == nil {
		t.Error("the server speaks another protocol")
	}
	n.wantGranted(account, wire.Renew{Name: "kitchen", Wish: n.wish(account, device)})
}

func TestParamsAreReadForEachGrant(t *testing.T) {
	n := newNetwork(t)
	account, device, request := n.account()
	n.sign(identity.Params{Sequence: 2, Issuing: n.issuing.ID(), Bootstrap: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:7")}})
	g := n.wantGranted(account, request)
	p, err := identity.ParseParams(n.id(), g.Params, time.Now())
	if err != nil || p.Sequence != 2 || len(p.Bootstrap) != 1 {
		t.Errorf("got %+v, %v, want the new parameters", p, err)
	}
	n.sign(identity.Params{Sequence: 3, Issuing: newKey(t).ID()})
	n.wantDenied(account, wire.Renew{Name: "kitchen", Wish: n.wish(account, device)}, wire.DenyInternal)
}

func TestExchangeFindsTheServer(t *testing.T) {
	n := newNetwork(t)
	account, device, _ := n.account()
	request := wire.Renew{Name: "kitchen", Wish: n.wish(account, device)}
	closed := closedPort(t)
	mute := mutePort(t)
	imposter := newNetwork(t)
	at := func(addrs ...string) identity.Invitation {
		inv := n.invitation
		inv.Addrs = nil
		for _, a := range addrs {
			inv.Addrs = append(inv.Addrs, netip.MustParseAddrPort(a))
		}
		return inv
	}
	for _, test := range []struct {
		what string
		inv  identity.Invitation
		want error
	}{
		{"behind a closed port", at(closed, n.addr), nil},
		{"behind a port that says nothing", at(mute, n.addr), nil},
		{"behind another server", at(imposter.addr, n.addr), nil},
		{"behind all three", at(mute, closed, imposter.addr, n.addr), nil},
		{"nowhere", at(closed), login.ErrUnreachable},
		{"no address", at(), login.ErrUnreachable},
		{"another server alone", at(imposter.addr), login.ErrNotServer},
		{"another server and a closed port", at(closed, imposter.addr), login.ErrNotServer},
	} {
		began := time.Now()
		reply, err := login.Exchange(context.Background(), test.inv, account, request)
		if !errors.Is(err, test.want) || (err == nil) != isGranted(reply) {
			t.Errorf("%s: got %T, %v, want %v", test.what, reply, err, test.want)
		}
		if took := time.Since(began); took > 15*time.Second { // it would be 20 s
			t.Errorf("%s: took %v", test.what, took)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := login.Exchange(ctx, at(mute), account, request); !errors.Is(err, login.ErrUnreachable) {
		t.Errorf("cancelled: got %v, want %v", err, login.ErrUnreachable)
	}
	if _, err := login.Exchange(context.Background(), n.invitation, account, wire.Granted{}); err == nil {
		t.Error("a reply was sent as a request")
	}
}

// closedPort returns an address where nothing listens.
func closedPort(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// mutePort returns an address that accepts and never says a word.
func mutePort(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln.Addr().String()
}

// The server goes away, phones stay In, and it comes back.
func TestServerComesBack(t *testing.T) {
	n := newNetwork(t)
	store := new(storetest.Memory)
	n.halt()
	n.start(func(c *login.ServerConfig) { c.Store = store })
	p := n.phone("kitchen", "1001")
	p.restart()
	p.wantState(login.In)
	n.halt()
	p.advance(9 * day)
	p.wantState(login.In)
	if !errors.Is(p.client.Err(), login.ErrUnreachable) || p.client.Problem() == "" {
		t.Errorf("a renewal without server: got %v, want %v", p.client.Err(), login.ErrUnreachable)
	}
	n.setClock(p.now)
	n.start(func(c *login.ServerConfig) { c.Store = store })
	p.cfg.Invitation = n.invitation
	p.advance(12 * time.Hour)
	p.wantState(login.In)
	if p.client.Err() != nil || p.client.Granted().Time.Before(p.now.Add(-day)) {
		t.Errorf("after the server came back: %v, granted at %v", p.client.Err(), p.client.Granted().Time)
	}
}

func TestPhoneIsRefusedOnThePage(t *testing.T) {
	n := newNetwork(t)
	first := n.phone("kitchen", "1001")
	first.restart()
	first.wantState(login.In)
	for what, test := range map[string]struct {
		change func(*login.ClientConfig)
		want   error
	}{
		"name":     {func(c *login.ClientConfig) { c.Number = "1002" }, login.ErrNameTaken},
		"number":   {func(c *login.ClientConfig) { c.Name = "attic" }, login.ErrNumberTaken},
		"password": {func(c *login.ClientConfig) { c.Account, c.Password = first.cfg.Account, "wrong wrong" }, login.ErrPassword},
		"unknown":  {func(c *login.ClientConfig) { c.Register, c.Name = false, "cellar" }, login.ErrUnknown},
		"key":      {func(c *login.ClientConfig) { c.Register = false }, login.ErrKey},
	} {
		t.Run(what, func(t *testing.T) {
			p := n.phone("kitchen", "1001")
			p.TB = t
			test.change(&p.cfg)
			p.restart()
			p.wantRefused(test.want)
		})
	}
}

func BenchmarkLogin(b *testing.B) {
	for _, kind := range []string{"password", "renewal"} {
		b.Run(kind, func(b *testing.B) {
			n := newNetwork(b)
			account, device := newKey(b), newKey(b)
			w := n.wish(account, device)
			request := wire.Message(wire.Register{Name: "kitchen", Number: "1001", Password: "correct horse", Wish: w})
			for b.Loop() {
				if reply, err := login.Exchange(context.Background(), n.invitation, account, request); err != nil || !isGranted(reply) {
					b.Fatal(reply, err)
				}
				if kind == "renewal" {
					request = wire.Renew{Name: "kitchen", Wish: w}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/login")
		})
	}
}
