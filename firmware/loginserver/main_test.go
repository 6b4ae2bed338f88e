package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/login"
)

// The test binary is loginserver itself when this is set.
const beProgram = "LOGINSERVER_TEST_BE_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(beProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// result is how a command ended.
type result struct {
	code     int
	out, err string
}

// command runs loginserver as its own process until it ends.
func command(t *testing.T, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, os.Args[0], args...)
	c.Env = append(os.Environ(), beProgram+"=1")
	var out, err bytes.Buffer
	c.Stdout, c.Stderr = &out, &err
	if e := c.Run(); c.ProcessState == nil {
		t.Fatal(e)
	}
	return result{c.ProcessState.ExitCode(), out.String(), err.String()}
}

func (r result) want(t *testing.T, code int, texts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d; standard error:\n%s", r.code, code, r.err)
	}
	for _, text := range texts {
		if !strings.Contains(r.out+r.err, text) {
			t.Errorf("it does not say %q, but:\n%s%s", text, r.out, r.err)
		}
	}
}

// newNetwork makes a network in a new folder.
func newNetwork(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "network")
	command(t, "init", dir).want(t, exitOK, "offline")
	return dir
}

// process is a loginserver that runs.
type process struct {
	*testing.T
	cmd  *exec.Cmd
	addr string
	err  *bytes.Buffer
	rest chan string // what it says on its standard output after the first line
}

func run(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	c := exec.Command(os.Args[0], append([]string{"run", dir, "--listen", "127.0.0.1:0"}, args...)...)
	c.Env = append(os.Environ(), beProgram+"=1")
	p := &process{T: t, cmd: c, err: new(bytes.Buffer), rest: make(chan string, 1)}
	c.Stderr = p.err
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill() })
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	var r ready
	if err != nil || json.Unmarshal([]byte(line), &r) != nil || r.Listening == "" {
		t.Fatalf("first line %q, %v; standard error:\n%s", line, err, p.err)
	}
	p.addr = r.Listening
	go func() { // ends with the process
		b, _ := io.ReadAll(lines)
		p.rest <- string(b)
	}()
	return p
}

// end sends a signal and returns how it ended.
func (p *process) end(s os.Signal) result {
	p.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.Fatal(err)
	}
	rest := <-p.rest
	p.cmd.Wait()
	return result{p.cmd.ProcessState.ExitCode(), rest, p.err.String()}
}

// invitation returns what loginserver invite prints.
func (p *process) invitation(dir string) identity.Invitation {
	p.Helper()
	r := command(p.T, "invite", dir, "--addr", p.addr)
	r.want(p.T, exitOK)
	inv, err := identity.ParseInvitation(r.out)
	if err != nil || strings.Count(r.out, "\n") != 1 {
		p.Fatalf("invitation %q: %v", r.out, err)
	}
	return inv
}

// phone logs in over the network with the client core.
type phone struct {
	*testing.T
	client *login.Client
	inv    identity.Invitation
	cfg    login.ClientConfig
}

func newPhone(t *testing.T, inv identity.Invitation, name identity.Name, number identity.Number) *phone {
	account, err1 := identity.NewKey(rand.Reader)
	device, err2 := identity.NewKey(rand.Reader)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return &phone{T: t, inv: inv, cfg: login.ClientConfig{
		Rand: rand.Reader, Invitation: inv, Name: name, Number: number, Password: "correct horse", Register: true,
		Account: account, Device: device,
	}}
}

func (p *phone) start() {
	p.Helper()
	p.client = login.NewClient(p.cfg)
	p.client.Start(time.Now())
	for _, e := range p.client.Take() {
		if ask, ok := e.(login.Ask); ok {
			reply, err := login.Exchange(context.Background(), p.inv, p.cfg.Account, ask.Request)
			if err != nil {
				p.client.Failed(time.Now(), err)
				continue
			}
			p.client.Reply(time.Now(), reply)
		}
	}
}

func (p *phone) wantState(want login.State) {
	p.Helper()
	if got := p.client.State(); got != want {
		p.Fatalf("phone %s is %v (%v), want %v", p.cfg.Name, got, p.client.Err(), want)
	}
}

func TestWholeLifeOfANetwork(t *testing.T) {
	dir := newNetwork(t)
	server := run(t, dir, "--open")
	p := newPhone(t, server.invitation(dir), "kitchen", "1001")
	p.start()
	p.wantState(login.In)
	if n := len(p.client.Granted().Params.Bootstrap); n != 0 {
		t.Errorf("%d bootstrap supernodes at first, want none", n)
	}

	command(t, "params", dir, "--bootstrap", "192.0.2.1:7000,[2001:db8::1]:7000", "--membership", "kademlia").want(t, exitOK, "Signed parameters 2")
	p.start()
	p.wantState(login.In)
	if params := p.client.Granted().Params; params.Sequence != 2 || len(params.Bootstrap) != 2 || params.Membership != identity.Kademlia {
		t.Errorf("the running server hands out %+v, want the new parameters", params)
	}
	command(t, "params", dir).want(t, exitOK, "Signed parameters 3 with 2 bootstrap")

	server.end(syscall.SIGTERM).want(t, exitOK, "ended")
	again := run(t, dir)
	p.inv = again.invitation(dir)
	p.cfg.Invitation = p.inv
	p.start() // registers once more, with registration closed: it is the same account
	p.wantState(login.In)
	other := newPhone(t, p.inv, "workshop", "1002")
	other.start()
	other.wantState(login.Refused)
	if got := other.client.Problem(); !strings.Contains(got, "takes no new accounts") {
		t.Errorf("problem %q", got)
	}
	again.end(os.Interrupt).want(t, exitOK, "ended")
}

