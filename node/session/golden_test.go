package session

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

var update = flag.Bool("update", false, "write testdata/*.golden anew")

// TestGolden pins every byte that this package sends: a change here is a
// change of the protocol.
func TestGolden(t *testing.T) {
	var out strings.Builder
	put := func(name string, b []byte) { fmt.Fprintf(&out, "%-28s %x\n", name, b) }
	counted := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(i)
		}
		return b
	}

	for _, s := range []Suite{SuiteAES, SuiteChaCha} {
		a, _ := pair(s)
		put(fmt.Sprintf("packet 0 %v", s), a.Seal(nil, []byte("\x80speech")))
		put(fmt.Sprintf("packet 1 %v", s), a.Seal(nil, []byte("\x80speech")))
		a.at(epochPackets + 1)
		put(fmt.Sprintf("packet 2^20+1 %v", s), a.Seal(nil, []byte("\x80speech")))
	}

	key := macKeyOf(identity.ID(counted(32)))
	attempt := attemptID(counted(8))
	put("mac key", key[:])
	hello := frame{kind: helloFrame, from: 0x010203, attempt: attempt, plain: []byte("ClientHello")}
	put("hello", key.append(hello.append(nil)))
	hello.cookie = counted(macSize)
	put("hello with cookie", key.append(hello.append(nil)))
	answer := frame{kind: answerFrame, to: 0x010203, from: 0x0a0b0c, attempt: attempt, ack: 11, offset: 300, plain: []byte("ServerHello")}
	c := newCover(&Secrets{Read: counted(32), Write: counted(48)})
	put("answer", key.append(c.seal(answer.append(nil), part{ack: 5, offset: 600, data: []byte("Certificate")})))
	put("done", key.append(c.seal(answer.append(nil), part{flags: partDone, ack: 700})))
	put("refused", key.append(c.seal(answer.append(nil), part{flags: partRefused, refusal: RefusalExpired})))
	refuse := frame{kind: refuseFrame, to: 0x010203, from: 0x0a0b0c, attempt: attempt, refusal: RefusalCredentials}
	put("refuse", key.append(refuse.append(nil)))
	retry := frame{kind: retryFrame, to: 0x010203, attempt: attempt, cookie: counted(macSize)}
	put("retry", key.append(retry.append(nil)))
	put("parameters", parameters{suites: 1<<SuiteAES | 1<<SuiteChaCha, role: AsPhone}.append(nil))
	put("preface", preface(0x010203, 1<<SuiteAES))

	for name, payload := range controlPayloads(t) {
		put(name, payload)
	}
	const file = "testdata/session.golden"
	if *update {
		must(t, os.WriteFile(file, []byte(out.String()), 0o644))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if string(want) != out.String() {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// controlPayloads returns what a session says, in order, opened by its peer.
func controlPayloads(t *testing.T) func(yield func(string, []byte) bool) {
	w := newWorld(t, 1)
	a, b := w.join("kitchen"), w.join("workshop")
	ia, ib := w.connect(a, b, AsNode)
	s := a.table.sessions[ia]
	a.table.Send(w.now, ia, []byte("message"))
	s.control.held = map[uint32][]byte{2: []byte("beyond a gap")}
	s.alive.token = 0x0102
	a.table.ask(w.now, s)
	a.table.sendAck(s, ackAnswers, 7)
	a.table.tell(w.now, s, RefusalGlare)
	return func(yield func(string, []byte) bool) {
		names := []string{"segment", "acknowledgement asks", "acknowledgement answers", "close", "close again"}
		for i, e := range a.table.Take() {
			payload, err := b.table.Channel(ib).Open(nil, e.(Datagram).Frame)
			must(t, err)
			if !yield(names[i], payload) {
				return
			}
		}
	}
}

// TestSizesOnTheWire holds what others rely on.
func TestSizesOnTheWire(t *testing.T) {
	if got := wire.SessionHeader + segmentHeader + wire.MaxMessage + wire.Tag; got > wire.MaxInner {
		t.Errorf("the longest message makes a frame of %d bytes, more than fits a lane", got)
	}
}
