package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"peerphone/firmware/lab/child"
)

// relayCommand compares what relaying costs.
type relayCommand struct {
	lifetime
	Legs    int    `help:"Legs, each with 50 packets of 80 bytes a second. Default: ${default}." default:"400" placeholder:"N"`
	Short   bool   `help:"Two seconds with 100 legs each, up to five times while ours takes too much: the least of each counts. Figures are judged only if this machine does not stand still; else, that all three relay."`
	Seconds int    `help:"How long each relay is measured. Default: ${default}." default:"10" placeholder:"N"`
	JSON    bool   `help:"Print the results as JSON, and the progress on the standard error."`
	Dir     string `help:"Folder for what each process writes. Default: ${default}." default:"out/relay" placeholder:"DIR"`
}

// Help is shown by lab relay --help.
func (relayCommand) Help() string {
	return `Three relays get the same packets in turn, two seconds each, over the loopback interface:

  ours    a peerphone that is a supernode; each leg is a session of its own, opened with a
          ticket; relay frames are exchanged between pairs of legs
  coturn  turnserver; each leg is an allocation with a channel; half of them send ChannelData
          to a peer outside, and the others get it from one
  floor   one socket, a table of ports, recvfrom and sendto: what the kernel takes for itself

CPU is what the scheduler counted for the relay's threads, per packet that came out. Memory is
what the process has more of its own after the legs were opened, per leg. Ours takes so little
that it is measured apart: at a relay that collects its garbage early (GOGC=5) each phone opens
two legs more in each of five rounds, and the figure is the slope of the line through the six
points; sessions, which attached phones have anyway, do not count. Exit 1 when ours takes more than 0.8 of coturn's
CPU or more than 1 kB a leg, or loses more than 1 packet in 1,000 where coturn does not.
Needs Debian's coturn: make lab-deps.`
}

// Limits of ours.
const (
	relayShare  = 0.8  // of coturn's CPU
	relayMemory = 1024 // bytes a leg
	relayLoss   = 0.001
)

// slice is how long one relay is measured before the next has its turn, so
// that whatever else the machine does hits all alike.
const slice = 2 * time.Second

func (r relayCommand) Run() error {
	if r.Legs < 2 || r.Legs > 4000 || r.Legs%2 != 0 || r.Seconds < 2 || r.Seconds > 600 {
		return errUsage{errors.New("want an even number of --legs, 2 to 4000, and --seconds 2 to 600")}
	}
	if r.Short {
		r.Legs, r.Seconds = 100, 2
	}
	ctx, stop := r.life()
	defer stop()
	out := os.Stdout
	if r.JSON {
		out = os.Stderr
	}
	still := watchStalls()
	begun := time.Now()
	results, err := r.measure(ctx, newSteps(out))
	still.close()
	if err != nil {
		return err
	}
	if err := r.print(os.Stdout, results); err != nil {
		return err
	}
	if r.Short && still.within(begun, time.Now()) > 0 {
		return carriedBy(results)
	}
	return verdictOf(results)
}

// carriedBy is an error when a relay has passed on less than most of what it
// got: all that can be asked of it on a busy machine.
func carriedBy(list []*measured) error {
	for _, m := range list {
		if m.Loss > 0.5 {
			return fmt.Errorf("%s lost %.0f %% of the packets", m.Relay, 100*m.Loss)
		}
	}
	return nil
}

// measured is a relay and what it took.
type measured struct {
	Relay        string  `json:"relay"`
	CPUMicros    float64 `json:"cpu_us_per_packet"`
	MemoryPerLeg float64 `json:"memory_bytes_per_leg"`
	Loss         float64 `json:"loss"`
	Packets      uint64  `json:"packets"` // that came out
	Share        float64 `json:"share"`   // of coturn's CPU

	bed   relayBed
	cpu   time.Duration
	sent  uint64
	least float64 // us of CPU per packet in the slice that took least; 0: no slice yet
}

// relayBed is a relay that can be measured.
type relayBed interface {
	start(ctx context.Context) error
	open(ctx context.Context, legs int) ([]flow, error)
	usage() (procUsage, error) // of the relay's process
	perLeg(legs int) float64   // memory that one of so many legs took, in bytes
	carried(datagram []byte) bool
	tend() error // between two slices
	stop() error
}

// measure starts all relays, opens their legs, and loads them in turn.
func (r relayCommand) measure(ctx context.Context, s *steps) (list []*measured, err error) {
	if err := os.MkdirAll(r.Dir, 0o755); err != nil {
		return nil, err
	}
	p, err := findPrograms()
	if err != nil {
		return nil, err
	}
	group, err := child.NewGroup(p.lab, "keep")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, group.Stop()) }()
	list = r.beds(group, p, s)
	defer func() {
		for _, m := range list {
			err = errors.Join(err, m.bed.stop())
		}
	}()
	each, err := memoryPerLeg(ctx, r.Dir, r.Legs, s)
	if err != nil {
		return nil, fmt.Errorf("ours: %w", err)
	}
	loads := make([]*load, len(list))
	for i, m := range list {
		if ours, ok := m.bed.(*oursBed); ok {
			ours.each = each
		}
		if err := m.bed.start(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Relay, err)
		}
		flows, err := m.bed.open(ctx, r.Legs)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Relay, err)
		}
		if loads[i], err = newLoad(flows, m.bed.carried); err != nil {
			return nil, err
		}
		defer loads[i].close()
		s.say(m.Relay, "has %d legs", r.Legs)
	}
	return list, r.load(ctx, list, loads, s)
}

