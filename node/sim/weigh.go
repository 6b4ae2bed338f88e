package sim

import (
	"runtime"

	"peerphone/node/directory"
	"peerphone/node/identity"
	"peerphone/node/wire"
)

// copiesWeighed is how many copies of one supernode's part of the global index are
// made to weigh a record.
const copiesWeighed = 64

// weigh measures what a record takes of a supernode's memory: the records of one
// supernode are put into fresh indices, and the heap is measured before and after.
func (t *trial) weigh() {
	var records [][]byte
	size := 0
	for _, n := range t.supernodes() {
		if n.on && n.malice == honest {
			if records = n.core.Records(); len(records) > 0 {
				break
			}
		}
	}
	if len(records) == 0 {
		return
	}
	for _, b := range records {
		size += len(b)
	}
	heap() // what is swept only after the first collection would weigh less than nothing
	before := heap()
	indices := make([]*directory.Index, copiesWeighed)
	for i := range indices {
		indices[i] = directory.NewIndex(directory.Config{
			Rand: t.rng, Network: t.network, Verify: t.signatures().Verify, Issuing: t.issuing.ID,
		})
		for _, b := range records {
			indices[i].Answer(t.now, 0, wire.Publish{Record: b}, func(identity.IndexKey, int) []wire.Place { return nil })
		}
	}
	after := heap()
	kept := 0
	for _, x := range indices {
		kept += x.Records()
	}
	t.out.RecordBytes = float64(int64(after-before)) / float64(max(kept, 1))
	t.out.RecordSize = float64(size) / float64(len(records))
	t.say("a record takes %.0f bytes, %.0f of them its own", t.out.RecordBytes, t.out.RecordSize)
}

// heap returns how many bytes are in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
