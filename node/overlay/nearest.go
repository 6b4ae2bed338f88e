package overlay

import (
	"crypto/sha256"
	"slices"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// place is where a supernode stands in the key space of the global index. It
// is a hash, so that nobody chooses it by choosing a key; with promotion it
// will follow from certificate, epoch and address prefix.
type place [32]byte

func placeOf(node identity.ID) place {
	return sha256.Sum256(append([]byte("peerphone place\x00"), node[:]...))
}

// nearer reports whether a is nearer to key than b by XOR.
func nearer(key identity.IndexKey, a, b place) bool {
	for i := range key {
		if x, y := a[i]^key[i], b[i]^key[i]; x != y {
			return x < y
		}
	}
	return false
}

// Nearest returns the n live supernodes nearest to key by XOR, ourselves
// included, the nearest first. A member that is suspected counts as live: who
// leaves it out would take its silence for a denial.
func (o *Overlay) Nearest(key identity.IndexKey, n int) []wire.Member {
	if n <= 0 || !o.cfg.Supernode {
		return nil
	}
	best := []*member{{m: o.self(), place: placeOf(o.cfg.Self)}}
	for _, x := range o.live() {
		i, _ := slices.BinarySearchFunc(best, x, func(a, b *member) int {
			if nearer(key, a.place, b.place) {
				return -1
			}
			return 1
		})
		if i < n {
			best = slices.Insert(best, i, x)
			best = best[:min(len(best), n)]
		}
	}
	return membersOf(best)
}

// live returns the members that count: those that a session has proved, and
// hearsay when there are too many to dial.
func (o *Overlay) live() []*member {
	full := o.members.count(met) >= maxMesh
	return slices.DeleteFunc(slices.Clone(o.members.list), func(x *member) bool { return x.state == told && !full })
}

// Members returns the supernodes that count as live, ourselves included; a
// phone returns its host cache.
func (o *Overlay) Members() []wire.Member {
	if !o.cfg.Supernode {
		return o.Cache()
	}
	return append(membersOf(o.live()), o.self())
}

func membersOf(xs []*member) []wire.Member {
	ms := make([]wire.Member, len(xs))
	for i, x := range xs {
		ms[i] = x.m
	}
	return ms
}

// someMembers returns up to n live members at random to tell to another node,
// ourselves and the other left out.
func (o *Overlay) someMembers(but identity.ID, n int) []wire.Member {
	live := slices.DeleteFunc(o.live(), func(x *member) bool { return x.m.Node == but || x.state == suspect })
	o.rand.Shuffle(len(live), func(i, j int) { live[i], live[j] = live[j], live[i] })
	return membersOf(live[:min(n, len(live))])
}
