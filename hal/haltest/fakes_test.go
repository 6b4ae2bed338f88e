package haltest

import (
	"errors"
	"testing"
	"testing/synctest"

	"peerphone/hal"
)

func TestFakeCard(t *testing.T) {
	for _, rate := range []int{16000, 48000} {
		TestVirtualCard(t, func(t *testing.T) hal.Card { return NewCard(rate) })
	}
}

func TestFakeDevices(t *testing.T) {
	t.Run("Keypad", func(t *testing.T) {
		k := NewKeypad()
		TestKeypad(t, k, k.Press, k.Remove)
	})
	t.Run("Hook", func(t *testing.T) {
		h := NewHook()
		TestHook(t, h, h.Set, h.Remove)
	})
	t.Run("Lamp", func(t *testing.T) {
		l := new(Lamp)
		TestLamp(t, l, l.Shows)
	})
	t.Run("Screen", func(t *testing.T) {
		s := new(Screen)
		TestScreen(t, s, s.Lines)
	})
	t.Run("Ringer", func(t *testing.T) {
		r := new(Ringer)
		TestRinger(t, r, r.Rings)
	})
}

func TestFakeCardFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewCard(16000)
		m, _ := c.OpenMic()
		s, _ := c.OpenSpeaker()
		f := hal.Frame{PCM: make([]int16, 160)}
		c.Stall(1)
		if err := m.Read(&f); !errors.Is(err, hal.ErrStall) {
			t.Errorf("Read: %v, want ErrStall", err)
		}
		if _, err := s.Write(f.PCM); !errors.Is(err, hal.ErrStall) {
			t.Errorf("Write: %v, want ErrStall", err)
		}
		if err := m.Read(&f); err != nil || !f.Gap {
			t.Errorf("Read after a stall: %v, gap %v", err, f.Gap)
		}
		c.Unplug()
		if err := m.Read(&f); !errors.Is(err, hal.ErrGone) {
			t.Errorf("Read: %v, want ErrGone", err)
		}
		if _, err := c.OpenSpeaker(); !errors.Is(err, hal.ErrGone) {
			t.Errorf("OpenSpeaker: %v, want ErrGone", err)
		}
		c.Plug()
		if _, err := c.OpenMic(); err != nil {
			t.Errorf("OpenMic after plugging in: %v", err)
		}
	})
}
