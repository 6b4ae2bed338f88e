package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"time"

	"peerphone/node/identity"
	"peerphone/node/login/bbolt"
)

type initCommand struct {
	Dir folder `arg:"" help:"Folder to make the network in; it may exist, but must not hold a network."`
}

// Run makes the files of a network, root.key first and params last: a folder
// without params is not finished.
func (c initCommand) Run(s streams) error {
	if err := os.MkdirAll(string(c.Dir), 0o700); err != nil {
		return stateError{fmt.Sprintf("%s cannot be made: %v", c.Dir, err), "Choose another folder"}
	}
	for _, file := range []string{rootFile, issuingFile, tlsFile, paramsFile, accountsFile} {
		if _, err := os.Lstat(c.Dir.path(file)); err == nil {
			return stateError{fmt.Sprintf("%s exists, so %s already holds a network or a part of one", c.Dir.path(file), c.Dir),
				"Choose another folder, or delete that one if nobody needs it"}
		}
	}
	var keys [3]identity.Key
	for i, file := range []string{rootFile, issuingFile, tlsFile} {
		var err error
		if keys[i], err = identity.NewKey(rand.Reader); err != nil {
			return err
		}
		if err := c.Dir.write(file, keys[i].PEM()); err != nil {
			return err
		}
	}
	if err := c.makeAccounts(); err != nil {
		return err
	}
	root, issuing := keys[0], keys[1]
	if err := c.Dir.sign(root, identity.Params{Sequence: 1, Issuing: issuing.ID()}, time.Now()); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "Made network %s in %s.\nKeep a copy of %s offline: whoever has it owns the network.\n",
		identity.NetworkOf(root.ID()), c.Dir, c.Dir.path(rootFile))
	return nil
}

func (c initCommand) makeAccounts() error {
	store, err := bbolt.Open(c.Dir.path(accountsFile))
	if err != nil {
		return err
	}
	return store.Close()
}

// sign writes p, signed with the root key and valid from now.
func (f folder) sign(root identity.Key, p identity.Params, now time.Time) error {
	p.NotAfter = now.Add(identity.ParamsValidity).Unix()
	b, err := identity.SignParams(root, p)
	if err != nil {
		return err
	}
	return f.write(paramsFile, b)
}
