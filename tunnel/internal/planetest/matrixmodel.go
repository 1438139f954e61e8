//go:build linux

package planetest

import (
	"net/netip"

	"homeward/tunnel/internal/filter"
)

// kind is what a target of the matrix is, said by who made it. The filter has
// to find it out from the address.
type kind uint8

const (
	atHome     kind = iota
	onInternet      // neither at home nor special
	theBox          // the box's own, outside of the tunnel
	ourOwn          // the box's inside the tunnel
	aPeer           // the other peer's
	nowhere         // special or disguised: nobody's, whatever is granted
)

// dwelling is where somebody listens on a target's address.
type dwelling uint8

const (
	onLAN dwelling = iota // the LAN host
	inBox
	inTunnel  // a port that the plane opened
	atPeer    // the other peer
	broadcast // everybody on the LAN
)

// target is an address that somebody would answer at.
type target struct {
	addr netip.Addr
	kind kind
	at   dwelling
}

// targets are those of a family.
func targets(f family) []target {
	out := []target{
		{f.lan, atHome, onLAN}, {f.outer, onInternet, onLAN}, {f.metadata, nowhere, onLAN},
		{f.box, theBox, inBox}, {f.other, theBox, inBox},
		{f.own.Addr(), ourOwn, inTunnel}, {f.peers[1], aPeer, atPeer},
	}
	more := map[kind][]string{
		atHome:     {"192.168.77.5", "192.168.77.31", "10.1.2.3", "172.16.0.1", "100.64.0.1", "198.18.1.1"},
		onInternet: {"8.8.8.8", "172.32.0.1", "192.169.0.1", "100.128.0.1", "223.255.255.254", "169.253.1.1"},
		nowhere:    {"100.100.100.200", "168.63.129.16", "192.0.0.192", "240.0.0.1"},
	}
	loopback := "127.0.0.1"
	if f.lan.Is6() {
		more = map[kind][]string{
			atHome:     {"fd77::5", "fd77::31", "fd12:3456::1", "fc00::1"},
			onInternet: {"2a00:1450::9", "2003::1", "2001:1::1", "3fff::1", "2000::1"},
			nowhere: {"fd20:ce::254", "fec0::1",
				"64:ff9b::cb00:7105", "64:ff9b:1::1", "2002:cb00:7105::1", "2001::8000:63bf:34ff:8efa", "2a00:1::5efe:cb00:7105"},
		}
		loopback = "::1"
	} else {
		out = append(out, target{netip.MustParseAddr("192.168.77.255"), nowhere, broadcast})
	}
	for _, k := range []kind{atHome, onInternet, nowhere} {
		for _, s := range more[k] {
			out = append(out, target{netip.MustParseAddr(s), k, onLAN})
		}
	}
	return append(out, target{netip.MustParseAddr(loopback), nowhere, inBox})
}

// question is what a probe asks, in words.
type question struct {
	target
	proto byte // TCP, UDP or ICMP of the family
	port  uint16
}

func (q question) isICMP() bool { return q.proto != protoTCP && q.proto != protoUDP }
func (q question) isWeb() bool  { return q.proto == protoTCP && (q.port == 80 || q.port == 443) }

// matrixPorts are those on which somebody listens at every target.
var matrixPorts = []uint16{22, dnsPort, 80, 100, 443, 8080}

func questions(f family) []question {
	var out []question
	for _, t := range targets(f) {
		for _, port := range matrixPorts {
			// The box's own 53 is the name service's.
			if t.at != inBox || port != dnsPort {
				out = append(out, question{t, protoUDP, port}, question{t, protoTCP, port})
			}
		}
		out = append(out, question{t, icmpOf(t.addr), 0})
	}
	return out
}

// grantCase is one kind of access and, in words, what it gives.
type grantCase struct {
	name   string
	access filter.Access
	gives  func(q question) bool
}

// model says whether a peer with this access gets through: slowly, and by what
// the target is, not by its address.
func (g grantCase) model(q question) bool {
	switch {
	case q.kind == nowhere:
		return false
	case q.kind == ourOwn && (q.isICMP() || q.port == dnsPort):
		return true // everybody looks up names
	}
	return g.gives(q)
}

