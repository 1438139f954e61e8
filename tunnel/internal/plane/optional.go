package plane

import (
	"context"
	"net/netip"

	"homeward/tunnel/internal/filter"
)

// FlowCutter is a Plane that can end what peers have open. The tunnel calls it
// with the addresses of removed peers, and with those that changed hands.
type FlowCutter interface {
	// CutFlows ends all flows that one of these peer addresses opened, at once.
	CutFlows(addrs []netip.Addr)
}

// FlowJudge is a Plane that can end single flows of peers. The tunnel calls it
// when what peers may reach has changed.
type FlowJudge interface {
	// CutFlowsUnless ends the flows of peers that allowed says no to, at once.
	CutFlowsUnless(allowed func(filter.Flow) bool)
}

// BoxOpener is a Plane that can let peers reach services of the box itself. The
// filter in front decides which; it must be Guarded.
type BoxOpener interface {
	// OpenBox makes these peer addresses the only ones that may.
	OpenBox(peers []netip.Addr) error
}

// PortKeeper is a Plane whose flows leave by ports of the box itself.
type PortKeeper interface {
	// KeepPorts keeps these UDP ports free of them, from now on: those of the
	// WireGuard device.
	KeepPorts(ports []uint16) error
}

// Watcher is a Plane that has something to look after while it is in use.
type Watcher interface {
	// Watch does so until ctx ends.
	Watch(ctx context.Context)
}

// LimitReporter is a Plane that bounds what peers may have open.
type LimitReporter interface {
	// Limits says the bounds in a few words.
	Limits() string
}

// ProblemReporter is a Plane that may be working with something missing.
type ProblemReporter interface {
	// Problem is a sentence that says what does not work, why and what to do, or "".
	Problem() string
}
