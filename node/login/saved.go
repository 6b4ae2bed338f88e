package login

import (
	"encoding/binary"
	"errors"
	"fmt"

	"peerphone/node/wire"
)

// Saved is what a phone keeps on disk, so that it needs no login server at its
// next start. It holds no secret.
type Saved struct {
	Device  []byte // device certificate, DER
	Epoch   uint32 // of the node key that was asked for; that of the next one follows it
	Granted wire.Granted
}

// ErrSaved says that what was kept on disk cannot be read; the phone logs in
// again.
var ErrSaved = errors.New("login: the saved certificates are damaged")

// Append appends s:
//
//	4  Epoch, big endian
//	2  length of Device
//	n  Device
//	m  Granted, as wire.Append writes it
func (s Saved) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, s.Epoch)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(s.Device)))
	return wire.Append(append(dst, s.Device...), s.Granted)
}

// ParseSaved reads exactly what Append wrote; it checks no signature.
func ParseSaved(b []byte) (Saved, error) {
	const head = 4 + 2
	if len(b) < head || len(b) > head+wire.MaxLogin+maxDeviceCertificate {
		return Saved{}, fmt.Errorf("%w: %d bytes", ErrSaved, len(b))
	}
	s := Saved{Epoch: binary.BigEndian.Uint32(b)}
	n := int(binary.BigEndian.Uint16(b[4:]))
	b = b[head:]
	if n > maxDeviceCertificate || len(b) < n {
		return Saved{}, fmt.Errorf("%w: too short", ErrSaved)
	}
	m, err := wire.ParseLogin(b[n:])
	if err != nil {
		return Saved{}, fmt.Errorf("%w: %w", ErrSaved, err)
	}
	granted, ok := m.(wire.Granted)
	if !ok {
		return Saved{}, fmt.Errorf("%w: they hold a %T", ErrSaved, m)
	}
	s.Device, s.Granted = append([]byte(nil), b[:n]...), granted
	return s, nil
}

const maxDeviceCertificate = 1024
