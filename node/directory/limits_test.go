package directory

import (
	"fmt"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

func TestQuestionsAreLimited(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	k := newKeeper(t, 1)
	limited := 0
	for n := range 200 {
		k.find(aPhone, network.LookupNumber(identity.Number(fmt.Sprint(2000+n))))
		if took[Send](&k.script)[0].Message.(wire.Found).Code == wire.FindUnsure {
			limited++
		}
	}
	if limited != 200-findBurst {
		t.Errorf("%d limited, want %d", limited, 200-findBurst)
	}
	k.find(aPhone+1, network.LookupNumber("1009"))
	k.want("to 51 none") // another session
	k.advance(time.Minute)
	k.find(aPhone, network.LookupNumber("1009"))
	k.want("to 50 none")
	for n := range 200 {
		k.publish(aPhone, o.record(t, uint64(n+1), start.Add(time.Hour)))
	}
	full := 0
	for _, s := range took[Send](&k.script) {
		if s.Message.(wire.Stored).Code == wire.StoreFull {
			full++
		}
	}
	if full != 200-publishBurst {
		t.Errorf("%d publications limited, want %d", full, 200-publishBurst)
	}
	for n := range 3 * maxAskers {
		k.find(wire.Index(1000+n), o.lookup())
	}
	if n := len(k.askers.young) + len(k.askers.old); n > maxAskers {
		t.Errorf("%d sessions are remembered", n)
	}
}

func TestJobsAndCacheAreBounded(t *testing.T) {
	k := newKeeper(t, 16)
	for n := range 3 * maxJobs {
		k.find(wire.Index(n+1), identity.Lookup{Index: identity.IndexKey{byte(n), byte(n >> 8)}})
	}
	if len(k.jobs) > maxJobs || len(k.Index.asks) > maxJobs*Replicas {
		t.Errorf("%d jobs, %d questions", len(k.jobs), len(k.Index.asks))
	}
	k.advance(time.Minute)
	if len(k.jobs) != 0 || len(k.Index.asks) != 0 {
		t.Errorf("%d jobs, %d questions are left", len(k.jobs), len(k.Index.asks))
	}
	for n := range 2 * maxCached {
		k.cache.put(k.now, identity.IndexKey{byte(n), byte(n >> 8)}, wire.Found{Code: wire.FindNone}, k.now.Add(time.Hour))
	}
	if len(k.cache.byAge) > maxCached || len(k.cache.byKey) != len(k.cache.byAge) {
		t.Errorf("%d results cached", len(k.cache.byAge))
	}
}
