package upnp

import (
	"context"
	"net/url"
)

// side is one of the things that have to be open for a way into the house: the port
// that the router translates to IPv4, the same on a second router in front of it, or
// the pinhole in the firewall for IPv6. Each has a keeper of its own.
type side struct {
	six       bool
	forwards  bool // it keeps the owner's other ports, too
	leads     bool // it decides which port is wanted; the others follow
	gateway   func() (Gateway, error)
	protocols []protocol // in the order of preference
	// hearRoutes and hearRouter call back when the network, or the router, has news,
	// until their context ends. They may be nil.
	hearRoutes func(ctx context.Context, changed func()) error
	hearRouter func(ctx context.Context, gw Gateway, heard func()) error
	// hearEvents does the same for events of a service of the router's.
	hearEvents func(ctx context.Context, gw Gateway, service *url.URL, turn turn, heard func()) error
	// tell publishes what the keeper knows.
	tell func(Status)
}

// fits reports whether a gateway and our address are of the side's family.
func (s *side) fits(gw Gateway) bool {
	if s.six {
		return gw.Addr.Is6() && gw.Self.Is6()
	}
	return gw.Addr.Is4() && gw.Self.Is4()
}

// turn sees to it that the router is asked one thing at a time: a FRITZ!Box gives
// wrong answers when it is searched by IPv4 and IPv6 at once, and others fail when
// they do two things side by side. What is done in a turn ends by itself soon after
// its context.
type turn chan struct{}

func (t turn) take() { t <- struct{}{} }
func (t turn) give() { <-t }

// takeUntil is false when ctx ended before.
func (t turn) takeUntil(ctx context.Context) bool {
	select {
	case t <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}
