package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"peerphone/firmware/lab/natlab"
	"peerphone/node"
)

// paperStart is the start of a phone until it is quiet: attached to three
// homes, published, its NAT known.
type paperStart struct {
	AttachedMS    float64 `json:"attached_ms"`    // to the first home
	ReadyMS       float64 `json:"ready_ms"`       // published: it can be called
	AttachedBytes int     `json:"attached_bytes"` // with the first home, until attached
	SaidBytes     int     `json:"said_bytes"`     // of these, without TCP segments that only acknowledge
	UntilBytes    int     `json:"until_bytes"`    // with everybody until then: three homes are dialled at a time
	Bytes         int     `json:"bytes"`          // in all
	Packets       int     `json:"packets"`        // in all
	LoginBytes    int     `json:"login_bytes"`    // of them with the login server
	Homes         int     `json:"homes"`          // at the end
	NAT           string  `json:"nat"`            // as it found it
	StalledMS     float64 `json:"stalled_ms"`     // meanwhile, in which this machine ran nothing of ours
}

func (s paperStart) String() string {
	return fmt.Sprintf("attached after %.0f ms and %d bytes, ready after %.0f ms, %d bytes in all", s.AttachedMS, s.AttachedBytes, s.ReadyMS, s.Bytes)
}

// What a phone is given to become quiet, and how long quiet must last: the host
// cache is written two seconds after it has changed.
const (
	quietTime = 5 * time.Second
	quietLast = 3 * time.Second
	stopTime  = 5 * time.Second
)

// hostCache is the file that a flushed phone lacks.
const hostCache = "hostcache.json"

// starts starts both phones three times: for the first time, again, and with
// the host cache deleted.
func (p *paperSetup) starts(ctx context.Context, s *steps) error {
	for _, run := range []struct {
		what string
		into *paperStart
		prep func(*resident) error
	}{
		{"first login", &p.First, func(*resident) error { return nil }},
		{"later login", &p.Later, (*resident).stop},
		{"login without a host cache", &p.Flushed, (*resident).flush},
	} {
		if err := p.startBoth(ctx, run.what, run.prep, run.into); err != nil {
			return err
		}
		s.say(p.Name, "%s: %v", run.what, *run.into)
	}
	return nil
}

// startBoth starts both phones at a time.
func (p *paperSetup) startBoth(ctx context.Context, what string, prepare func(*resident) error, into *paperStart) error {
	var both sync.WaitGroup
	var starts [2]paperStart
	var errs [2]error
	for i, phone := range p.phones {
		both.Go(func() { // owner: startBoth
			if errs[i] = prepare(phone); errs[i] == nil {
				starts[i], errs[i] = phone.measureStart(ctx, p.traces, fmt.Sprintf("%s, %s", phone.residence, what))
			}
		})
	}
	both.Wait()
	p.NAT = nil
	for _, start := range starts {
		into.worse(start)
		p.NAT = append(p.NAT, start.NAT)
	}
	return errors.Join(errs[:]...)
}

// worse keeps the larger of each figure.
func (s *paperStart) worse(o paperStart) {
	s.AttachedMS, s.ReadyMS = max(s.AttachedMS, o.AttachedMS), max(s.ReadyMS, o.ReadyMS)
	s.AttachedBytes, s.LoginBytes = max(s.AttachedBytes, o.AttachedBytes), max(s.LoginBytes, o.LoginBytes)
	s.UntilBytes, s.SaidBytes = max(s.UntilBytes, o.UntilBytes), max(s.SaidBytes, o.SaidBytes)
	s.Bytes, s.Packets = max(s.Bytes, o.Bytes), max(s.Packets, o.Packets)
	s.StalledMS = max(s.StalledMS, o.StalledMS)
	if s.NAT == "" || o.Homes < s.Homes {
		s.Homes = o.Homes
	}
	s.NAT = o.NAT
}

// stop ends the phone's process, as a person does who pulls the plug gently.
func (r *resident) stop() error {
	if r.phone != nil {
		r.phone.close()
		r.phone = nil
	}
	if r.child != nil {
		r.child.Stop(stopTime)
		r.child = nil
	}
	return nil
}

// flush stops the phone and deletes its host cache.
func (r *resident) flush() error {
	if err := r.stop(); err != nil {
		return err
	}
	return os.Remove(filepath.Join(r.folder.path(stateFolder), hostCache))
}

// measureStart starts the phone and captures what it sends and hears until it
// is quiet. Its trace gets a name; traces "": there is none.
func (r *resident) measureStart(ctx context.Context, traces folder, name string) (paperStart, error) {
	capture, err := r.town.lab.Capture(r.host)
	if err != nil {
		return paperStart{}, err
	}
	defer capture.Close()
	begun := time.Now()
	if err := r.run(); err != nil {
		return paperStart{}, err
	}
	if err := r.open(ctx); err != nil {
		return paperStart{}, err
	}
	s, err := r.quiet(ctx)
	if err != nil {
		return paperStart{}, err
	}
	if err := capture.Close(); err != nil {
		return paperStart{}, err
	}
	if traces != "" {
		if err := r.traceStart(traces, name, capture.Packets()); err != nil {
			return paperStart{}, err
		}
	}
	start := r.readStart(s, capture.Packets())
	start.StalledMS = round(ms(r.town.stalls.within(begun, time.Now())), 1)
	return start, nil
}

// traceStart writes what the phone's interface saw.
func (r *resident) traceStart(dir folder, name string, packets []natlab.Packet) error {
	var b bytes.Buffer
	if len(packets) > 0 {
		r.describe(&b, packets, packets[0].At)
	}
	return dir.write(name+".txt", b.Bytes())
}

// quiet waits until the phone has done all that it does at its start, or for
// quietTime, and returns what it shows then.
func (r *resident) quiet(ctx context.Context) (s node.Snapshot, err error) {
	for end := time.Now().Add(quietTime); time.Now().Before(end); {
		if s, err = r.now(ctx); err != nil {
			return s, err
		}
		if len(s.Network.Homes) >= 3 && s.Network.Published > 0 && s.Network.NAT.Kind != "unknown" {
			break
		}
		if err := pause(ctx, lookEvery); err != nil {
			return s, err
		}
	}
	return s, errors.Join(pause(ctx, quietLast), context.Cause(ctx))
}

// readStart takes the figures of a start from its capture. Times are those of
// the phone, whose first packet is the capture's.
func (r *resident) readStart(s node.Snapshot, packets []natlab.Packet) paperStart {
	start := paperStart{
		AttachedMS: round(s.Timing.Attached, 0), ReadyMS: round(s.Timing.Login, 0),
		Homes: len(s.Network.Homes), NAT: s.Network.NAT.Kind,
	}
	home, attached := firstHome(packets, func(a netip.Addr) bool { return r.town.supernodeAt(a) != nil })
	for _, p := range ofThisStart(packets) {
		start.Bytes += p.Length
		start.Packets++
		until := !p.At.After(attached)
		if until {
			start.UntilBytes += p.Length
		}
		switch other := otherEnd(p); {
		case r.town.isLogin(other):
			start.LoginBytes += p.Length
		case until && other == home:
			start.AttachedBytes += p.Length
			if !onlyAcknowledges(p) {
				start.SaidBytes += p.Length
			}
		}
	}
	return start
}
