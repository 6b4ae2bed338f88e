package storetest_test

import (
	"testing"

	"peerphone/node/login"
	"peerphone/node/login/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(*testing.T) login.Store { return new(storetest.Memory) })
}
