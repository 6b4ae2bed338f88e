package natlab

import "errors"

// cable joins two namespaces. Its far end, which belongs to whoever provides
// the network, is where it is pulled: the near end keeps its addresses and
// loses its carrier, as with a wire or a radio.
type cable struct {
	near    *space
	nearEnd string // interface
	far     *space
	farEnd  string
}

// lay makes the cable, with both ends down. Packets on it are no larger than
// on a wire: a capture must count the headers of each.
func (c cable) lay(further ...string) error {
	add := "link add " + c.farEnd + " gso_max_segs 1 type veth peer name " + c.nearEnd + " gso_max_segs 1 netns " + c.near.path()
	if err := c.far.ip(append([]string{add}, further...)...); err != nil {
		return err
	}
	return errors.Join(c.far.askOften(c.farEnd), c.near.askOften(c.nearEnd))
}

// askOften makes a kernel that asks who has an address ask again soon. A cable
// that is plugged hears before it speaks: now and then the first answer is lost,
// and the second question came a second later.
func (s *space) askOften(end string) error {
	return s.set("net/ipv4/neigh/"+end+"/retrans_time_ms=20", "?net/ipv6/neigh/"+end+"/retrans_time_ms=20")
}

// await waits until packets pass, after both ends were set up.
func (c cable) await() error {
	if err := c.far.awaitUp(c.farEnd); err != nil {
		return err
	}
	return c.near.awaitUp(c.nearEnd)
}

func (c cable) pull() error {
	if err := c.far.ip("link set " + c.farEnd + " down"); err != nil {
		return err
	}
	return c.near.awaitDown(c.nearEnd)
}

func (c cable) plug() error {
	if err := c.far.ip("link set " + c.farEnd + " up"); err != nil {
		return err
	}
	return c.await()
}

func (c cable) remove() error { return c.far.ip("link del " + c.farEnd) }
