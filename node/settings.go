package node

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Settings are what the owner chooses on the page.
type Settings struct {
	// CheckReleases: the release address is asked for the newest version.
	CheckReleases bool `json:"check_releases"`
	// AlwaysRelay: calls go round by a supernode, and nobody that we talk with
	// learns our address. It holds from the next call on.
	AlwaysRelay bool `json:"always_relay"`
	// Unlisted: who tries numbers does not find ours; contacts find us by our name.
	Unlisted bool `json:"unlisted"`
	// Searchable: who searches for words of our display name finds us.
	Searchable bool `json:"searchable"`
}

// Configure makes s the owner's choice from now on.
func (c *Core) Configure(now time.Time, s Settings) {
	if s == c.settings {
		return
	}
	c.settings = s
	c.do(SaveSettings{s})
	c.list(now)
	c.public(now)
	c.settle(now)
}

// Configure changes one of the owner's choices, or several.
func (n *Node) Configure(ctx context.Context, change func(*Settings)) error {
	return n.Do(ctx, func(c *Core, now time.Time) {
		s := c.settings
		change(&s)
		c.Configure(now, s)
	})
}

const settingsFile = "settings.json"

// settings returns what the owner has chosen; before, and in place of a damaged
// file, what the configuration begins with.
func (s State) settings(begin Settings) (Settings, error) {
	b, err := s.read(settingsFile)
	if err != nil || b == nil {
		return begin, err
	}
	kept := begin
	if json.Unmarshal(b, &kept) != nil {
		return begin, nil
	}
	return kept, nil
}

func (s State) keepSettings(kept Settings) error {
	b, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("node: state: %w", err)
	}
	return s.write(settingsFile, b)
}
