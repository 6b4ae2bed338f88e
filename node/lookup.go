package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"peerphone/node/directory"
	"peerphone/node/identity"
)

// LookView says how a search for a number or a name ended.
type LookView struct {
	// Outcome is "found", "nobody" (for certain) or "cannot tell".
	Outcome      string `json:"outcome"`
	Name         string `json:"name,omitempty"`   // of whom was found
	Number       string `json:"number,omitempty"` // likewise
	Milliseconds int64  `json:"ms"`               // that it took
}

// ErrNotWho says that a text can be neither a number nor a name.
var ErrNotWho = errors.New("node: neither a number nor a name")

// LookUp looks for whoever has a number or a name, without calling: ErrNotWho,
// ErrStopped. The answer takes eight seconds
// at most.
func (n *Node) LookUp(ctx context.Context, who string) (LookView, error) {
	answer := make(chan directory.Result, 1)
	number, notNumber := identity.ParseNumber(who)
	name, notName := identity.ParseName(who)
	if notNumber != nil && notName != nil {
		return LookView{}, ErrNotWho
	}
	err := n.Do(ctx, func(c *Core, now time.Time) {
		l := c.network.LookupNumber(number)
		if notNumber != nil {
			l = c.network.LookupName(name)
		}
		n.looks[c.Find(now, l)] = answer
	})
	if err != nil {
		return LookView{}, err
	}
	select {
	case r := <-answer:
		return LookView{
			Outcome: outcomes[r.Outcome], Name: string(r.Name.Name), Number: string(r.Name.Number), Milliseconds: r.Elapsed.Milliseconds(),
		}, nil
	case <-ctx.Done():
		return LookView{}, fmt.Errorf("%w: %w", ErrStopped, ctx.Err())
	}
}

// looked hands the answer to a search to who waits for it.
func (n *Node) looked(r directory.Result) {
	if answer := n.looks[r.Query]; answer != nil {
		delete(n.looks, r.Query)
		answer <- r // there is room for it
	}
}
