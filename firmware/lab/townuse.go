package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"peerphone/node"
)

// townUse is what the processes of one kind use: the middle one, and the worst.
type townUse struct {
	MemoryMB figure `json:"memory_mb"`
	WorstMB  figure `json:"worst_mb"`
	IdleKBH  figure `json:"idle_kb_per_h"` // sent and received while nobody called; -1: not measured
	WorstKBH figure `json:"worst_kb_per_h"`
	TotalKB  figure `json:"total_kb"` // since the start, calls included
	CPU      figure `json:"cpu_s"`    // since the start
}

func (u townUse) String() string {
	return fmt.Sprintf("%v MB (most %v), %v kB/h while idle (most %v), %v kB and %v s of CPU in all",
		u.MemoryMB, u.WorstMB, u.IdleKBH, u.WorstKBH, u.TotalKB, u.CPU)
}

// now fetches the snapshot of any station with a page.
func (l *live) now(ctx context.Context) (node.Snapshot, error) {
	p := phone{name: l.name, url: l.page, client: http.DefaultClient}
	return p.now(ctx)
}

// counts asks every station that lives what it has sent and received.
func (d *townDay) counts(ctx context.Context) (map[string]node.Counts, error) {
	all := map[string]node.Counts{}
	for _, s := range slices.Concat(d.plan.supernodes, d.plan.phones) {
		if l := d.network.live[s.name]; l.child.Err() == nil {
			snapshot, err := l.now(ctx)
			if err != nil {
				return nil, err
			}
			all[s.name] = snapshot.Counts
		}
	}
	return all, nil
}

// measure looks at every process that lives.
func (d *townDay) measure(ctx context.Context) (err error) {
	after, err := d.counts(ctx)
	if err != nil {
		return err
	}
	if d.result.Phone, err = d.use(d.plan.phones, after); err != nil {
		return err
	}
	d.result.Supernode, err = d.use(d.plan.supernodes, after)
	return err
}

func (d *townDay) use(stations []station, after map[string]node.Counts) (townUse, error) {
	var memory, idle, total, cpu []float64
	for _, s := range stations {
		l := d.network.live[s.name]
		if l.child.Err() != nil {
			continue // it was killed
		}
		u, err := usageOf(l.child.Pid())
		if err != nil {
			return townUse{}, fmt.Errorf("%s: %w", s.name, err)
		}
		c := after[s.name]
		memory, cpu = append(memory, float64(u.memory)/1e6), append(cpu, u.cpu.Seconds())
		total = append(total, float64(c.BytesIn+c.BytesOut)/1000)
		if c, ok := d.idle[s.name]; ok {
			idle = append(idle, float64(c.BytesIn+c.BytesOut)/1000*float64(time.Hour)/float64(d.Idle))
		}
	}
	for _, values := range [][]float64{memory, idle, total, cpu} {
		slices.Sort(values)
	}
	return townUse{
		MemoryMB: quantile(memory, 0.5), WorstMB: quantile(memory, 1), IdleKBH: quantile(idle, 0.5), WorstKBH: quantile(idle, 1),
		TotalKB: quantile(total, 0.5), CPU: quantile(cpu, 0.5),
	}, nil
}
