package path

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// TestCoturnsClientUnderstandsUs has turnutils_stunclient of Debian's package
// coturn ask a real socket for its address.
func TestCoturnsClientUnderstandsUs(t *testing.T) {
	client, err := exec.LookPath("turnutils_stunclient")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("turnutils_stunclient is missing: apt-get install coturn")
		}
		t.Skip("no turnutils_stunclient (Debian package coturn)")
	}
	for _, host := range []string{"127.0.0.1", "::1"} {
		socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(host)})
		if err != nil {
			t.Logf("no %s here: %v", host, err)
			continue
		}
		asked := make(chan netip.AddrPort, 16)
		done := make(chan struct{})
		go answerSTUN(socket, asked, done) // owned by this test, which waits for done
		port := socket.LocalAddr().(*net.UDPAddr).Port
		out, err := exec.Command(client, "-p", strconv.Itoa(port), host).CombinedOutput()
		socket.Close()
		<-done
		if err != nil {
			t.Fatalf("%s: %v\n%s", host, err, out)
		}
		from := <-asked
		want := "reflexive addr: " + from.String()
		if from.Addr().Is6() {
			want = "reflexive addr: " + from.Addr().String() + ":" + strconv.Itoa(int(from.Port()))
		}
		if !strings.Contains(string(out), want) && !strings.Contains(string(out), "reflexive addr: "+from.String()) {
			t.Errorf("%s: the client does not say %q:\n%s", host, want, out)
		}
	}
}

// answerSTUN answers on socket until it is closed.
func answerSTUN(socket *net.UDPConn, asked chan<- netip.AddrPort, done chan<- struct{}) {
	defer close(done)
	buffer := make([]byte, 1500)
	for {
		n, from, err := socket.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if answer := AnswerSTUN(nil, buffer[:n], from); answer != nil {
			socket.WriteToUDPAddrPort(answer, from)
			select {
			case asked <- from:
			default:
			}
		}
	}
}
