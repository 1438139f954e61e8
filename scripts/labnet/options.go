//go:build linux

package labnet

import "net/netip"

// Options make a home that is not the usual one. The zero value is a home with
// a public IPv4 address and a router that speaks UPnP (IGD 2), PCP and NAT-PMP,
// and maps every port from 1024 on.
type Options struct {
	NoUPnP    bool // no UPnP IGD
	NoNATPMP  bool // neither PCP nor NAT-PMP, which miniupnpd switches together
	IGDv1     bool // the router describes itself as IGD 1
	PortsDeny bool // the router refuses every mapping
	Insecure  bool // the router lets a machine open ports to another one
	// WAN is the router's address towards the provider; zero means RouterWAN.
	// Behind another one, such as 100.64.5.2 or 10.5.0.2, the provider does NAT.
	// Its network has 24 bits, and its gateway the first address there.
	WAN netip.Addr
	// IGD has further lines for miniupnpd.conf: settings, which win over the
	// lab's, and permissions, which are asked first.
	IGD []string
}

func (o Options) wan() netip.Addr {
	if o.WAN.IsValid() {
		return o.WAN
	}
	return netip.MustParseAddr(RouterWAN)
}

// gateway is the provider's address that the router sends to.
func (o Options) gateway() netip.Addr { return o.home().Masked().Addr().Next() }

// home is the network between the provider and the router.
func (o Options) home() netip.Prefix { return netip.PrefixFrom(o.wan(), 24) }

// carrierNAT reports whether the provider's NAT stands before the router.
func (o Options) carrierNAT() bool { return o.wan() != netip.MustParseAddr(RouterWAN) }
