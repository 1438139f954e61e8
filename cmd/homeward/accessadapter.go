package main

import (
	"math"

	"homeward/peers"
	"homeward/tunnel"
)

// accessOf is what the packet filter understands. What it does not know is nothing.
// The admin page at a TCP port of the box is a grant of its own: the box's services
// don't include it.
func accessOf(a peers.Access, admin uint16) tunnel.Access {
	g := a.Grants()
	out := tunnel.Access{
		Home:     g.Base == peers.AccessEverything || g.Base == peers.AccessHome,
		Internet: g.Base == peers.AccessEverything || g.Base == peers.AccessInternet,
		Peers:    g.Peers,
	}
	for _, s := range g.Box {
		out.Box = append(out.Box, withoutPort(s, admin)...)
	}
	if g.Admin {
		out.Box = append(out.Box, serviceOf("tcp", admin, admin))
	}
	for _, t := range g.Things {
		to := tunnel.Range{First: t.First, Last: t.Last}
		if len(t.Services) == 0 {
			out.Allow = append(out.Allow, tunnel.Rule{To: to})
		}
		for _, s := range t.Services {
			out.Allow = append(out.Allow, tunnel.Rule{To: to, Service: serviceOf(s.Protocol, s.First, s.Last)})
		}
	}
	return out
}

// withoutPort is a service without one TCP port.
func withoutPort(s peers.Service, port uint16) []tunnel.Service {
	switch s.Protocol {
	case "":
		return append(withoutPort(peers.Service{Protocol: "tcp"}, port), serviceOf("udp", 0, 0), serviceOf("icmp", 0, 0))
	case "tcp":
	default:
		return []tunnel.Service{serviceOf(s.Protocol, s.First, s.Last)}
	}
	first, last := s.First, s.Last
	if last == 0 {
		last = math.MaxUint16
	}
	if port < first || port > last {
		return []tunnel.Service{serviceOf("tcp", first, last)}
	}
	var out []tunnel.Service
	if first < port {
		out = append(out, serviceOf("tcp", first, port-1))
	}
	if port < last {
		out = append(out, serviceOf("tcp", port+1, last))
	}
	return out
}

// serviceOf is a protocol and its ports; none, where both are zero, means all.
func serviceOf(protocol string, first, last uint16) tunnel.Service {
	s := tunnel.Service{Protocol: map[string]tunnel.Protocol{"tcp": tunnel.TCP, "udp": tunnel.UDP, "icmp": tunnel.ICMP}[protocol]}
	if last != 0 {
		s.Ports = []tunnel.PortRange{{First: first, Last: last}}
	}
	return s
}
