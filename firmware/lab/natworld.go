package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"peerphone/firmware/lab/natlab"
)

// maxWorlds bounds how many worlds one lab holds at a time.
const maxWorlds = 32

// worldsFor is how many worlds there are for what was asked: if nothing was,
// one for each processor.
func worldsFor(asked int) int {
	if asked > 0 {
		return asked
	}
	return min(runtime.NumCPU(), maxWorlds)
}

// natWorld is a town with the phones of a matrix, in which one call is made at
// a time. Worlds share nothing but the machine.
type natWorld struct {
	town   *town
	places places

	rest  map[*resident]time.Time // until when it does not dial, guarded by matrix.mu
	words map[*pairRuns]time.Time // until when the phones of a pair still send each other last words, guarded by matrix.mu
}

// open builds worlds one after the other: together they would outwait each
// other. Those that stand are returned besides an error.
func (n natCommand) open(ctx context.Context, pairs []natPair, count int, s *steps) (worlds []*natWorld, err error) {
	for i := range count {
		dir := folder(n.Dir).path(fmt.Sprintf("world%d", i+1))
		t, err := openTown(ctx, townPlan{Dir: dir, Supernodes: 4}, s)
		if err != nil {
			return worlds, err
		}
		w := newNATWorld(nil)
		w.town = t
		worlds = append(worlds, w)
		if w.places, err = n.people(t, pairs); err != nil {
			return worlds, err
		}
		n.start(ctx, t)
	}
	return worlds, nil
}

func newNATWorld(all places) *natWorld {
	return &natWorld{places: all, rest: map[*resident]time.Time{}, words: map[*pairRuns]time.Time{}}
}

// closeWorlds ends them all at once.
func closeWorlds(worlds []*natWorld) error {
	errs := make([]error, len(worlds))
	var closing sync.WaitGroup
	for i, w := range worlds {
		closing.Go(func() { errs[i] = w.town.close() }) // owner: closeWorlds
	}
	closing.Wait()
	return errors.Join(errs...)
}

// start starts the phones. The calls of those that cannot be called fail.
func (natCommand) start(ctx context.Context, t *town) {
	if err := t.start(ctx); err != nil {
		t.steps.say("town", "FAILED: %v", err)
		return
	}
	t.steps.say("town", "%d phones can be called", len(t.residents))
}

// place is a phone of the matrix and the site where it lives.
type place struct {
	*resident
	site *natlab.Site
}

// places are the two phones of each kind, at two sites, but of hairpin.
type places map[natlab.Kind]*[2]place

// people puts two phones of each kind that is needed into the town.
func (n natCommand) people(t *town, pairs []natPair) (places, error) {
	all := places{}
	for _, p := range pairs {
		for _, k := range []natlab.Kind{p.a, p.b} {
			if all[k] != nil {
				continue
			}
			var err error
			if all[k], err = twoOf(t, k, n.RTT/4); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// twoOf makes two sites of a kind with a phone each. An open site has IPv6
// besides, as a server has.
func twoOf(t *town, k natlab.Kind, delay time.Duration) (*[2]place, error) {
	var two [2]place
	for i := range two {
		name := fmt.Sprintf("%v-%d", k, i+1)
		if k == natlab.Hairpin && i == 1 {
			two[i].site = two[0].site
		} else {
			var options []natlab.Option
			if k == natlab.NoNAT {
				options = append(options, natlab.IPv6())
			}
			site, err := t.lab.Site(name, k, options...)
			if err != nil {
				return nil, err
			}
			if err := site.SetDelay(delay, 0); err != nil {
				return nil, err
			}
			two[i].site = site
		}
		host, err := two[i].site.Host(name)
		if err != nil {
			return nil, err
		}
		two[i].resident = t.settle(name, host)
	}
	return &two, nil
}
