package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"peerphone/firmware/lab/child"
)

// await reads the JSON lines of a child into v until good, and gives up after
// startTime.
func await(ctx context.Context, c *child.Child, v any, good func() bool) error {
	limited, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	err := c.Await(limited, func(line []byte) bool { return json.Unmarshal(line, v) == nil && good() })
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s was not ready after %v; its log ends with:\n%s", c.Name(), startTime, c.Tail())
	}
	return err
}
