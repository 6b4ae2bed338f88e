package natlab

import (
	"bufio"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"peerphone/node/path/portmap"
)

// portmapGateway names the router to the test's other process.
const portmapGateway = "PEERPHONE_PORTMAP_GATEWAY"

// saysOutside is what the daemon is told that its router's address is: it takes
// none of those that are reserved for laboratories.
var saysOutside = netip.MustParseAddr("11.22.33.44")

// TestMapperOnHost is not a test: it is the other process, which runs on a host
// of the lab, says what its router has granted, and ends with a signal.
func TestMapperOnHost(t *testing.T) {
	gateway, err := netip.ParseAddr(os.Getenv(portmapGateway))
	if err != nil {
		t.Skip("only as a process of TestPortMapping")
	}
	ctx, stop := context.WithCancel(t.Context())
	go func() { // ends with the process
		bufio.NewReader(os.Stdin).ReadString('\n')
		stop()
	}()
	portmap.New(5555, func() (netip.Addr, bool) { return gateway, true }, func(m portmap.Mapping, err error) {
		fmt.Printf("MAPPED %s %s %v %v\n", m.Addr, m.By, m.Lease, err)
	}).Run(ctx)
}

// TestPortMapping: Debian's miniupnpd opens a port by either protocol, strangers
// come in by it, and it is closed when the phone is switched off.
func TestPortMapping(t *testing.T) {
	daemon, err := exec.LookPath("miniupnpd")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("miniupnpd is missing: make lab-deps")
		}
		t.Skip("no miniupnpd (Debian package of that name)")
	}
	w := newWorld(t)
	for by, pmp := range map[string]string{"PCP": "yes", "UPnP": "no"} {
		t.Run(by, func(t *testing.T) {
			s := w.site("home"+by, PortRestricted)
			phone := w.host(s, "phone")
			gateway, _ := s.gates()
			startDaemon(t, s, daemon, pmp)
			child := phone.Command(t.Context(), os.Args[0], "-test.run=^TestMapperOnHost$")
			child.Env = append(os.Environ(), portmapGateway+"="+gateway.String())
			in, err := child.StdinPipe()
			must(t, err)
			out, err := child.StdoutPipe()
			must(t, err)
			must(t, child.Start())
			lines := bufio.NewScanner(out)
			var outside netip.AddrPort
			for lines.Scan() {
				f := strings.Fields(lines.Text())
				if len(f) >= 4 && f[0] == "MAPPED" {
					t.Log(lines.Text())
					outside, _ = netip.ParseAddrPort(f[1])
					if f[2] != by {
						t.Errorf("granted by %s, want %s", f[2], by)
					}
					break
				}
			}
			if outside.Addr() != saysOutside {
				t.Fatalf("granted %v, want a port of %v", outside, saysOutside)
			}
			outside = netip.AddrPortFrom(s.Outside(), outside.Port())
			socket, err := phone.ListenUDP(netip.AddrPortFrom(phone.Addr4(), 5555))
			must(t, err)
			defer socket.Close()
			if !comesIn(t, w, socket, outside, soon) {
				t.Error("a stranger does not get in by the port")
			}
			in.Close()
			for lines.Scan() { // until it ends
			}
			must(t, child.Wait())
			must(t, s.Flush())
			if comesIn(t, w, socket, outside, quiet) {
				t.Error("the port is open after the end")
			}
		})
	}
}

// comesIn reports whether a datagram of a stranger to outside arrives in time.
func comesIn(t *testing.T, w *world, socket interface {
	SetReadDeadline(time.Time) error
	Read([]byte) (int, error)
}, outside netip.AddrPort, within time.Duration) bool {
	t.Helper()
	stranger, err := w.west.ListenUDP(netip.AddrPort{})
	must(t, err)
	defer stranger.Close()
	_, err = stranger.WriteToUDPAddrPort([]byte("stranger"), outside)
	must(t, err)
	socket.SetReadDeadline(time.Now().Add(within))
	n, _ := socket.Read(make([]byte, 64))
	return n > 0
}

// startDaemon runs miniupnpd on the site's router until the test ends.
func startDaemon(t *testing.T, s *Site, daemon, pmp string) {
	t.Helper()
	dir := t.TempDir()
	rules := filepath.Join(dir, "rules")
	must(t, os.WriteFile(rules, []byte(`table inet filter {
		chain forward { type filter hook forward priority 10; policy accept; jump miniupnpd; }
		chain miniupnpd { }
		chain prerouting { type nat hook prerouting priority -110; policy accept; jump prerouting_miniupnpd; }
		chain postrouting { type nat hook postrouting priority 90; policy accept; jump postrouting_miniupnpd; }
		chain prerouting_miniupnpd { }
		chain postrouting_miniupnpd { }
	}`), 0o600))
	if out, err := s.Router().Command(t.Context(), tool("nft"), "-f", rules).CombinedOutput(); err != nil {
		t.Fatalf("nft: %v: %s", err, out)
	}
	config := filepath.Join(dir, "conf")
	must(t, os.WriteFile(config, []byte(`ext_ifname=wan
listening_ip=lan
ext_ip=`+saysOutside.String()+`
enable_natpmp=`+pmp+`
enable_upnp=yes
secure_mode=yes
lease_file=`+filepath.Join(dir, "leases")+`
uuid=22c660b8-064f-46aa-99a0-ea6ce6b0e4f`+map[string]string{"yes": "1", "no": "2"}[pmp]+`
allow 1024-65535 10.0.0.0/8 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
`), 0o600))
	cmd := s.Router().Command(t.Context(), daemon, "-d", "-f", config, "-P", filepath.Join(dir, "pid"))
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		if t.Failed() {
			t.Logf("miniupnpd said: %s", said.String())
		}
	})
	// It says nowhere that it is ready, but this socket is the last it opens.
	last := map[string]string{"yes": ":14E7 ", "no": ":076C "}[pmp] // 5351, PCP; 1900, SSDP
	for end := time.Now().Add(soon); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		sockets, _ := os.ReadFile(fmt.Sprintf("/proc/%d/net/udp", cmd.Process.Pid)) // none before it runs
		if strings.Contains(string(sockets), last) {
			return
		}
	}
	t.Fatalf("miniupnpd does not open%s", last)
}
