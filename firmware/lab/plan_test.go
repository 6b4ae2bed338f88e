package main

import (
	"net/netip"
	"os"
	"strings"
	"testing"
)

// TestPrepare looks at what is written for a phone: a configuration that says
// what it should, and a password that nobody else can read and that stays.
func TestPrepare(t *testing.T) {
	dir := folder(t.TempDir()).path("net")
	p := newPlan(8081, 8082, []byte("said"), []byte("said too"))
	s := p.phones[0]
	s.listen = netip.MustParseAddrPort("127.0.0.1:0")
	f := folder(dir).path(s.name)
	if err := p.prepare(folder(f), s); err != nil {
		t.Fatal(err)
	}
	config := read(t, folder(f).path(configFile))
	for _, want := range []string{`name = 'kitchen'`, `number = '1001'`, `supernode = 'never'`, `listen = '127.0.0.1:8081'`, `[board.sim]`, `number = '1002'`, `register = true`} {
		if !strings.Contains(config, want) {
			t.Errorf("no %s in\n%s", want, config)
		}
	}
	name := folder(f).path(passwordFile)
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 || info.Size() < 20 {
		t.Errorf("password file: mode %v, %d bytes", info.Mode().Perm(), info.Size())
	}
	before := read(t, name)
	if err := p.prepare(folder(f), s); err != nil {
		t.Fatal(err)
	}
	if read(t, name) != before {
		t.Error("a second start has another password")
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestAddressIsKept: a supernode that starts again is where it was.
func TestAddressIsKept(t *testing.T) {
	f := folder(t.TempDir())
	if a := listened(f); a.IsValid() {
		t.Errorf("an empty folder has the address %v", a)
	}
	want := netip.MustParseAddrPort("127.0.0.1:40123")
	p := newPlan(0, 0, []byte("a"), []byte("b"))
	s := p.supernodes[0]
	s.listen = want
	if err := p.prepare(f, s); err != nil {
		t.Fatal(err)
	}
	if got := listened(f); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestFolderIsLocked(t *testing.T) {
	f := folder(t.TempDir()).path("run")
	unlock, err := folder(f).lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := folder(f).lock(); err == nil || !strings.Contains(err.Error(), "another lab") {
		t.Errorf("a second lock: %v", err)
	}
	unlock()
	again, err := folder(f).lock()
	if err != nil {
		t.Fatalf("after unlock: %v", err)
	}
	again()
}