// grantCases are the kinds of access in the matrix.
func grantCases() []grantCase {
	a, p := netip.MustParseAddr, netip.MustParsePrefix
	lan, outer := [2]netip.Addr{}, [2]netip.Addr{}
	var others []netip.Addr // that no rule may open
	for i, f := range families() {
		lan[i], outer[i] = f.lan, f.outer
		others = append(others, f.box, f.own.Addr(), f.peers[1], f.metadata)
	}
	both := func(first, last [2]netip.Addr, s filter.Service) filter.Access {
		return filter.Chosen(filter.Rule{To: filter.Range{First: first[0], Last: last[0]}, Service: s}, filter.Rule{To: filter.Range{First: first[1], Last: last[1]}, Service: s})
	}
	web := filter.Service{Protocol: filter.TCP, Ports: []filter.PortRange{filter.Port(80), filter.Port(443)}}
	ping := filter.Service{Protocol: filter.ICMP}
	internetAndThing := both(lan, lan, filter.Service{})
	internetAndThing.Internet = true
	var forbidden filter.Access
	for _, o := range others {
		forbidden.Allow = append(forbidden.Allow, filter.Rule{To: filter.Range{First: o, Last: o}})
	}
	is := func(q question, all ...string) bool {
		for _, s := range all {
			if q.addr == a(s) {
				return true
			}
		}
		return false
	}
	return []grantCase{
		{"nothing", filter.Access{}, func(question) bool { return false }},
		{"everything", filter.Everything(), func(q question) bool { return q.kind == atHome || q.kind == onInternet }},
		{"home only", filter.HomeOnly(), func(q question) bool { return q.kind == atHome }},
		{"internet only", filter.InternetOnly(), func(q question) bool { return q.kind == onInternet }},
		{"all there is", allThereIs(), func(q question) bool { return true }},
		{"other peers", filter.Access{Peers: true}, func(q question) bool { return q.kind == aPeer }},
		{"the box", filter.Access{Box: []filter.Service{{}}}, func(q question) bool { return q.kind == theBox || q.kind == ourOwn }},
		{"the box's web and ping", filter.Access{Box: []filter.Service{web, ping}}, func(q question) bool {
			return (q.kind == theBox || q.kind == ourOwn) && (q.isWeb() || q.isICMP())
		}},
		{"the web of one thing", both(lan, lan, web), func(q question) bool { return is(q, "192.168.77.20", "fd77::20") && q.isWeb() }},
		{"a range by UDP", both([2]netip.Addr{a("192.168.77.5"), a("fd77::5")}, [2]netip.Addr{a("192.168.77.30"), a("fd77::30")}, filter.Service{Protocol: filter.UDP}),
			func(q question) bool {
				return is(q, "192.168.77.5", "192.168.77.20", "fd77::5", "fd77::20") && q.proto == protoUDP
			}},
		{"some ports of a network", filter.Chosen(
			filter.Rule{To: filter.RangeOf(p("192.168.77.0/24")), Service: filter.Service{Ports: []filter.PortRange{{First: 53, Last: 100}}}},
			filter.Rule{To: filter.RangeOf(p("fd77::/64")), Service: filter.Service{Ports: []filter.PortRange{{First: 53, Last: 100}}}}),
			func(q question) bool {
				return is(q, "192.168.77.5", "192.168.77.20", "192.168.77.31", "fd77::5", "fd77::20", "fd77::31") && (q.port == dnsPort || q.port == 80 || q.port == 100)
			}},
		{"ping to all", filter.Chosen(filter.Rule{To: filter.RangeOf(p("0.0.0.0/0")), Service: ping}, filter.Rule{To: filter.RangeOf(p("::/0")), Service: ping}),
			func(q question) bool { return (q.kind == atHome || q.kind == onInternet) && q.isICMP() }},
		{"internet and one thing", internetAndThing, func(q question) bool { return q.kind == onInternet || is(q, "192.168.77.20", "fd77::20") }},
		{"rules that name what no rule opens", forbidden, func(question) bool { return false }},
	}
}

// allThereIs is more than any preset grants.
func allThereIs() filter.Access {
	return filter.Access{Home: true, Internet: true, Peers: true, Box: []filter.Service{{}}}
}
