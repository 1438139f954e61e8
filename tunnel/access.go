package tunnel

import (
	"net/netip"

	"homeward/tunnel/internal/filter"
)

// Access says what a peer may reach. The zero Access grants nothing but names
// (DNS) and echo at our own addresses in the tunnel, which everybody has.
type Access = filter.Access

// What an Access is made of.
type (
	Rule      = filter.Rule
	Service   = filter.Service
	Protocol  = filter.Protocol
	PortRange = filter.PortRange
	Range     = filter.Range
)

// The protocols of a Service. The zero Protocol is all of them.
const (
	AnyProtocol = filter.AnyProtocol
	TCP         = filter.TCP
	UDP         = filter.UDP
	ICMP        = filter.ICMP
)

// Everything is home and the internet, not other peers and not the box's own
// services. It is what a peer without an Access has.
func Everything() Access { return filter.Everything() }

// HomeOnly is all things at home.
func HomeOnly() Access { return filter.HomeOnly() }

// InternetOnly is the internet without anything at home.
func InternetOnly() Access { return filter.InternetOnly() }

// Chosen is what the rules say and nothing else.
func Chosen(rules ...Rule) Access { return filter.Chosen(rules...) }

// RangeOf is all addresses of a prefix.
func RangeOf(p netip.Prefix) Range { return filter.RangeOf(p) }

// Counters is what the filter counted up to one moment.
type Counters = filter.Snapshot

// PeerCounters is what the filter counted of one peer.
type PeerCounters = filter.PeerCounters

// Traffic counts packets and bytes that passed.
type Traffic = filter.Traffic

// Reason says why a packet was dropped.
type Reason = filter.Reason

// Reasons lists all of them.
func Reasons() []Reason { return filter.Reasons() }

// Counters returns what passed and what was dropped, for each peer.
func (t *Tunnel) Counters() Counters { return t.filter.Snapshot() }

// boxUsers are the addresses of peers that may reach services of the box.
func boxUsers(list []Peer) []netip.Addr {
	var out []netip.Addr
	for _, p := range list {
		if p.Access != nil && len(p.Access.Box) > 0 {
			out = append(out, p.Addresses...)
		}
	}
	return out
}

// guarded is the list of peers as the filter wants it.
func guarded(list []Peer) []filter.Peer {
	out := make([]filter.Peer, len(list))
	for i, p := range list {
		out[i] = filter.Peer{ID: p.PublicKey, Addresses: p.Addresses, Access: Everything()}
		if p.Access != nil {
			out[i].Access = *p.Access
		}
	}
	return out
}
