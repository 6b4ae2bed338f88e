package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"peerphone/firmware/lab/natlab"
)

// paperCall is a call.
type paperCall struct {
	SearchMS float64 `json:"search_ms"` // by the caller's word
	SetupMS  float64 `json:"setup_ms"`  // from the last key until the far phone rang
	Path     string  `json:"path"`      // by which sound came in at the end
	UpKBs    float64 `json:"up_kb_s"`   // sent by the caller while both talked, in kB/s
	DownKBs  float64 `json:"down_kb_s"` // received by it
}

func (c paperCall) String() string {
	return fmt.Sprintf("search %.0f ms, rings after %.0f ms, %s, %.1f kB/s up, %.1f down", c.SearchMS, c.SetupMS, c.Path, c.UpKBs, c.DownKBs)
}

// call lets the first phone call the second. Its trace gets a name.
func (p *paperSetup) call(ctx context.Context, name string, length time.Duration) (r paperCall, err error) {
	c, err := p.phones[0].call(ctx, p.phones[1])
	if err != nil {
		return r, err
	}
	s, err := p.phones[0].now(ctx)
	if err == nil {
		err = c.answer(ctx)
	}
	if err == nil {
		err = c.talk(ctx, length)
	}
	err = errors.Join(err, c.end(ctx))
	if p.traces != "" {
		err = errors.Join(err, c.trace(p.traces, name))
	}
	if err != nil {
		return r, err
	}
	r = paperCall{SearchMS: round(s.Timing.Search, 0), SetupMS: round(ms(c.rang.Sub(c.dialled)), 0), Path: c.lastWay().String()}
	from := c.answered.Add(time.Second) // what belongs to the answer is over
	r.UpKBs, r.DownKBs = rates(c.from.capture.Packets(), from, c.ended)
	return r, nil
}

// rates are what was sent and received in a time, in kB/s.
func rates(packets []natlab.Packet, from, to time.Time) (up, down float64) {
	for _, p := range packets {
		switch {
		case p.At.Before(from) || p.At.After(to):
		case p.Out:
			up += float64(p.Length)
		default:
			down += float64(p.Length)
		}
	}
	seconds := to.Sub(from).Seconds()
	return round(up/seconds/1000, 2), round(down/seconds/1000, 2)
}

// paperIdle is a phone that nobody uses.
type paperIdle struct {
	BytesPerMinute   float64 `json:"bytes_per_minute"`
	PacketsPerMinute float64 `json:"packets_per_minute"`
}

func (i paperIdle) String() string {
	return fmt.Sprintf("%.0f packets and %.0f bytes a minute", i.PacketsPerMinute, i.BytesPerMinute)
}

// idle watches the callers of all set-ups at once.
func (r *paperResult) idle(ctx context.Context, length time.Duration, s *steps) error {
	var captures []*natlab.Capture
	for _, setup := range r.Setups {
		c, err := setup.phones[0].town.lab.Capture(setup.phones[0].host)
		if err != nil {
			return err
		}
		defer c.Close()
		captures = append(captures, c)
	}
	s.say("all", "are watched for %v while nobody uses them", length)
	if err := pause(ctx, length); err != nil {
		return err
	}
	for i, c := range captures {
		bytes, packets := c.Bytes(nil)
		minutes := max(length.Minutes(), 1e-9)
		r.Setups[i].Idle = paperIdle{round(float64(bytes)/minutes, 0), round(float64(packets)/minutes, 1)}
	}
	return nil
}
