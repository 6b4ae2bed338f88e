// Package trace makes, reads and plays traces of packets' arrivals: what a
// jitter buffer is judged by.
//
// A trace is text, one packet a line: "seq sent arrived", times in milliseconds,
// arrived -1 for a packet that was lost. Lines that begin with # are comments,
// of which the first says where the trace comes from. Sent times are the
// sender's clock, arrivals the receiver's.
package trace

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Frame is the duration of each packet.
const Frame = 20 * time.Millisecond

// maxPackets bounds what Parse takes: an hour and a half.
const maxPackets = 1 << 18

// Errors of Parse.
var (
	ErrForm  = errors.New("trace: want lines of: seq sent_ms arrived_ms")
	ErrEmpty = errors.New("trace: no packets")
	ErrLong  = errors.New("trace: too many packets")
)

// Packet is one line.
type Packet struct {
	Seq     int // from 0, one per Frame
	Sent    time.Duration
	Arrived time.Duration // meaningless when Lost
	Lost    bool
}

// Trace is what became of a sender's packets, in the order of sending.
type Trace struct {
	About   string // where it comes from
	Packets []Packet
}

// Parse reads a trace. Errors wrap ErrForm, ErrEmpty or ErrLong.
func Parse(text []byte) (Trace, error) {
	var t Trace
	for n, line := range bytes.Split(text, []byte("\n")) {
		s := strings.TrimSpace(string(line))
		if about, ok := strings.CutPrefix(s, "#"); ok && t.About == "" {
			t.About = strings.TrimSpace(about)
		}
		if s == "" || s[0] == '#' {
			continue
		}
		p, err := parseLine(s)
		if err != nil {
			return Trace{}, fmt.Errorf("line %d: %w", n+1, err)
		}
		if len(t.Packets) == maxPackets {
			return Trace{}, ErrLong
		}
		t.Packets = append(t.Packets, p)
	}
	if len(t.Packets) == 0 {
		return Trace{}, ErrEmpty
	}
	return t, nil
}

func parseLine(s string) (Packet, error) {
	fields := strings.Fields(s)
	if len(fields) != 3 {
		return Packet{}, ErrForm
	}
	seq, err := strconv.ParseUint(fields[0], 10, 31)
	sent, ok1 := parseMS(fields[1])
	arrived, ok2 := parseMS(fields[2])
	if err != nil || !ok1 || !ok2 {
		return Packet{}, ErrForm
	}
	if arrived == -time.Millisecond {
		return Packet{Seq: int(seq), Sent: sent, Lost: true}, nil
	}
	return Packet{Seq: int(seq), Sent: sent, Arrived: arrived}, nil
}

// parseMS takes what lies within a day.
func parseMS(s string) (time.Duration, bool) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || math.Abs(v) > 86400e3 {
		return 0, false
	}
	return time.Duration(math.Round(v * 1e6)), true
}

// Append writes the trace as Parse reads it.
func (t Trace) Append(dst []byte) []byte {
	if t.About != "" {
		dst = fmt.Appendf(dst, "# %s\n", strings.ReplaceAll(t.About, "\n", " "))
	}
	for _, p := range t.Packets {
		if p.Lost {
			dst = fmt.Appendf(dst, "%d %.3f -1\n", p.Seq, ms(p.Sent))
		} else {
			dst = fmt.Appendf(dst, "%d %.3f %.3f\n", p.Seq, ms(p.Sent), ms(p.Arrived))
		}
	}
	return dst
}

// Lost is the share of packets that never came.
func (t Trace) Lost() float64 {
	n := 0
	for _, p := range t.Packets {
		if p.Lost {
			n++
		}
	}
	return float64(n) / float64(max(len(t.Packets), 1))
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
