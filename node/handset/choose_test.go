package handset

import (
	"testing"
	"time"
)

func TestWhomIsChosenIsCalledWhenTheReceiverIsLifted(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	h := New(Config{})
	h.Line(now, LineView{State: Ready, Name: "kitchen", Number: "1001"})
	dialled := func() (list []string) {
		for _, e := range h.Take() {
			if d, ok := e.(Dial); ok {
				list = append(list, d.Number)
			}
		}
		return list
	}
	h.Choose(now, "anna", "Anna Schmidt")
	if got := h.Face().Lines; got[0] != "Lift to call" || got[1] != "Anna Schmidt" {
		t.Errorf("the display reads %q", got)
	}
	if got := dialled(); got != nil {
		t.Errorf("dialled %q with the receiver on the hook", got)
	}
	h.Hook(now, true)
	if got := dialled(); len(got) != 1 || got[0] != "anna" {
		t.Errorf("dialled %q", got)
	}
	if got := h.Face().Lines; got[0] != "Calling" || got[1] != "Anna Schmidt" {
		t.Errorf("the display reads %q", got)
	}
	h.Hook(now, false)
	h.Take()

	// Half a minute later nobody is called.
	h.Choose(now, "anna", "Anna Schmidt")
	now = now.Add(showChosen)
	h.Advance(now)
	h.Hook(now, true)
	if got := dialled(); got != nil {
		t.Errorf("dialled %q half a minute later", got)
	}
	// With the receiver off it is at once, and a number can be dialled again.
	h.Choose(now, "1002", "Berta")
	if got := dialled(); len(got) != 1 || got[0] != "1002" {
		t.Errorf("dialled %q", got)
	}
	h.Hook(now, false)
	h.Take()
	h.Hook(now, true)
	h.Key(now, '#')
	if got := dialled(); len(got) != 1 || got[0] != "1002" {
		t.Errorf("dialled again: %q", got)
	}
	h.Hook(now, false)
	h.Take()
	// Who types a number meanwhile has changed his mind.
	h.Choose(now, "anna", "Anna Schmidt")
	h.Key(now, '5')
	h.Hook(now, true)
	if got := dialled(); got != nil {
		t.Errorf("dialled %q after another number was begun", got)
	}
}
