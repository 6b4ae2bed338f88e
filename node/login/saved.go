package login

import (
	"errors"
	"fmt"

	"peerphone/node/wire"
)

// Saved is what a phone keeps on disk, so that it needs no login server at its
// next start. It holds no secret.
type Saved struct {
	Device  []byte // device certificate, DER
	Granted wire.Granted
}

// ErrSaved says that what was kept on disk cannot be read; the phone logs in
// again.
var ErrSaved = errors.New("login: the saved certificates are damaged")

// Append appends s:
//
//	2  length of Device, big endian
//	n  Device
//	m  Granted, as wire.Append writes it
func (s Saved) Append(dst []byte) []byte {
	dst = append(dst, byte(len(s.Device)>>8), byte(len(s.Device)))
	return wire.Append(append(dst, s.Device...), s.Granted)
}

// ParseSaved reads exactly what Append wrote; it checks no signature.
func ParseSaved(b []byte) (Saved, error) {
	if len(b) < 2 || len(b) > 2+wire.MaxLogin+maxDeviceCertificate {
		return Saved{}, fmt.Errorf("%w: %d bytes", ErrSaved, len(b))
	}
	n := int(b[0])<<8 | int(b[1])
	if n > maxDeviceCertificate || len(b) < 2+n {
		return Saved{}, fmt.Errorf("%w: too short", ErrSaved)
	}
	m, err := wire.ParseLogin(b[2+n:])
	if err != nil {
		return Saved{}, fmt.Errorf("%w: %w", ErrSaved, err)
	}
	granted, ok := m.(wire.Granted)
	if !ok {
		return Saved{}, fmt.Errorf("%w: they hold a %T", ErrSaved, m)
	}
	return Saved{Device: append([]byte(nil), b[2:2+n]...), Granted: granted}, nil
}

const maxDeviceCertificate = 1024
