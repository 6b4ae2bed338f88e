package login

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"peerphone/node/identity"
)

func TestDevicesOfAnAccount(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	var a Account
	for i := range byte(MaxDevices) {
		if err := a.see(identity.ID{i + 1}, nil, now.Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatalf("device %d: %v", i+1, err)
		}
	}
	if err := a.see(identity.ID{99}, nil, now.Add(deviceForgotten)); !errors.Is(err, ErrDevices) {
		t.Errorf("ninth device: got %v, want %v", err, ErrDevices)
	}
	if !a.knows(identity.ID{8}, nil, now.Add(8*time.Hour)) || a.knows(identity.ID{8}, nil, now.Add(48*time.Hour)) || a.knows(identity.ID{99}, nil, now) {
		t.Error("a device is known for a day, and only when it was here")
	}
	if err := a.see(identity.ID{99}, nil, now.Add(deviceForgotten+time.Minute)); err != nil || a.Devices[0].Device != (identity.ID{99}) {
		t.Errorf("in the place of a device long away: %v, %v", a.Devices, err)
	}
	if len(a.Devices) != MaxDevices {
		t.Errorf("%d devices, want %d", len(a.Devices), MaxDevices)
	}
}

func FuzzAccount(f *testing.F) {
	b, err := Account{Name: "kitchen", Number: "1001", Devices: []DeviceSeen{{Device: identity.ID{1}, Seen: 5}}}.Append(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseAccount(b)
		if err != nil {
			return
		}
		written, err := a.Append(nil)
		if err != nil {
			return // text that is not UTF-8
		}
		if again, err := ParseAccount(written); err != nil || !reflect.DeepEqual(again, a) {
			t.Errorf("%x\nparsed %+v\nagain  %+v, %v", b, a, again, err)
		}
	})
}
