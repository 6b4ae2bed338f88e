package wire

import "testing"

func TestTrains(t *testing.T) {
	for want := range TrainLength {
		b := AppendTrain(nil, want)
		if got, ok := ParseTrain(b); !ok || got != want || len(b)+SessionHeader+Tag+28 != 400 {
			t.Errorf("packet %d: read %d, %v, of %d bytes", want, got, ok, len(b))
		}
	}
	good := AppendTrain(nil, 0)
	changed := func(at int, to byte) []byte {
		b := append([]byte(nil), good...)
		b[at] = to
		return b
	}
	for what, b := range map[string][]byte{
		"nothing":         nil,
		"too short":       good[:TrainSize-1],
		"too long":        append(append([]byte(nil), good...), 0),
		"another payload": changed(0, byte(PayloadLane)),
		"a sixth packet":  changed(1, TrainLength),
		"something in it": changed(TrainSize-1, 1),
	} {
		if n, ok := ParseTrain(b); ok {
			t.Errorf("%s passes as packet %d", what, n)
		}
	}
}

func FuzzTrain(f *testing.F) {
	f.Add(AppendTrain(nil, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		if n, ok := ParseTrain(b); ok && string(AppendTrain(nil, n)) != string(b) {
			t.Errorf("%x is packet %d", b, n)
		}
	})
}
