package natlab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrUnavailable says that this machine or user cannot have a lab. Errors that
// wrap it are one line that says why and what to do.
var ErrUnavailable = errors.New("natlab: no laboratory here")

// tools are the programs that the lab runs. nsenter and env come with every
// distribution (util-linux, coreutils); `make lab-deps` installs the others.
var tools = []string{"ip", "tc", "nft", "conntrack", "nsenter", "env"}

// sbin is where distributions keep such tools, in case that PATH, as a plain
// user's, leaves it out.
var sbin = []string{"/usr/sbin", "/sbin", "/usr/local/sbin"}

// available wants root and every tool.
func available() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w: network namespaces need root: run it with sudo", ErrUnavailable)
	}
	var missing []string
	for _, name := range tools {
		if _, err := toolPath(name); err != nil {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%w: not installed: %s: run `make lab-deps`", ErrUnavailable, strings.Join(missing, ", "))
	}
	return nil
}

// toolPath finds a tool.
func toolPath(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range sbin {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", exec.ErrNotFound
}
