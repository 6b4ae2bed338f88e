package directory

import (
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// maxViewed bounds the results that are remembered: at most 6 MB. The oldest is
// forgotten first.
const maxViewed = 64

// viewed are the entries of one key, as they were gathered.
type viewed struct {
	key     identity.IndexKey
	code    wire.FindCode
	whole   bool
	entries [][]byte // by holder
	end     time.Time
}

// views remember what was gathered: as long as results of other searches.
type views []*viewed // by age

func (l views) find(now time.Time, key identity.IndexKey) *viewed {
	i := slices.IndexFunc(l, func(v *viewed) bool { return v.key == key && v.end.After(now) })
	if i < 0 {
		return nil
	}
	return l[i]
}

// put remembers v, unless nothing is known.
func (l *views) put(now time.Time, v *viewed) {
	switch {
	case v.code == wire.FindRecord && v.whole:
		v.end = now.Add(cacheFound)
	case v.code == wire.FindRecord, v.code == wire.FindNone: // there may be more
		v.end = now.Add(cacheNone)
	default:
		return
	}
	l.forget(v.key)
	if len(*l) >= maxViewed {
		*l = slices.Delete(*l, 0, 1)
	}
	*l = append(*l, v)
}

func (l *views) forget(key identity.IndexKey) {
	*l = slices.DeleteFunc(*l, func(v *viewed) bool { return v.key == key })
}

// due returns when the next is forgotten; zero: there is none.
func (l views) due() time.Time {
	var due time.Time
	for _, v := range l {
		due = earlier(due, v.end)
	}
	return due
}

func (l *views) expire(now time.Time) {
	*l = slices.DeleteFunc(*l, func(v *viewed) bool { return !v.end.After(now) })
}
