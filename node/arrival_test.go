package node

import (
	"encoding/binary"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"peerphone/hal"
)

// A datagram came when the kernel had it, however late it is read.
func TestArrivalIsTheKernels(t *testing.T) {
	listen := func() *net.UDPConn {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	conn, err := newUDPConn(listen())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.close()
	far := listen()
	defer far.Close()
	b := newBatch(conn, conn.quit.Fd())
	for _, stamped := range []bool{true, false} {
		conn.stamp(stamped)
		if conn.stamped.Load() != stamped {
			t.Skip("this kernel tells no times of 64 bits")
		}
		// The kernel begins to note times when it comes to it; until then it says when a
		// datagram was read.
		before := arrivesBefore(t, b, far, conn)
		for end := time.Now().Add(time.Minute); stamped && !before && time.Now().Before(end); time.Sleep(time.Millisecond) {
			before = arrivesBefore(t, b, far, conn)
		}
		if before != stamped {
			t.Errorf("stamped %v, came before it was read %v", stamped, before)
		}
	}
}

// arrivesBefore sends a datagram, reads it some time after it was there, and
// reports whether it came before that.
func arrivesBefore(t *testing.T, b *batch, far *net.UDPConn, conn *udpConn) bool {
	t.Helper()
	sent := hal.Now()
	if _, err := far.WriteToUDPAddrPort([]byte("sound"), conn.addr); err != nil {
		t.Fatal(err)
	}
	if !b.readable() {
		t.Fatal("it is over")
	}
	read := hal.Now()
	for range 1000 { // some time goes by
		read = hal.Now()
	}
	if n := b.receive(); n != 1 {
		t.Fatalf("%d datagrams", n)
	}
	came := b.came(0)
	if came < sent.Add(-time.Millisecond) {
		t.Errorf("sent at %v, came at %v", 0, came.Sub(sent))
	}
	return came < read
}

// appendCmsg writes a control message as the kernel does.
func appendCmsg(b []byte, level, kind int, data []byte) []byte {
	m := make([]byte, unix.CmsgSpace(len(data)))
	if unix.SizeofPtr == 8 {
		binary.NativeEndian.PutUint64(m, uint64(unix.CmsgLen(len(data))))
	} else {
		binary.NativeEndian.PutUint32(m, uint32(unix.CmsgLen(len(data))))
	}
	binary.NativeEndian.PutUint32(m[unix.SizeofPtr:], uint32(level))
	binary.NativeEndian.PutUint32(m[unix.SizeofPtr+4:], uint32(kind))
	copy(m[unix.CmsgLen(0):], data)
	return append(b, m...)
}

func TestControlMessages(t *testing.T) {
	var data []byte
	data = binary.NativeEndian.AppendUint64(data, 1_700_000_000)
	data = binary.NativeEndian.AppendUint64(data, 123_456_789)
	want := time.Unix(1_700_000_000, 123_456_789)
	time64 := appendCmsg(nil, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW, data)
	other := appendCmsg(nil, unix.SOL_IP, unix.IP_TTL, []byte{64, 0, 0, 0})
	for _, c := range []struct {
		what string
		b    []byte
		ok   bool
	}{
		{"nothing", nil, false},
		{"the time", time64, true},
		{"behind another", append(other[:len(other):len(other)], time64...), true},
		{"another only", other, false},
		{"cut off", time64[:len(time64)-1], false},
		{"shorter than a time", appendCmsg(nil, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW, data[:8]), false},
		{"of no length", make([]byte, 64), false},
	} {
		if got, ok := parseArrival(c.b); ok != c.ok || ok && !got.Equal(want) {
			t.Errorf("%s: %v, %v; want %v", c.what, got, ok, c.ok)
		}
	}
}

// A wall clock that is set does not move what has come.
func TestArrivalUnderAClockThatIsSet(t *testing.T) {
	for _, off := range []time.Duration{-time.Hour, time.Hour} {
		wall := time.Now().Add(off)
		var data []byte
		data = binary.NativeEndian.AppendUint64(data, uint64(wall.Unix()))
		data = binary.NativeEndian.AppendUint64(data, uint64(wall.Nanosecond()))
		before := hal.Now()
		if got := arrival(appendCmsg(nil, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW, data)); got < before {
			t.Errorf("%v off: %v ago", off, before.Sub(got))
		}
	}
}
