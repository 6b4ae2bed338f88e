package natlab

import (
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"
)

// roundTrip measures, over and over where other programs have the CPU, until
// one is not longer than good, and returns the best.
func (s *sock) roundTrip(server netip.AddrPort, good time.Duration) time.Duration {
	s.Helper()
	s.mustAsk(server) // ARP, mapping
	best := time.Hour
	for range 200 {
		start := time.Now()
		s.send("ask", server)
		if _, _, ok := s.receive(soon); !ok {
			s.Fatalf("round trip to %v: lost", server)
		}
		best = min(best, time.Since(start))
		if best <= good {
			break
		}
	}
	return best
}

// answers counts those to n questions that are sent at once.
func (s *sock) answers(server netip.AddrPort, n int) (got int) {
	s.Helper()
	const batch = 150 // buffers hold more
	for ; n > 0; n -= batch {
		some := min(n, batch)
		for range some {
			s.send("ask", server)
		}
		got += s.count(some)
	}
	return got
}

// count receives up to n packets, until all is quiet.
func (s *sock) count(n int) (got int) {
	for got < n {
		if _, _, ok := s.receive(quiet); !ok {
			break
		}
		got++
	}
	return got
}

// TestDelay: a line adds its delay in each direction, two lines both, for both
// IP versions, and none when it is taken away.
func TestDelay(t *testing.T) {
	w := newWorld(t)
	s := w.site("home", PortRestricted, IPv6())
	h := w.host(s, "phone")
	c, c6 := w.sock(h, "0.0.0.0:0"), w.sock(h, "[::]:0")
	server, server6 := at4(w.east, askPort), netip.AddrPortFrom(w.east.Addr6(), askPort)
	for _, step := range []struct{ home, east, want time.Duration }{
		{20 * time.Millisecond, 0, 40 * time.Millisecond},
		{20 * time.Millisecond, 30 * time.Millisecond, 100 * time.Millisecond},
		{5 * time.Millisecond, 30 * time.Millisecond, 70 * time.Millisecond},
		{0, 0, 0},
	} {
		must(t, s.SetDelay(step.home, 0))
		must(t, w.east.SetDelay(step.east, 0))
		for _, version := range []struct {
			sock   *sock
			server netip.AddrPort
		}{{c, server}, {c6, server6}} {
			// A packet is never early; how late the machine brings it is not the line's.
			const good, tolerance = 3 * time.Millisecond, 15 * time.Millisecond
			got := version.sock.roundTrip(version.server, step.want+good)
			t.Logf("%v: home %v, east %v: round trip %v", version.server, step.home, step.east, got)
			if got < step.want || got > step.want+tolerance {
				t.Errorf("%v: home %v, east %v: round trip %v, want %v to %v more",
					version.server, step.home, step.east, got, step.want, tolerance)
			}
		}
	}
}

// TestJitter: delays spread over the whole range, and packets stay in order.
func TestJitter(t *testing.T) {
	w := newWorld(t)
	s := w.site("home", PortRestricted)
	c, d := w.sock(w.host(s, "phone")), w.sock(w.east.Host)
	c.mustAsk(at4(w.east, askPort))
	must(t, s.SetDelay(20*time.Millisecond, 10*time.Millisecond))
	const n = 60
	var sent, taken [n]time.Duration
	start := time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range n {
			sent[i] = time.Since(start)
			_, _ = c.WriteToUDPAddrPort([]byte{byte(i)}, at4(w.east, d.port()))
			time.Sleep(5 * time.Millisecond)
		}
	}()
	for i := range n {
		text, _, ok := d.receive(soon)
		if !ok || int(text[0]) != i {
			t.Fatalf("packet %d: got %q, %v", i, text, ok)
		}
		taken[i] = time.Since(start)
	}
	<-done
	for i := range taken {
		taken[i] -= sent[i]
	}
	least, most := slices.Min(taken[:]), slices.Max(taken[:])
	t.Logf("delay from %v to %v", least, most)
	if least < 10*time.Millisecond || least > 18*time.Millisecond || most < 22*time.Millisecond {
		t.Errorf("delays from %v to %v, want 10 to 30 ms", least, most)
	}
}

// TestLoss: 30 % in each direction leave 49 % of the answers.
func TestLoss(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.site("home", PortRestricted)
	c := w.sock(w.host(s, "phone"))
	server := at4(w.east, askPort)
	c.mustAsk(server)
	const n = 1000
	for _, step := range []struct {
		loss       float64
		least, max int
	}{{0, n, n}, {0.3, 410, 570}, {1, 0, 0}, {0, n, n}} { // 490 +- 5 sigma
		must(t, s.SetLoss(step.loss))
		if got := c.answers(server, n); got < step.least || got > step.max {
			t.Errorf("loss %v: %d answers of %d, want %d to %d", step.loss, got, n, step.least, step.max)
		}
	}
	if err := s.SetLoss(1.5); err == nil {
		t.Error("a loss of 1.5 is accepted")
	}
}

