package upnp

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/huin/goupnp/dcps/internetgateway2"
)

const (
	protocolUDP     = 17             // IANA's number
	longPinhole     = 24 * time.Hour // the longest lease of WANIPv6FirewallControl:1
	codeNoTraffic   = 709            // CheckPinholeWorking: there, but unused
	codeNotAllowed  = 703            // InboundPinholeNotAllowed
	pinholeEndLease = time.Second    // for routers that let nobody delete (miniupnp#600)
)

// counter is a session on a router that counts the packets it lets through.
type counter interface {
	// trafficAt is when it was last seen to have counted more than before; zero
	// where it doesn't count, or nothing came.
	trafficAt() time.Time
}

// firewallSession is the IPv6 firewall of one router.
//
// A pinhole is known by a number, and a router that restarted may have given that
// number to somebody else's. So it is never trusted for longer than one call after
// it was told: AddPinhole for what is there already changes nothing but the lease,
// and tells the number again (section 2.6.1).
type firewallSession struct {
	control *internetgateway2.WANIPv6FirewallControl1
	gw      Gateway
	who     Router
	caller

	id       uint16 // of our pinhole; valid when open
	open     bool
	needless bool // there was no firewall to open
	counted  bool // its packets were told since it was made
	packets  uint32
	grown    time.Time
}

func (s *firewallSession) router() Router       { return s.who }
func (s *firewallSession) trafficAt() time.Time { return s.grown }

// external is our own address. What is asked for is how many packets came through:
// it tells whether the pinhole is there.
func (s *firewallSession) external(ctx context.Context) (netip.Addr, answer) {
	if !s.open {
		needless := s.needless
		g, a := s.status(ctx)
		if a.ok() && needless && !g.foreign {
			a = answer{outcome: notThere, problem: "the router's IPv6 firewall is on now"}
		}
		return s.gw.Self, a
	}
	if a := s.count(ctx); !a.ok() && a.outcome != unsupported {
		return netip.Addr{}, a
	}
	return s.gw.Self, answer{}
}

// count looks at the pinhole by its number.
func (s *firewallSession) count(ctx context.Context) answer {
	var n uint32
	a := s.call(ctx, "GetPinholePackets", func(ctx context.Context) (err error) {
		n, err = s.control.GetPinholePacketsCtx(ctx, s.id)
		return err
	})
	switch {
	case a.ok():
		if n > s.packets {
			s.grown = time.Now()
		}
		s.packets, s.counted = n, true
	case a.outcome == unsupported:
		return s.works(ctx)
	case a.outcome == badArgument && s.counted:
		// miniupnpd 2.3.1 after a restart says that of a number which it gave before.
		s.counted = false
		return answer{outcome: notThere, code: a.code, problem: fmt.Sprintf("the router does not know opening %d any more", s.id)}
	}
	return a
}

// works asks those routers that don't count.
func (s *firewallSession) works(ctx context.Context) answer {
	var working bool
	a := s.call(ctx, "CheckPinholeWorking", func(ctx context.Context) (err error) {
		working, err = s.control.CheckPinholeWorkingCtx(ctx, s.id)
		return err
	})
	switch {
	case a.code == codeNoTraffic:
		return answer{} // it is there
	case a.ok() && working:
		s.grown = time.Now()
	case a.ok():
		return answer{outcome: failed, problem: "the router says that its opening doesn't work"}
	}
	return a
}

// add makes the pinhole or lengthens its lease.
func (s *firewallSession) add(ctx context.Context, w want) (grant, answer) {
	if g, a := s.status(ctx); !a.ok() || g.foreign {
		return g, a
	}
	lease := w.lease
	id, a := s.addPinhole(ctx, w, lease)
	if a.outcome == badArgument || a.outcome == badLease {
		lease = longPinhole
		id, a = s.addPinhole(ctx, w, lease)
	}
	switch {
	case a.ok() && (!s.open || id != s.id):
		s.id, s.open, s.counted, s.packets, s.grown = id, true, false, 0, time.Time{}
	case a.ok():
	case a.outcome == notNeeded:
		s.needless = true
		return grant{verified: true, foreign: true}, answer{}
	case s.open && w.held && (a.outcome == tableFull || a.outcome == conflict || a.outcome == failed):
		// Packet filters of the BSD kind can't make it twice.
		if u := s.update(ctx, lease); !u.ok() {
			s.open = u.outcome != notThere && s.open
			return grant{}, a
		}
	default:
		return grant{}, a
	}
	seen := s.count(ctx)
	if seen.outcome == notThere {
		s.open = false
		return grant{}, answer{outcome: notThere, problem: "the router said yes, but keeps no such opening"}
	}
	return grant{lease: lease, verified: seen.ok()}, answer{}
}

// status asks whether there is a firewall, and whether it may be opened.
func (s *firewallSession) status(ctx context.Context) (grant, answer) {
	var enabled, allowed bool
	a := s.call(ctx, "GetFirewallStatus", func(ctx context.Context) (err error) {
		enabled, allowed, err = s.control.GetFirewallStatusCtx(ctx)
		return err
	})
	s.needless = a.ok() && !enabled
	switch {
	case a.outcome == moved, a.outcome == silent:
		return grant{}, a
	case s.needless:
		s.open = false
		return grant{verified: true, foreign: true}, answer{}
	case a.ok() && !allowed:
		return grant{}, answer{outcome: notAllowed, code: codeNotAllowed, problem: "the router lets nobody open its IPv6 firewall"}
	}
	return grant{}, answer{} // allowed, or one that can't be asked
}

func (s *firewallSession) addPinhole(ctx context.Context, w want, lease time.Duration) (id uint16, _ answer) {
	a := s.call(ctx, "AddPinhole", func(ctx context.Context) (err error) {
		id, err = s.control.AddPinholeCtx(ctx, anyHost, 0, w.client.String(), w.port, protocolUDP, uint32(lease/time.Second))
		return err
	})
	return id, a
}

func (s *firewallSession) update(ctx context.Context, lease time.Duration) answer {
	return s.call(ctx, "UpdatePinhole", func(ctx context.Context) error {
		return s.control.UpdatePinholeCtx(ctx, s.id, uint32(lease/time.Second))
	})
}

// check asks for the pinhole once more, which tells its number and puts back what
// was lost.
func (s *firewallSession) check(ctx context.Context, w want) (grant, answer) {
	before, was := s.id, s.open
	g, a := s.add(ctx, w)
	if a.ok() && was && s.open && s.id != before {
		s.log.Info("opened the router's IPv6 firewall again", "gateway", s.gw.Addr, "problem", fmt.Sprintf("the router forgot opening %d", before))
	}
	return g, a
}

// remove closes what add opened. Its number is asked for before.
func (s *firewallSession) remove(ctx context.Context, w want) answer {
	if g, a := s.status(ctx); !a.ok() || g.foreign {
		return a
	}
	id, a := s.addPinhole(ctx, w, w.lease)
	switch {
	case a.ok():
	case a.outcome == moved, a.outcome == silent, !s.open:
		return a
	default:
		id = s.id
	}
	a = s.call(ctx, "DeletePinhole", func(ctx context.Context) error { return s.control.DeletePinholeCtx(ctx, id) })
	if a.outcome == notAllowed {
		s.id = id
		a = s.update(ctx, pinholeEndLease)
	}
	if a.ok() || a.outcome == notThere {
		s.open = false
		return answer{}
	}
	return a
}

// sweep can do nothing: nobody lists pinholes.
func (s *firewallSession) sweep(context.Context, want) (int, answer) {
	return 0, answer{outcome: unsupported}
}