func TestFilesAreSecret(t *testing.T) {
	dir := newNetwork(t)
	command(t, "params", dir).want(t, exitOK)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 5 {
		t.Errorf("%d files in the folder, want 5: %v", len(entries), entries)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", e.Name(), info.Mode())
		}
	}
}

func TestRootKeyMayBeElsewhere(t *testing.T) {
	dir := newNetwork(t)
	away := filepath.Join(t.TempDir(), "backup.key")
	if err := os.Rename(filepath.Join(dir, rootFile), away); err != nil {
		t.Fatal(err)
	}
	server := run(t, dir)
	server.invitation(dir)
	server.end(syscall.SIGTERM).want(t, exitOK)
	command(t, "params", dir).want(t, exitState, rootFile, "missing", "--root")
	command(t, "params", dir, "--root", away).want(t, exitOK, "Signed parameters 2")
	other := newNetwork(t)
	command(t, "params", dir, "--root", filepath.Join(other, rootFile)).want(t, exitState, "right root key")
}

func TestBadUsage(t *testing.T) {
	dir := newNetwork(t)
	for _, args := range [][]string{
		{}, {"fly"}, {"init"}, {"run"}, {"run", dir, "--nonsense"}, {"run", dir, "--workers", "0"}, {"run", dir, "--workers", "many"},
		{"invite", dir}, {"invite", dir, "--addr", "nowhere"}, {"invite", dir, "--addr", "127.0.0.1:0"}, {"invite", dir, "--addr", "0.0.0.0:1"},
		{"params", dir, "--bootstrap", "here"}, {"params", dir, "--bootstrap", "127.0.0.1:0"},
		{"params", dir, "--bootstrap", strings.Repeat("192.0.2.1:1,", 16) + "192.0.2.1:1"},
	} {
		if r := command(t, args...); r.code != exitUsage || r.err == "" || r.out != "" {
			t.Errorf("loginserver %s: exit code %d, want %d; said %q, %q", strings.Join(args, " "), r.code, exitUsage, r.out, r.err)
		}
	}
}

func TestBadState(t *testing.T) {
	whole := newNetwork(t)
	other := newNetwork(t)
	for _, test := range []struct {
		what   string
		damage func(dir string) error
		says   []string
	}{
		{"nothing there", func(dir string) error { return os.RemoveAll(dir) }, []string{paramsFile, "missing", "loginserver init"}},
		{"no issuing key", func(dir string) error { return os.Remove(filepath.Join(dir, issuingFile)) }, []string{issuingFile, "missing", "backup"}},
		{"no TLS key", func(dir string) error { return os.Remove(filepath.Join(dir, tlsFile)) }, []string{tlsFile, "missing", "backup"}},
		{"a damaged key", overwrite(tlsFile, "hello"), []string{tlsFile, "damaged", "backup"}},
		{"damaged parameters", overwrite(paramsFile, "hello"), []string{paramsFile, "damaged", "backup"}},
		{"empty parameters", overwrite(paramsFile, ""), []string{paramsFile, "damaged", "backup"}},
		{"accounts of another kind", overwrite(accountsFile, "hello"), []string{accountsFile, "backup"}},
		{"another issuing key", func(dir string) error { return copyFile(other, dir, issuingFile) }, []string{issuingFile, "one backup"}},
		{"expired parameters", expire, []string{paramsFile, "expired", "loginserver params"}},
	} {
		t.Run(test.what, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "network")
			if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			if err := test.damage(dir); err != nil {
				t.Fatal(err)
			}
			command(t, "run", dir, "--listen", "127.0.0.1:0").want(t, exitState, append(test.says, dir)...)
		})
	}
}

func overwrite(file, text string) func(string) error {
	return func(dir string) error { return os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600) }
}

func copyFile(from, to, file string) error {
	b, err := os.ReadFile(filepath.Join(from, file))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, file), b, 0o600)
}

func expire(dir string) error { return signAt(dir, time.Now().Add(-91*24*time.Hour)) }

// signAt signs the parameters as if it were at.
func signAt(dir string, at time.Time) error {
	root, err := folder(dir).key(rootFile, "")
	if err != nil {
		return err
	}
	n, err := folder(dir).network()
	if err != nil {
		return err
	}
	return folder(dir).sign(root, n.params, at)
}

