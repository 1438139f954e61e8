package main

import (
	"context"
	"errors"
	"sync"

	"homeward/configs/state"
	"homeward/tunnel"
	"homeward/upnp"
)

var _ upnp.Elsewhere = (*otherPort)(nil)

// otherPort is the UDP port besides the first one, for where the router gives that to
// somebody else: the tunnel listens on it, and the database remembers it. It
// implements upnp.Elsewhere.
type otherPort struct {
	first  uint16
	tunnel *tunnel.Tunnel
	state  *state.State
	// promised says whether there are codes, and kept is called with a new port that is
	// in the database by then.
	promised func() bool
	kept     func(port uint16)

	mu   sync.Mutex // guards port
	port uint16     // zero: none
}

// Port is the one that was gone to; zero: none.
func (o *otherPort) Port() uint16 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.port
}

// Promised reports whether devices have codes, which would have to be made anew.
func (o *otherPort) Promised() bool { return o.promised() }

// Try listens on a port besides the present ones.
func (o *otherPort) Try(_ context.Context, port uint16) error {
	err := o.listen(o.Port(), port)
	if err != nil {
		_ = o.listen(o.Port()) // as before: that has worked
	}
	return err
}

// Settle listens on the first port and this one, and remembers it: both, or neither.
// What cannot be remembered is not listened on, and the other way round, since else the
// next start would listen on a port that the router does not send here.
func (o *otherPort) Settle(ctx context.Context, port uint16) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if port == o.first {
		port = 0
	}
	if err := o.listen(port); err != nil {
		return errors.Join(err, o.back(port))
	}
	if port == o.port {
		return nil
	}
	if err := o.state.SetOtherPort(ctx, port); err != nil {
		return errors.Join(err, o.back(port))
	}
	o.port = port
	o.kept(port)
	return nil
}

// back listens as before again, after settling on port failed.
func (o *otherPort) back(port uint16) error {
	if port == o.port {
		return nil // it is as before, and that does not work at the moment
	}
	return o.listen(o.port)
}

// listen makes these the ports besides the first one. Zero and the first one are none.
func (o *otherPort) listen(ports ...uint16) error {
	var list []uint16
	for _, p := range ports {
		if p != 0 && p != o.first && (len(list) == 0 || list[0] != p) {
			list = append(list, p)
		}
	}
	return o.tunnel.SetFurtherPorts(list)
}