// load gives the relays their turns.
func (r relayCommand) load(ctx context.Context, list []*measured, loads []*load, s *steps) error {
	for done := time.Duration(0); done < time.Duration(r.Seconds)*time.Second; done += slice {
		if err := oneRound(ctx, list, loads); err != nil {
			return err
		}
		s.say("lab", "%v of %v", done+slice, time.Duration(r.Seconds)*time.Second)
	}
	sumUp(list, r.Legs)
	for more := 1; r.Short && more < mostRounds && verdictOf(list) != nil; more++ {
		s.say("lab", "once more: %v", verdictOf(list))
		if err := oneRound(ctx, list, loads); err != nil {
			return err
		}
		sumUp(list, r.Legs)
		takeLeast(list)
	}
	return nil
}

// mostRounds is how often the short form loads the relays: what else a machine does
// in two seconds, and what it leaves in the caches, only adds to what they take.
const mostRounds = 5

// oneRound gives each relay one slice.
func oneRound(ctx context.Context, list []*measured, loads []*load) error {
	for i, m := range list {
		if err := m.turn(ctx, loads[i]); err != nil {
			return fmt.Errorf("%s: %w", m.Relay, err)
		}
		for _, other := range list {
			if err := other.bed.tend(); err != nil {
				return fmt.Errorf("%s: %w", other.Relay, err)
			}
		}
	}
	return nil
}

// turn loads one relay for a slice.
func (m *measured) turn(ctx context.Context, l *load) error {
	if err := l.run(ctx, warmUp); err != nil {
		return err
	}
	before, err := m.bed.usage()
	if err != nil {
		return err
	}
	sent, received := l.sent, l.received
	if err := l.run(ctx, slice); err != nil {
		return err
	}
	after, err := m.bed.usage()
	m.count(after.cpu-before.cpu, l.sent-sent, l.received-received)
	return err
}

// count takes what a slice has taken.
func (m *measured) count(cpu time.Duration, sent, packets uint64) {
	m.cpu += cpu
	m.sent += sent
	m.Packets += packets
	if each := perPacket(cpu, packets); packets > 0 && (m.least == 0 || each < m.least) {
		m.least = each
	}
}

// perPacket is CPU in us.
func perPacket(cpu time.Duration, packets uint64) float64 {
	return float64(cpu.Nanoseconds()) / 1000 / max(float64(packets), 1)
}

// warmUp is not counted: caches and sockets come to rest.
const warmUp = 200 * time.Millisecond

func sumUp(list []*measured, legs int) {
	for _, m := range list {
		m.CPUMicros = round(perPacket(m.cpu, m.Packets), 2)
		m.Loss = round(1-float64(m.Packets)/max(float64(m.sent), 1), 5)
		m.MemoryPerLeg = round(m.bed.perLeg(legs), 0)
	}
	compare(list)
}

// takeLeast lets the slice count in which each took least.
func takeLeast(list []*measured) {
	for _, m := range list {
		m.CPUMicros = round(m.least, 2)
	}
	compare(list)
}

func compare(list []*measured) {
	var coturn float64
	for _, m := range list {
		if m.Relay == "coturn" {
			coturn = m.CPUMicros
		}
	}
	for _, m := range list {
		m.Share = round(m.CPUMicros/coturn, 3)
	}
}

func (r relayCommand) print(w io.Writer, list []*measured) error {
	if r.JSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			Legs   int         `json:"legs"`
			Relays []*measured `json:"relays"`
		}{r.Legs, list})
	}
	fmt.Fprintf(w, "\n  %-8s %16s %12s %14s %10s %10s\n", "", "CPU, us/packet", "of coturn's", "memory, B/leg", "loss", "packets")
	for _, m := range list {
		fmt.Fprintf(w, "  %-8s %16.2f %12.2f %14.0f %9.3f%% %10d\n", m.Relay, m.CPUMicros, m.Share, m.MemoryPerLeg, 100*m.Loss, m.Packets)
	}
	_, err := fmt.Fprintln(w)
	return err
}

// verdictOf is an error when ours takes too much.
func verdictOf(list []*measured) error {
	by := map[string]*measured{}
	for _, m := range list {
		by[m.Relay] = m
	}
	ours, coturn := by["ours"], by["coturn"]
	switch {
	case ours == nil || coturn == nil:
		return errors.New("there is nothing to compare")
	case ours.Packets == 0 || coturn.Packets == 0:
		return errors.New("nothing was relayed")
	case ours.Share > relayShare:
		return fmt.Errorf("ours takes %.2f of coturn's CPU, more than %v", ours.Share, relayShare)
	case ours.MemoryPerLeg > relayMemory:
		return fmt.Errorf("ours takes %.0f bytes a leg, more than %d", ours.MemoryPerLeg, relayMemory)
	case ours.Loss > relayLoss && ours.Loss > coturn.Loss:
		return fmt.Errorf("ours lost %.2f %% of the packets", 100*ours.Loss)
	}
	return nil
}

// beds are the relays.
func (r relayCommand) beds(group *child.Group, p programs, s *steps) []*measured {
	return []*measured{
		{Relay: "ours", bed: &oursBed{dir: folder(folder(r.Dir).path("ours")), steps: s}},
		{Relay: "coturn", bed: &turnBed{group: group, dir: r.Dir}},
		{Relay: "floor", bed: &floorBed{group: group, program: p.lab, log: relayLog(r.Dir, "floor")}},
	}
}
