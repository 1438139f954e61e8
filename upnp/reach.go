package upnp

import (
	"net/netip"
	"time"
)

// ProofLasts is how long a packet that came in from outside proves the way in.
const ProofLasts = 7 * 24 * time.Hour

// ProofKind is how a packet from outside was known for one.
type ProofKind string

// The kinds of proof.
const (
	ProofHandshake ProofKind = "handshake" // a device of the house came in
	ProofKnock     ProofKind = "knock"     // a browser knew the secret of the moment
	ProofCounter   ProofKind = "counter"   // the router counted packets that it let in
)

// ProofKinds lists all of them, the best first.
func ProofKinds() []ProofKind { return []ProofKind{ProofHandshake, ProofKnock, ProofCounter} }

// Proof is a packet that came in from outside the house.
type Proof struct {
	Kind ProofKind
	At   time.Time
	From netip.Addr // invalid where the router only counted it, and where only Network is kept
	Six  bool       // it came by IPv6
	// Network is where it came from, of a proof that was kept over a restart.
	Network netip.Prefix
	kept    bool
}

// Keep returns p as it is kept over a restart: to the second, and with no more of its
// source than the network.
func (p Proof) Keep() Proof {
	p.At, p.kept = p.At.Truncate(time.Second).Round(0), true
	if p.From.IsValid() {
		bits := 24
		if p.From.Is6() {
			bits = 48
		}
		p.Network, _ = p.From.WithZone("").Prefix(bits) // both are as long as the family allows
		p.From = netip.Addr{}
	}
	return p
}

// Kept reports whether p is what was kept of an earlier run.
func (p Proof) Kept() bool { return p.kept }

// Recent reports whether p is not over yet. A clock that is wrong, as some are after a
// power cut until the time was asked for, makes it none.
func (p Proof) Recent(now time.Time) bool {
	const slack = 5 * time.Minute
	return !p.At.IsZero() && now.Sub(p.At) < ProofLasts && p.At.Sub(now) <= slack
}

// Replaces reports whether o is of the same kind and family.
func (p Proof) Replaces(o Proof) bool { return p.Kind == o.Kind && p.Six == o.Six }

// Proves reports whether p says something of the way in as it is now: it is recent, home
// has had its address, port and router since, and the router did not say since that the
// way is shut.
func (s Status) Proves(p Proof, now time.Time) bool {
	return p.Recent(now) && !p.At.Before(s.PlaceSince) && !s.disproves(p)
}

// disproves reports whether the router's word weighs more than p.
func (s Status) disproves(p Proof) bool {
	if p.Six { // which comes without a mapping
		return false
	}
	switch s.Verdict {
	case Conflict:
		// The router sends the port to another machine. A device that came in before is
		// let in still, also to shake hands again, since routers keep a flow that they
		// know. Nobody else is.
		return p.Kind == ProofHandshake
	case Refused, RouterBroken:
		return p.At.Before(s.Since) // it came by an entry that is gone
	}
	return false
}

// Counted is the proof that a router gives which counts what its IPv6 firewall lets in
// (GetPinholePackets, CheckPinholeWorking).
func (s Status) Counted() (Proof, bool) {
	p := Proof{Kind: ProofCounter, At: s.IPv6.TrafficAt, Six: true}
	return p, s.IPv6.Verdict == Mapped && !p.At.IsZero()
}

// Reach is the state of the way in, in one word: what the router says together with
// what was seen.
type Reach string

// The reaches. ReachSeen alone is said of what was observed.
const (
	ReachUnknown      Reach = "unknown"       // the router was not heard yet
	ReachSeen         Reach = "seen"          // open, and somebody came in from outside
	ReachMapped       Reach = "mapped"        // opened, nobody came in yet
	ReachByHand       Reach = "by-hand"       // forwarded by hand, nobody came in yet
	ReachStale        Reach = "codes-stale"   // opened, and codes lead to where home was
	ReachNoIGD        Reach = "no-igd"        // no router protocol answers
	ReachRefused      Reach = "refused"       // the router's settings forbid it
	ReachConflict     Reach = "conflict"      // the port is somebody else's
	ReachDoubleNAT    Reach = "double-nat"    // there is another router in front
	ReachCarrierNAT   Reach = "carrier-nat"   // the provider shares an address (RFC 6598)
	ReachDSLite       Reach = "ds-lite"       // the same by RFC 6333
	ReachIPv6Only     Reach = "ipv6-only"     // open by IPv6 alone, nobody came in yet
	ReachNoAddress    Reach = "no-address"    // the router has none on the internet side
	ReachRouterBroken Reach = "router-broken" // it makes no sense, or doesn't keep the entry
	ReachLies         Reach = "router-lies"   // what it says disagrees with what was seen, see Lies
	ReachNoRouter     Reach = "no-router"
	ReachNotAsked     Reach = "not-asked" // the mapper is off
)

// Reaches lists all of them.
func Reaches() []Reach {
	return []Reach{ReachUnknown, ReachSeen, ReachMapped, ReachByHand, ReachStale, ReachNoIGD, ReachRefused, ReachConflict, ReachDoubleNAT,
		ReachCarrierNAT, ReachDSLite, ReachIPv6Only, ReachNoAddress, ReachRouterBroken, ReachLies, ReachNoRouter, ReachNotAsked}
}

var dsLite = netip.MustParsePrefix("192.0.0.0/29") // RFC 6333 section 5.7

// Reach judges the way in. proofs are those of outside that prove something now, stale
// says that devices have codes with another address or port, and lies are those of Lies.
func (s Status) Reach(proofs []Proof, stale bool, lies []Lie) Reach {
	switch {
	case len(proofs) > 0:
		return ReachSeen
	case len(lies) > 0:
		return ReachLies
	}
	switch s.Verdict {
	case Mapped, IPv6Only, ByHand:
		switch {
		case stale:
			return ReachStale
		case s.Verdict == ByHand || s.Verdict == Mapped && s.Mapping != nil && s.Mapping.Foreign:
			return ReachByHand
		case s.Verdict == IPv6Only:
			return ReachIPv6Only
		}
		return ReachMapped
	case NoRouter:
		return ReachNoRouter
	case NoIGD:
		return ReachNoIGD
	case Refused:
		return ReachRefused
	case Conflict:
		return ReachConflict
	case PrivateWAN:
		return ReachDoubleNAT
	case CarrierNAT:
		if dsLite.Contains(s.WAN) {
			return ReachDSLite
		}
		return ReachCarrierNAT
	case NoWAN:
		return ReachNoAddress
	case RouterBroken:
		return ReachRouterBroken
	case Disabled:
		return ReachNotAsked
	}
	return ReachUnknown
}
