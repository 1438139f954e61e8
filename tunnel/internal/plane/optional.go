package plane

import "net/netip"

// FlowCutter is a Plane that can end what peers have open. The tunnel calls it
// with the addresses of removed peers, and with those that changed hands.
type FlowCutter interface {
	// CutFlows ends all flows that one of these peer addresses opened, at once.
	CutFlows(addrs []netip.Addr)
}

// ProblemReporter is a Plane that may be working with something missing.
type ProblemReporter interface {
	// Problem is a sentence that says what does not work, why and what to do, or "".
	Problem() string
}
