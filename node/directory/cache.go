package directory

import (
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

const (
	// A result is remembered so long at the home that found it.
	cacheFound = 60 * time.Second
	cacheNone  = 10 * time.Second
	// maxCached bounds the results: at most 3.5 MB. The oldest is forgotten
	// first.
	maxCached = 4096
)

// cached is a result of a search.
type cached struct {
	key   identity.IndexKey
	found wire.Found
	end   time.Time
}

// cache holds the results of searches.
type cache struct {
	byKey map[identity.IndexKey]*cached
	byAge []*cached
}

func (c *cache) find(now time.Time, key identity.IndexKey) (wire.Found, bool) {
	x := c.byKey[key]
	if x == nil || !x.end.After(now) {
		return wire.Found{}, false
	}
	return x.found, true
}

// put remembers found, no longer than until end.
func (c *cache) put(now time.Time, key identity.IndexKey, found wire.Found, end time.Time) {
	c.forget(key)
	keep := cacheFound
	if found.Code != wire.FindRecord {
		keep = cacheNone
	}
	if soon := now.Add(keep); soon.Before(end) {
		end = soon
	}
	if len(c.byAge) >= maxCached {
		c.forget(c.byAge[0].key)
	}
	x := &cached{key: key, found: found, end: end}
	if c.byKey == nil {
		c.byKey = map[identity.IndexKey]*cached{}
	}
	c.byKey[key] = x
	c.byAge = append(c.byAge, x)
}

func (c *cache) forget(key identity.IndexKey) {
	x := c.byKey[key]
	if x == nil {
		return
	}
	delete(c.byKey, key)
	i := slices.Index(c.byAge, x)
	c.byAge = slices.Delete(c.byAge, i, i+1)
}

// Upheaval tells that many supernodes have died: those who were attached to them are
// elsewhere now, and a result of a minute ago would lead nowhere.
func (x *Index) Upheaval() { x.cache, x.calm = cache{}, false }

// due returns when the oldest result is forgotten; zero: there is none.
func (c *cache) due() time.Time {
	if len(c.byAge) == 0 {
		return time.Time{}
	}
	return c.byAge[0].end
}

// expire forgets from the oldest on: a result behind a fresher one may stay a
// little, find does not return it.
func (c *cache) expire(now time.Time) {
	for len(c.byAge) > 0 && !c.byAge[0].end.After(now) {
		c.forget(c.byAge[0].key)
	}
}
