package upnp

import (
	"net/netip"
	"time"
)

// Verdict is the state of the way through the router in one word.
type Verdict uint8

// The verdicts. Only Mapped and IPv6Only are good news, and mean asked for, granted
// and, where the router can be asked, read back: that packets arrive is for others
// to observe.
const (
	Starting     Verdict = iota // not known yet
	Mapped                      // the router sends the port to us
	NoRouter                    // there is no default route, or no home router at its end
	NoIGD                       // no protocol answers: neither PCP, NAT-PMP nor UPnP
	Refused                     // the router's settings forbid it
	Conflict                    // the port is taken on the router, by another machine or by itself
	PrivateWAN                  // the router has a private address: another router is in front of it
	CarrierNAT                  // the provider shares one public address among customers
	NoWAN                       // the router says that it has no address on the internet side
	RouterBroken                // answers that make no sense, or entries that don't stay
	Disabled                    // not running: switched off, or stopped
	IPv6Only                    // no setting of this router opens an IPv4 port, but its IPv6 firewall is open for us
	ByHand                      // the owner forwards the port himself: see SetByHand
)

var verdictNames = [...]string{
	"starting", "mapped", "no-router", "no-igd", "refused", "conflict", "private-wan", "carrier-nat",
	"no-wan", "router-broken", "disabled", "ipv6-only", "by-hand",
}

// String returns the verdict's key, for logs and JSON.
func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return "unknown"
}

// MarshalText returns the verdict's key.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// Mapping is one port that the router sends to us. It is never changed: a renewal
// makes a new one.
type Mapping struct {
	// Via is the protocol and service that made it.
	Via string
	// Internal is our own address and port.
	Internal netip.AddrPort
	// External is the port on the router's internet side; its address is invalid
	// unless it is a public one.
	External netip.AddrPort
	// Granted is the lease that the router gave; zero means permanent.
	Granted time.Duration
	// RenewAfter is when we ask again, GoodUntil when the lease ends without that.
	// GoodUntil is zero when there is no end.
	RenewAfter, GoodUntil time.Time
	// VerifiedAt is when the entry was last read back; zero where the router
	// cannot be asked.
	VerifiedAt time.Time
	// TrafficAt is when the router was last seen to have counted more packets than
	// before; zero where it doesn't count.
	TrafficAt time.Time
	// Foreign is set when the entry leads to us but somebody else made it, most
	// likely the owner by hand. It is not renewed and not removed.
	Foreign bool
}

// Status is a snapshot of what the mapper knows. It is never changed.
type Status struct {
	Verdict Verdict
	// Since is when the verdict became this one, CheckedAt when the router last answered.
	Since, CheckedAt time.Time
	// Port is the UDP port that we want now. FirstPort is Config.Port: where the two
	// differ, the router gives that one to somebody else, or to nobody.
	Port, FirstPort uint16
	// Gateway is the zero value while there is none.
	Gateway Gateway
	// Router is the last one that answered on this gateway.
	Router Router
	// External is the router's address on the internet side, only when it is a
	// public one and therefore fit to be written into a peer's config.
	External netip.Addr
	// WAN is the address that the router claims, of whatever kind.
	WAN netip.Addr
	// Mapping is nil when there is none. With another verdict than Mapped it is
	// what we believe to be still there although the router can't be asked now.
	Mapping *Mapping
	// PlaceSince is when home came to be at its present place: the external address,
	// port and router. What was seen to work before then is no proof any more. Zero
	// means that there was no such place yet.
	PlaceSince time.Time
	place      place
	// Outer is the router in front of the router; its Addr is invalid where none is
	// asked.
	Outer Outer
	// Others are routers besides the gateway, which are not asked.
	Others Others
	// Denied is how often the router did not keep what it granted; see Lies.
	Denied Denied
	// IPv6 is the way in by IPv6, which has a light of its own.
	IPv6 Pinhole
	// Problem is the cause for someone who reports a bug, Advice the one thing to
	// do, in plain words with this house's addresses. Both may be empty.
	Problem, Advice string
}

// place is where devices find home.
type place struct {
	external netip.AddrPort
	gateway  netip.Addr
	router   string // its ID; empty: not told yet
}

// placed takes the place over from the status before, unless this one is elsewhere.
// While there is no mapping nobody has moved.
func (s Status) placed(old Status, now time.Time) Status {
	s.place, s.PlaceSince = old.place, old.PlaceSince
	at := place{gateway: s.Gateway.Addr, router: s.Router.ID}
	if at.gateway.IsValid() && s.place.gateway.IsValid() && at.gateway != s.place.gateway {
		s.place, s.PlaceSince = place{}, now // another home, also before it is open
	}
	switch {
	case s.Mapping != nil && s.External.IsValid():
		at.external = s.Mapping.External
	case s.Verdict == IPv6Only:
		at.external = s.IPv6.Address
	case s.Verdict == ByHand && s.External.IsValid():
		at.external = netip.AddrPortFrom(s.External, s.Port)
	default:
		return s
	}
	if at.router == "" {
		at.router = s.place.router // PCP doesn't tell it; UPnP may, later
	}
	if !at.same(s.place) {
		s.PlaceSince = now
	}
	s.place = at
	return s
}

// Place is where home is found from outside.
type Place struct {
	Address netip.Addr // invalid: not told
	Port    uint16
	Gateway netip.Addr // invalid: none, or not asked
	Router  string     // its ID; empty: not told
}

// Same reports whether p and o are one place. A router that tells no ID is the one of
// before at the same address.
func (p Place) Same(o Place) bool {
	return p.Address == o.Address && p.Port == o.Port && p.Gateway == o.Gateway && (p.Router == o.Router || p.Router == "" || o.Router == "")
}

// Place returns where home is now: where the port was open last, else behind the present
// router. It is false while the router was not heard.
func (s Status) Place() (Place, bool) {
	if at := s.place; at.external.IsValid() {
		return Place{Address: at.external.Addr(), Port: at.external.Port(), Gateway: at.gateway, Router: at.router}, true
	}
	return Place{Port: s.Port, Gateway: s.Gateway.Addr, Router: s.Router.ID}, s.Verdict != Starting
}

// same reports whether nobody has moved. A router that told its ID only now is
// the one of before.
func (p place) same(old place) bool {
	return p.external == old.external && p.gateway == old.gateway && (p.router == old.router || old.router == "")
}

// Off is the status of a mapper that is not run.
func Off(port uint16) Status {
	s := Status{Verdict: Disabled, Port: port, FirstPort: port, IPv6: Pinhole{Verdict: Disabled}}
	s.Advice = advice(s, answer{})
	return s
}

// sameNews reports whether a reader would see no difference apart from the clock.
func (s Status) sameNews(o Status) bool {
	s.Since, o.Since, s.CheckedAt, o.CheckedAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	s.PlaceSince, o.PlaceSince = time.Time{}, time.Time{}
	s.IPv6.Since, o.IPv6.Since, s.IPv6.CheckedAt, o.IPv6.CheckedAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	a, b := s.Mapping, o.Mapping
	s.Mapping, o.Mapping = nil, nil
	if s != o || (a == nil) != (b == nil) {
		return false
	}
	return a == nil || *a == *b
}
