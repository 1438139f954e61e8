package upnp

import (
	"net/netip"
	"slices"
	"time"
)

// Forward is a port of the internet, or several in a row, that the owner wants sent
// to a machine at home. UPnP alone can do that: PCP and NAT-PMP open ports only to
// who asks.
type Forward struct {
	ID       int64          // the caller's own; each has another
	Protocol string         // TCP or UDP
	External uint16         // the port outside, or the first of them
	Count    uint16         // how many in a row; zero means one
	To       netip.AddrPort // the machine, and its first port
}

// contains reports whether a port outside is one of the forward's.
func (f Forward) contains(port uint16) bool {
	return port >= f.External && port-f.External < max(f.Count, 1)
}

// ForwardState says how a Forward stands.
type ForwardState uint8

// The states, the better ones first. Of several ports in a row the worst counts.
const (
	ForwardOpen    ForwardState = iota // the router's table has it
	ForwardWaiting                     // not asked yet, or no router can be asked now
	ForwardTaken                       // somebody else has the port
	ForwardRefused                     // the router's settings forbid it
	ForwardFailed                      // answers that make no sense, or an entry that doesn't stay
)

// String returns the state's key, for logs and JSON.
func (s ForwardState) String() string {
	return [...]string{"open", "waiting", "taken", "refused", "failed"}[min(s, ForwardFailed)]
}

// ForwardStatus is how a Forward stands at one moment.
type ForwardStatus struct {
	ID    int64
	State ForwardState
	// Problem is a sentence for a person, empty while all is well.
	Problem string
	// VerifiedAt is when the router's table was last seen to have all of it.
	VerifiedAt time.Time
	// Foreign says that the entry was there already, made by somebody else. It is
	// neither renewed nor removed.
	Foreign bool
}

// SetForwards tells what else is to be kept open: from now on exactly these. What is
// no longer among them is removed from the router, what an earlier run left there,
// too. It doesn't wait for the router; Forwards tells what came of it. It should be
// called before Run.
func (m *Mapper) SetForwards(list []Forward) {
	wanted := slices.Clone(list)
	m.wanted.Store(&wanted)
	select {
	case m.rewanted <- struct{}{}:
	default: // the keeper will look anyway
	}
}

// Forwards tells how the forwards stand, in the order of SetForwards.
func (m *Mapper) Forwards() []ForwardStatus {
	known := m.forwarded.Load()
	var list []ForwardStatus
	for _, f := range *m.wanted.Load() {
		s := ForwardStatus{ID: f.ID, State: ForwardWaiting, Problem: notAskedYet}
		if known != nil {
			if i := slices.IndexFunc(*known, func(k ForwardStatus) bool { return k.ID == f.ID }); i >= 0 {
				s = (*known)[i]
			}
		}
		list = append(list, s)
	}
	return list
}

const notAskedYet = "The router has not been asked yet."

// forwardMark is what the description of a forward's entry ends with.
const forwardMark = "-open"

// slot is one port of a forward: one entry of the router's table.
type slot struct {
	id       int64 // of its forward
	protocol string
	external uint16
	to       netip.AddrPort

	wanted bool
	asked  bool // an entry of ours may be on the router
	state  ForwardState
	// problem goes with every state but ForwardOpen.
	problem    string
	foreign    bool
	verifiedAt time.Time
	renewAfter time.Time // zero: there is nothing to renew
	due        time.Time // when it is looked at again
}

// slots are the ports of a list of forwards.
func slots(list []Forward) []slot {
	var out []slot
	for _, f := range list {
		for i := range max(f.Count, 1) {
			out = append(out, slot{
				id: f.ID, protocol: f.Protocol, external: f.External + i, to: netip.AddrPortFrom(f.To.Addr(), f.To.Port()+i),
				wanted: true, state: ForwardWaiting, problem: notAskedYet,
			})
		}
	}
	return out
}

func (s *slot) same(o slot) bool { return s.protocol == o.protocol && s.external == o.external }

// is reports whether an entry does what the slot wants.
func (s *slot) is(e entry) bool {
	return e.enabled && e.internal == s.to.Port() && e.addr() == s.to.Addr()
}

// forwardStatuses sums the slots up, one for each forward.
func forwardStatuses(list []slot) []ForwardStatus {
	var out []ForwardStatus
	for _, s := range list {
		if !s.wanted {
			continue
		}
		i := slices.IndexFunc(out, func(o ForwardStatus) bool { return o.ID == s.id })
		if i < 0 {
			out = append(out, ForwardStatus{ID: s.id, State: s.state, Problem: s.problem, VerifiedAt: s.verifiedAt, Foreign: s.foreign})
			continue
		}
		if s.state > out[i].State {
			out[i].State, out[i].Problem = s.state, s.problem
		}
		if s.verifiedAt.Before(out[i].VerifiedAt) {
			out[i].VerifiedAt = s.verifiedAt
		}
		out[i].Foreign = out[i].Foreign || s.foreign
	}
	return out
}
