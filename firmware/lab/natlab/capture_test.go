package natlab

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestCapture: what is counted is what was sent, headers included, at both
// ends and in both directions.
func TestCapture(t *testing.T) {
	w := newWorld(t)
	s := w.site("home", PortRestricted, IPv6())
	h := w.host(s, "phone")
	must(t, s.SetDelay(20*time.Millisecond, 0))
	for _, version := range []struct {
		local   string
		server  netip.Addr
		headers int
	}{{"0.0.0.0:0", w.east.Addr4(), 20 + 8}, {"[::]:0", w.east.Addr6(), 40 + 8}} {
		here, err := w.lab.Capture(h)
		must(t, err)
		there, err := w.lab.Capture(w.east.Host)
		must(t, err)
		router, err := w.lab.Capture(s.Router())
		must(t, err)
		c := w.sock(h, version.local)
		d := w.sock(w.east.Host, version.local)
		server := netip.AddrPortFrom(version.server, d.port())
		c.send("hello", server)
		_, mapped, ok := d.receive(soon)
		if !ok {
			t.Fatal("the first packet is lost")
		}
		const n, up, down = 100, 160, 80
		for range n {
			c.send(strings.Repeat("u", up), server)
			d.send(strings.Repeat("d", down), mapped)
		}
		for range n {
			c.receive(soon)
			d.receive(soon)
		}
		for _, x := range []*Capture{here, there, router} {
			must(t, x.Close())
			if x.Lost() != 0 {
				t.Errorf("%d packets lost", x.Lost())
			}
		}
		size := func(x *Capture, out bool, payload int) (int, int) {
			return x.Bytes(func(p Packet) bool {
				return p.Protocol == unix.IPPROTO_UDP && p.Out == out && len(p.Payload()) == payload && p.Length == payload+version.headers
			})
		}
		for _, x := range []struct {
			name    string
			capture *Capture
			out     bool
			payload int
			want    int
		}{
			{"phone out", here, true, up, n}, {"phone in", here, false, down, n},
			{"east in", there, false, up, n}, {"east out", there, true, down, n},
			{"router out", router, true, up, 2 * n}, // wan, and the switch behind it sees nothing
		} {
			bytes, packets := size(x.capture, x.out, x.payload)
			if x.name == "router out" { // by its line
				bytes, packets = x.capture.Bytes(func(p Packet) bool {
					return p.Link == "wan" && p.Out && len(p.Payload()) == up
				})
				x.want = n
			}
			if packets != x.want || bytes != x.want*(x.payload+version.headers) {
				t.Errorf("%s: %d packets of %d bytes, want %d of %d", x.name, packets, bytes, x.want, x.want*(x.payload+version.headers))
			}
		}
		w.wantPassage(here, there, mapped, server, up)
	}
}

// wantPassage compares packets of a size as they left and as they came.
func (w *world) wantPassage(here, there *Capture, mapped, server netip.AddrPort, size int) {
	w.Helper()
	pick := func(c *Capture) []Packet {
		return slices.DeleteFunc(c.Packets(), func(p Packet) bool { return len(p.Payload()) != size })
	}
	least := time.Hour
	all, sent := pick(there), pick(here)
	if len(all) != len(sent) {
		w.Fatalf("%d packets left, %d came", len(sent), len(all))
	}
	for i, left := range sent {
		came := all[i]
		if left.Dst != server || came.Dst != server || came.Src != mapped {
			w.Errorf("left %v to %v, came %v to %v; mapped as %v", left.Src, left.Dst, came.Src, came.Dst, mapped)
		}
		if left.Link != "eth0" || came.Link != "eth0" {
			w.Errorf("by %q and %q, want eth0", left.Link, came.Link)
		}
		least = min(least, came.At.Sub(left.At))
	}
	if least < 20*time.Millisecond || least > soon { // how much more is the machine's; see TestDelay
		w.Errorf("under way for %v at least, want 20 ms and little more", least)
	}
}

// TestCaptureStreams: no packet of a stream is larger than on a wire, and all
// bytes of it are there.
func TestCaptureStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.host(w.site("home", PortRestricted), "phone")
	ln, err := w.west.Listen("tcp4", ":9000")
	must(t, err)
	defer ln.Close()
	const size = 300_000
	go func() { // ends with its connection
		c, err := ln.Accept()
		if err == nil {
			_, _ = c.Write(make([]byte, size))
			c.Close()
		}
	}()
	capture, err := w.lab.Capture(h)
	must(t, err)
	c, err := h.Dial(t.Context(), "tcp", at4(w.west, 9000).String())
	must(t, err)
	defer c.Close()
	n, err := io.Copy(io.Discard, c)
	must(t, err)
	must(t, capture.Close())
	var payload int
	seen := map[uint32]bool{} // sequence numbers: a sender may repeat itself
	for _, p := range capture.Packets() {
		if p.Length > mtu {
			t.Fatalf("a packet of %d bytes", p.Length)
		}
		if p.Protocol == unix.IPPROTO_TCP && !p.Out {
			at := binary.BigEndian.Uint32(p.Data[24:])
			header := 20 + int(p.Data[32]>>4)*4
			if size := p.Length - header; size > 0 && !seen[at] {
				seen[at] = true
				payload += size
			}
		}
	}
	if n != size || payload != size {
		t.Errorf("%d bytes came, %d were captured, want %d", n, payload, size)
	}
}

// TestCommand: a program on a host uses the host's network.
func TestCommand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.host(w.site("home", PortRestricted), "phone")
	out, err := h.Command(t.Context(), "ip", "-4", "-o", "addr", "show", "dev", "eth0").CombinedOutput()
	must(t, err)
	if !bytes.Contains(out, []byte(h.Addr4().String())) {
		t.Errorf("the program sees %q, want %v", out, h.Addr4())
	}
	line := h.Enter("ip", "-o", "addr")
	out, err = exec.Command(line[0], line[1:]...).CombinedOutput()
	must(t, err)
	if !bytes.Contains(out, []byte(h.Addr4().String())) {
		t.Errorf("%v sees %q, want %v", line, out, h.Addr4())
	}
	err = h.Command(t.Context(), "sh", "-c", "exit 3").Run()
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 3 {
		t.Errorf("the program's status is lost: %v", err)
	}
}

func FuzzPacket(f *testing.F) {
	f.Add([]byte{0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 80, 0, 81, 0, 8, 0, 0})
	f.Add(append([]byte{0x60, 0, 0, 0, 0, 16, 0, 64}, make([]byte, 48)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, ok := ParsePacket(b)
		if !ok {
			return
		}
		if !p.Src.Addr().IsValid() || len(p.Data) > snap || len(p.Payload()) > len(b) {
			t.Errorf("%x: %+v", b, p)
		}
	})
}

// TestCaptureWhileClosing: a capture that begins when the lab is being closed is
// closed as well, and nobody waits for anybody.
func TestCaptureWhileClosing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.public("late")
	w.lab.mu.Lock()
	w.lab.closed = true
	w.lab.mu.Unlock()
	done := make(chan error, 1)
	go func() {
		_, err := w.lab.Capture(h.Host)
		done <- err
	}()
	select {
	case err := <-done:
		if !errors.Is(err, errClosed) {
			t.Errorf("a capture in a lab that is closing: %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the capture waits for the lab, and the lab for it")
	}
}