// TestRate: what gets through counts IP headers.
func TestRate(t *testing.T) {
	w := newWorld(t)
	s := w.site("home", PortRestricted)
	h := w.host(s, "phone")
	for _, direction := range []string{"up", "down"} {
		const rate, headers, size = 400_000, 28, 200 // 50 kB/s
		must(t, s.SetRate(rate))
		from, to := w.sock(h), w.sock(w.east.Host)
		target := at4(w.east, to.port())
		if direction == "down" {
			from.send("open", target)
			_, mapped, _ := to.receive(soon)
			from, to, target = to, from, mapped
		}
		const n = 300 // 60 kB, at once: 1.5 kB of bucket and 200 ms of queue get through
		begun := time.Now()
		for range n {
			from.send(string(make([]byte, size-headers)), target)
		}
		meanwhile := int(rate / 8 * time.Since(begun).Seconds()) // got through, too
		got := to.count(n) * size
		want := 1500 + rate/8/5
		t.Logf("%s: %d bytes of %d get through, of which %d may have while they were sent", direction, got, n*size, meanwhile)
		if got < want*8/10 || got > want*13/10+meanwhile {
			t.Errorf("%s: %d bytes get through, want about %d", direction, got, want)
		}
		// Long enough for the bucket not to count: 10 kB in 200 ms. A busy machine
		// makes it less, and never more.
		best := 0.0
		for try := 0; try < 20 && best < 0.7*rate; try++ {
			first := time.Now()
			for range 51 {
				from.send(string(make([]byte, size-headers)), target)
			}
			for range 51 {
				if _, _, ok := to.receive(soon); !ok {
					t.Fatalf("%s: a packet is lost below the queue's length", direction)
				}
			}
			bits := float64(51*size-1500) * 8 / time.Since(first).Seconds()
			t.Logf("%s: %.0f bit/s", direction, bits)
			best = max(best, bits)
		}
		if best < 0.7*rate || best > 1.1*rate {
			t.Errorf("%s: %.0f bit/s, want %d", direction, best, rate)
		}
		must(t, s.SetRate(0))
		const few = 200 // as many as a socket holds
		for range few {
			from.send("x", target)
		}
		if got := to.count(few); got != few {
			t.Errorf("%s: %d packets of %d pass without a limit", direction, got, few)
		}
	}
}

// TestPull: nothing passes, and all is as before when the plug is back, with
// and without a delay.
// A line that is plugged in again carries at once, although what it carries
// first finds no answer to who has the address.
func TestPluggedLineCarriesSoon(t *testing.T) {
	w := newWorld(t)
	s := w.site("nat", PortRestricted)
	for end, in := range map[string]*space{s.Line.cable.farEnd: s.Line.cable.far, s.Line.cable.nearEnd: s.Line.cable.near} {
		var got []byte
		must(t, in.do(func() (err error) {
			got, err = os.ReadFile("/proc/sys/net/ipv4/neigh/" + end + "/retrans_time_ms")
			return err
		}))
		if string(got) != "20\n" {
			t.Errorf("%s: asks again after %q ms, want 20", end, got)
		}
	}
}

func TestPull(t *testing.T) {
	w := newWorld(t)
	for _, s := range []*Site{
		w.site("nat", PortRestricted), w.site("open", NoNAT, IPv6()), w.site("carrier", Carrier),
	} {
		h := w.host(s, "phone")
		c := w.sock(h)
		server := at4(w.east, askPort)
		for _, delay := range []time.Duration{0, time.Millisecond} {
			must(t, s.SetDelay(delay, 0))
			before := c.mustAsk(server)
			must(t, s.Pull())
			if got := c.answers(server, 3); got != 0 {
				t.Errorf("%s, delay %v: %d answers by a cable that is pulled", s.Name(), delay, got)
			}
			must(t, s.Plug())
			if after := c.mustAsk(server); after != before {
				t.Errorf("%s, delay %v: the mapping was %v and is %v", s.Name(), delay, before, after)
			}
			if h.Addr6().IsValid() {
				w.sock(h, "[::]:0").mustAsk(netip.AddrPortFrom(w.east.Addr6(), askPort))
			}
		}
	}
}