func TestInitSparesWhatIsThere(t *testing.T) {
	dir := newNetwork(t)
	before, err := os.ReadFile(filepath.Join(dir, rootFile))
	if err != nil {
		t.Fatal(err)
	}
	command(t, "init", dir).want(t, exitState, dir, "Choose another folder")
	after, err := os.ReadFile(filepath.Join(dir, rootFile))
	if err != nil || string(after) != string(before) {
		t.Errorf("the root key changed (%v)", err)
	}
	command(t, "init", filepath.Join(dir, rootFile, "below")).want(t, exitState, "cannot be made")
}

func TestOneServerPerNetwork(t *testing.T) {
	dir := newNetwork(t)
	run(t, dir)
	command(t, "run", dir, "--listen", "127.0.0.1:0").want(t, exitState, accountsFile, "another login server")
}

func TestPortTaken(t *testing.T) {
	server := run(t, newNetwork(t))
	command(t, "run", newNetwork(t), "--listen", server.addr).want(t, exitFailure, server.addr, "--listen")
}

// A parameters file that is damaged while the server runs is not handed out.
func TestDamagedParamsAreNotHandedOut(t *testing.T) {
	dir := newNetwork(t)
	server := run(t, dir, "--open")
	p := newPhone(t, server.invitation(dir), "kitchen", "1001")
	if err := overwrite(paramsFile, "hello")(dir); err != nil {
		t.Fatal(err)
	}
	p.start()
	p.wantState(login.In)
	if err := copyFile(newNetwork(t), dir, paramsFile); err != nil {
		t.Fatal(err)
	}
	p.start()
	p.wantState(login.In)
	server.end(syscall.SIGTERM).want(t, exitOK, "damaged", "another network")
}

func TestHelpAndVersion(t *testing.T) {
	command(t, "--help").want(t, exitOK, "init", "run", "invite", "params", "version", "offline")
	command(t, "run", "--help").want(t, exitOK, "--listen", "--open")
	r := command(t, "version")
	r.want(t, exitOK, "loginserver ")
	if strings.Count(r.out, "\n") != 1 {
		t.Errorf("version prints %q, want one line", r.out)
	}
}

// An account that was granted survives the death of the server at once after.
func TestAccountsSurviveAKill(t *testing.T) {
	dir := newNetwork(t)
	server := run(t, dir, "--open")
	p := newPhone(t, server.invitation(dir), "kitchen", "1001")
	p.start()
	p.wantState(login.In)
	server.end(os.Kill)
	p.inv = run(t, dir).invitation(dir)
	p.cfg.Invitation, p.cfg.Register = p.inv, false
	p.start()
	p.wantState(login.In)
}

func TestParamsThatExpireSoon(t *testing.T) {
	dir := newNetwork(t)
	if err := signAt(dir, time.Now().Add(-80*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	run(t, dir).end(syscall.SIGTERM).want(t, exitOK, "expire soon", "loginserver params")
}

// An account is closed for good, and only while no login server runs.
func TestRevoke(t *testing.T) {
	dir := t.TempDir() + "/net"
	command(t, "init", dir).want(t, exitOK)
	command(t, "revoke", dir, "Nobody!").want(t, exitUsage, "a name has")
	command(t, "revoke", dir, "nobody").want(t, exitFailure, "no account has this name")
	if _, err := os.Stat(filepath.Join(dir, revokedFile)); err == nil {
		t.Error("there is a list although nothing is revoked")
	}
}

// A new issuing key takes the place of the old one: the parameters name both, and the
// server signs with the new one what the old one has revoked.
func TestTheIssuingKeyHasASuccessor(t *testing.T) {
	dir := t.TempDir() + "/net"
	command(t, "init", dir).want(t, exitOK)
	f := folder(dir)
	before, err := f.key(issuingFile, "")
	if err != nil {
		t.Fatal(err)
	}
	lost := identity.KeyFromSeed([32]byte{9}).ID()
	list := identity.Revocations{}.With(time.Now(), identity.Revoke(lost, time.Now().Add(48*time.Hour)))
	if err := f.write(revokedFile, list.Sign(before)); err != nil {
		t.Fatal(err)
	}
	command(t, "params", dir, "--successor").want(t, exitOK, "Signed parameters 2")
	run(t, dir).end(syscall.SIGTERM).want(t, exitOK)
	n, err := f.network()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(f.path(revokedFile))
	if err != nil {
		t.Fatal(err)
	}
	r, err := identity.ParseRevocations(b, n.params.Issuing)
	if err != nil || !r.Has(lost) || n.params.Issuing == before.ID() || !slices.Equal(n.params.Former, []identity.ID{before.ID()}) {
		t.Errorf("list %+v, %v; parameters %+v", r, err, n.params)
	}
	if kept, err := f.key(formerFile, ""); err != nil || kept.ID() != before.ID() {
		t.Errorf("the former key is not kept: %v", err)
	}
}
