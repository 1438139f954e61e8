package main

import (
	"context"
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

// Settle listens on the first port and this one, and remembers it.
func (o *otherPort) Settle(ctx context.Context, port uint16) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if port == o.first {
		port = 0
	}
	if port != o.port {
		if err := o.state.SetOtherPort(ctx, port); err != nil {
			return err
		}
		o.port = port
		o.kept(port)
	}
	return o.listen(port)
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
