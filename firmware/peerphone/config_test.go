package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const good = `[account]
name = "kitchen"
number = "1001"
[network]
invitation_file = "invitation"
`

// load writes text as a configuration and reads it.
func load(t *testing.T, text string) (Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return LoadConfig(path)
}

func TestConfigDefaults(t *testing.T) {
	c, err := load(t, good)
	if err != nil {
		t.Fatal(err)
	}
	if c.Page.Listen != "127.0.0.1:8080" || c.Network.Supernode != "auto" || c.Board.Name != "none" {
		t.Errorf("defaults are %+v", c)
	}
	if got, want := c.file("password"), filepath.Join(filepath.Dir(c.path), "password"); got != want {
		t.Errorf("file(password) = %s, want %s", got, want)
	}
}

// Every mistake is told with the file, the line or key, and what is wanted.
func TestConfigMistakes(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", good + "[page]\nlisen = \"\"\n", `:7: unknown key "page.lisen"`},
		{"not TOML", "[account\n", ":1:"},
		{"wrong type", strings.Replace(good, `"1001"`, "1001", 1), ":3:"},
		{"bad name", strings.Replace(good, "kitchen", "1st", 1), `account.name = "1st"`},
		{"a display name in two lines", strings.Replace(good, "[network]", "display = \"a\\nb\"\n[network]", 1), "account.display"},
		{"searchable without a name", strings.Replace(good, "[network]", "searchable = true\n[network]", 1), "account.searchable"},
		{"bad number", strings.Replace(good, "1001", "12", 1), `account.number = "12"`},
		{"no invitation", strings.Replace(good, "invitation_file", "listen", 1), "network: give either invitation or invitation_file"},
		{"two invitations", good + `invitation = "peerphone1"`, "network: give either"},
		{"bad listen", good + `listen = "4000"`, `network.listen = "4000"`},
		{"host name", good + `listen = "example.org:1"`, `"example.org" is no IP address`},
		{"bad supernode", good + `supernode = "maybe"`, `want "never", "auto" or "always"`},
		{"port 0", good + "ports = [443, 0]\n", "network.ports = [443 0]"},
		{"bad port", good + "ports = [70000]\n", ":6:"},
		{"too large a cap", good + "[relay]\nmonthly_gb = 9000000000\n", "relay: monthly_gb"},
		{"a negative rate", good + "[relay]\nrate_kbit = -1\n", ":7:"},
		{"releases without HTTPS", good + "[release]\naddress = \"http://phones.example/newest\"\n", "release: the address has to be https"},
		{"releases without a key", good + "[release]\naddress = \"https://phones.example/newest\"\n", "release: without a public key"},
		{"releases with half a key", good + "[release]\naddress = \"https://phones.example/newest\"\nkeys = [\"RWQ\"]\n", "no minisign public key"},
		{"a key without an address", good + "[release]\nkeys = [\"RWQ\"]\n", "give release.address"},
		{"bad page", good + "[page]\nlisten = \"8080\"\n", "page.listen"},
		{"page for all", good + "[page]\nlisten = \":8080\"\n", "answers on loopback only"},
		{"page on the LAN", good + "[page]\nlisten = \"192.168.1.2:8080\"\n", "answers on loopback only"},
		{"registration without a password", strings.Replace(good, "[network]", "register = true\n[network]", 1), "account.password_file"},
		{"unknown board", good + "[board]\nname = \"toaster\"\n", "toaster"},
		{"sim without sound", good + "[board]\nname = \"sim\"\n", "board.sim: mic and speaker are needed"},
		{"sim rate", good + "[board]\nname = \"sim\"\n[board.sim]\nmic=\"a\"\nspeaker=\"b\"\nrate=11025\n", "board.sim.rate: 11025"},
		{"contact", good + "[[contact]]\nname = \"x\"\nnumber = \"1\"\n", "contact 1, number"},
	} {
		_, err := load(t, c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "config.toml") {
			t.Errorf("%s: error is %v, want the file and %q", c.name, err, c.want)
		}
	}
}

// A password that others can read is refused, with the cure.
func TestPasswordMode(t *testing.T) {
	c, err := load(t, strings.Replace(good, "[network]", "password_file = \"password\"\n[network]", 1))
	if err != nil {
		t.Fatal(err)
	}
	name := c.file("password")
	if err := os.WriteFile(name, []byte("secret words\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := c.password(); err != nil || got != "secret words" {
		t.Errorf("password is %q, %v", got, err)
	}
	if err := os.WriteFile(name, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.password(); err == nil || !strings.Contains(err.Error(), "password of 0 bytes") {
		t.Errorf("an empty password gives %v", err)
	}
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := c.password(); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a readable password gives %v, want the cure", err)
	}
}
