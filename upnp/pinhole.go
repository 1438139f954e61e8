package upnp

import (
	"fmt"
	"net/netip"
	"time"
)

// Pinhole is the way in by IPv6: our own address needs no translation, but the
// router's firewall has to let the port through. It is never changed: news makes a
// new one.
type Pinhole struct {
	// Verdict is Mapped when the firewall lets the port through, NoRouter when this
	// box has no lasting public IPv6 address, NoIGD when the router can't be asked.
	Verdict Verdict
	// Since is when the verdict became this one, CheckedAt when the router last answered.
	Since, CheckedAt time.Time
	// Address is our own public address with the port, when the firewall is open for it.
	Address netip.AddrPort
	// Via is the protocol that opened it.
	Via string
	// Foreign is set when the router has no IPv6 firewall: there is nothing to open.
	Foreign bool
	// GoodUntil is when it ends if it isn't renewed, VerifiedAt when the router was
	// last asked for it, TrafficAt when the router was last seen to have let more
	// packets through; each is zero where there is no such time.
	GoodUntil, VerifiedAt, TrafficAt time.Time
	// Problem is the cause for someone who reports a bug, Advice the one thing to do.
	Problem, Advice string
}

// pinhole is what matters of the status of IPv6's keeper.
func (s Status) pinhole(old Pinhole) Pinhole {
	p := Pinhole{Verdict: s.Verdict, Since: time.Now(), CheckedAt: s.CheckedAt, Problem: s.Problem, Advice: s.Advice}
	if p.Verdict == old.Verdict {
		p.Since = old.Since
	}
	if m := s.Mapping; m != nil && s.Verdict == Mapped {
		p.Address, p.Via, p.Foreign = m.External, m.Via, m.Foreign
		p.GoodUntil, p.VerifiedAt, p.TrafficAt = m.GoodUntil, m.VerifiedAt, m.TrafficAt
	}
	return p
}

// with joins what is known of both sides. Where no setting of the house's own
// router would open IPv4, an open pinhole makes the verdict IPv6Only.
func (s Status) with(six Pinhole) Status {
	s.IPv6 = six
	if six.Verdict != Mapped {
		return s
	}
	switch s.Verdict {
	case CarrierNAT, NoWAN, NoRouter:
		s.Advice = onlySixAdvice(s.Verdict, six.Address)
		s.Verdict = IPv6Only
	}
	return s
}

// onlySixAdvice is what a person can do about a house without a way in by IPv4.
func onlySixAdvice(four Verdict, home netip.AddrPort) string {
	if four == NoWAN {
		return fmt.Sprintf("Home is reached by IPv6 only, at %v: from networks without IPv6 devices can't come in. If there is another box in front of your router, put that box in bridge mode; otherwise ask the provider for a public IPv4 address.", home)
	}
	return fmt.Sprintf("Home is reached by IPv6 only, at %v: from networks without IPv6 devices can't come in. To change that, ask the provider for a public IPv4 address.", home)
}

// advice6 is what a person can do about IPv6.
func advice6(s Status, a answer) string {
	rule := fmt.Sprintf("allow UDP port %d to %v in its IPv6 firewall", s.Port, s.Gateway.Self)
	switch s.Verdict {
	case NoIGD:
		return fmt.Sprintf("Your router doesn't let devices open its IPv6 firewall. If devices are to come in by IPv6, %s.", rule)
	case Refused:
		return fmt.Sprintf("Your router refused to open its IPv6 firewall. Allow this box to do that (often called \"independent port sharing\", or \"allow IPv6 pinholes\"); I will notice by myself. Or %s.", rule)
	case Conflict, RouterBroken:
		if a.outcome == tableFull {
			return fmt.Sprintf("Your router has no room for another opening in its IPv6 firewall. Delete old ones; I will notice by myself. Or %s.", rule)
		}
		return fmt.Sprintf("Your router doesn't open its IPv6 firewall properly. Restart it, or %s.", rule)
	}
	return ""
}
