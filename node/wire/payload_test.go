package wire

import (
	"reflect"
	"testing"
)

func laneVectors() map[string]Lane {
	return map[string]Lane{
		"open":        {Op: LaneOpen, Attempt: 1, Target: testID(5), Frame: []byte("frame")},
		"frame":       {Op: LaneFrame, Attempt: 1<<32 - 1, Frame: []byte("frame")},
		"refuse":      {Op: LaneRefuse, Attempt: 3, Refusal: LaneGone},
		"whole frame": {Op: LaneFrame, Attempt: 4, Frame: make([]byte, MaxInner)},
	}
}

func TestLanes(t *testing.T) {
	for what, want := range laneVectors() {
		got, ok := ParseLane(AppendLane(nil, want))
		if !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v\nwant %+v", what, got, ok, want)
		}
	}
	id := testID(5)
	for what, b := range map[string][]byte{
		"nothing":               nil,
		"another payload":       {byte(PayloadPath), byte(LaneFrame), 0, 0, 0, 1, 1},
		"operation 0":           {byte(PayloadLane), 0, 0, 0, 0, 1, 1},
		"operation 4":           {byte(PayloadLane), 4, 0, 0, 0, 1, 1},
		"an empty frame":        {byte(PayloadLane), byte(LaneFrame), 0, 0, 0, 1},
		"a refusal and more":    {byte(PayloadLane), byte(LaneRefuse), 0, 0, 0, 1, 1, 1},
		"a target and no frame": append([]byte{byte(PayloadLane), byte(LaneOpen), 0, 0, 0, 1}, id[:]...),
		"too long a frame":      AppendLane(nil, Lane{Op: LaneFrame, Frame: make([]byte, MaxInner+1)}),
	} {
		if l, ok := ParseLane(b); ok {
			t.Errorf("%s: %x passes as %+v", what, b, l)
		}
	}
}

// A whole frame in a lane stays within a datagram.
func TestLaneFitsIntoDatagram(t *testing.T) {
	open := AppendLane(nil, Lane{Op: LaneOpen, Target: testID(5), Frame: make([]byte, MaxInner)})
	if n := SessionHeader + len(open) + Tag; n > MaxDatagram {
		t.Errorf("a datagram of %d bytes, at most %d", n, MaxDatagram)
	}
}

func TestFrameKinds(t *testing.T) {
	for first := range 256 {
		want := UnknownFrame
		switch {
		case first <= 3:
			want = STUNFrame
		case first >= 0x20 && first <= 0x2f:
			want = HandshakeFrame
		case first == 0x30 || first == 0x31:
			want = QuestionFrame
		case first == 0x32:
			want = BeatFrame
		case first == 0x40:
			want = RelayFrame
		case first == 0x80 || first == 0x81:
			want = SessionFrame
		}
		if got := KindOf([]byte{byte(first)}); got != want {
			t.Errorf("first byte 0x%02x: got %d, want %d", first, got, want)
		}
	}
	if got := KindOf(nil); got != UnknownFrame {
		t.Errorf("nothing: got %d, want %d", got, UnknownFrame)
	}
}

func TestHeaderNeedsRoomForTag(t *testing.T) {
	h := Header{Phase: 1, To: MaxIndex, Counter: 0xffff}
	b := append(AppendHeader(nil, h), make([]byte, 1+Tag)...)
	if got, ok := ParseHeader(b); !ok || got != h {
		t.Errorf("got %+v, %v, want %+v", got, ok, h)
	}
	if _, ok := ParseHeader(b[:len(b)-1]); ok {
		t.Error("a frame without a payload type passes")
	}
}
