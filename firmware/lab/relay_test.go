package main

import (
	"bytes"
	"context"
	"os"
	"testing"
	"time"
)

// TestLoad sends the packets of flows at their times, and hears them.
func TestLoad(t *testing.T) {
	a, err := listenLoopback()
	if err != nil {
		t.Fatal(err)
	}
	b, err := listenLoopback()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.connect(b.addr); err != nil {
		t.Fatal(err)
	}
	packet := []byte("sound")
	l, err := newLoad([]flow{{a, b, packet}}, func(got []byte) bool { return bytes.Equal(got, packet) })
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	if err := l.run(context.Background(), 200*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if l.sent < 5 || l.sent > 10 || l.received != l.sent { // one in 20 ms; a busy machine is late
		t.Errorf("%d sent and %d received in 200 ms", l.sent, l.received)
	}
}

// TestRelayVerdict holds ours to its shares of coturn's.
func TestRelayVerdict(t *testing.T) {
	for _, c := range []struct {
		cpu, memory float64
		lost        uint64
		good        bool
	}{
		{8, 1000, 0, true}, {8.1, 1000, 0, false}, {8, 1100, 0, false}, {8, 1000, 20_000, false},
	} {
		ours := &measured{Relay: "ours", Packets: 1_000_000 - c.lost, sent: 1_000_000, bed: memoryBed{bytes: c.memory * 400}}
		ours.cpu = time.Duration(c.cpu * 1000 * float64(ours.Packets))
		coturn := &measured{Relay: "coturn", Packets: 1_000_000, sent: 1_000_000, bed: memoryBed{bytes: 400 * 25_000}, cpu: 10 * time.Second}
		list := []*measured{ours, coturn}
		sumUp(list, 400)
		if err := verdictOf(list); (err == nil) != c.good {
			t.Errorf("%v us, %v B, %d lost: %v", c.cpu, c.memory, c.lost, err)
		}
	}
}

// TestTheLeastSliceCounts where the machine was busy in one of them.
func TestTheLeastSliceCounts(t *testing.T) {
	ours, coturn := &measured{Relay: "ours", bed: memoryBed{}}, &measured{Relay: "coturn", bed: memoryBed{}}
	for _, us := range []time.Duration{12, 7, 9} {
		ours.count(us*time.Millisecond, 1000, 1000)
		coturn.count(10*time.Millisecond, 1000, 1000)
	}
	list := []*measured{ours, coturn}
	sumUp(list, 400)
	if err := verdictOf(list); err == nil {
		t.Error("9.3 us in the mean are less than 0.8 of 10")
	}
	takeLeast(list)
	if err := verdictOf(list); err != nil || ours.CPUMicros != 7 || ours.Share != .7 {
		t.Errorf("%v us, %v of coturn's: %v", ours.CPUMicros, ours.Share, err)
	}
}

// memoryBed is a relay of which only the memory is known.
type memoryBed struct {
	relayBed
	bytes float64
}

func (m memoryBed) perLeg(legs int) float64 { return m.bytes / float64(legs) }

// TestSlope finds what a leg takes among what the process has anyway.
func TestSlope(t *testing.T) {
	if got := slope([]float64{0, 100, 200, 300}, []float64{9000, 9950, 11050, 12000}); got < 9.5 || got > 10.5 {
		t.Errorf("%v bytes a leg, want about 10", got)
	}
}

// TestCarriedBy: on a busy machine a relay may lose some, but not most.
func TestCarriedBy(t *testing.T) {
	if err := carriedBy([]*measured{{Loss: 0.3}, {}}); err != nil {
		t.Error(err)
	}
	if carriedBy([]*measured{{}, {Relay: "ours", Loss: 1}}) == nil {
		t.Error("a relay that passes on nothing is good enough")
	}
}

// TestUsageOf: a process that works has used time.
func TestUsageOf(t *testing.T) {
	before, err := usageOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	after := before
	for start := time.Now(); after.cpu <= before.cpu; {
		for range 1000 {
			_ = bytes.Repeat([]byte{1}, 1000)
		}
		if after, err = usageOf(os.Getpid()); err != nil {
			t.Fatal(err)
		}
		if time.Since(start) > time.Minute {
			t.Fatalf("%v, and %v after a minute", before.cpu, after.cpu)
		}
	}
	if after.memory == 0 {
		t.Error("it takes no memory")
	}
}

// TestFloorRequest tells requests from packets.
func TestFloorRequest(t *testing.T) {
	if !asksFloor([]byte(floorRequest+"\x12\x34")) || asksFloor(make([]byte, relayAround+relayPayload)) || asksFloor(nil) {
		t.Error("a request is not told from a packet")
	}
}
