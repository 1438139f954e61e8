// Package netstack is the data plane that needs no rights at all: gVisor's
// network stack ends the peers' TCP, UDP and ICMP echo flows, and ordinary
// sockets of the host continue them.
//
//	wireguard-go ──Write──▶ device ─▶ gVisor ─┬─ our own tunnel address ─▶ Listen, ListenPacket, echo
//	             ◀──Read─── queue  ◀──────────┤
//	                                          └─ anything else ─▶ policy ─▶ flows ─▶ socket of the host
//
// What it promises:
//
//   - TCP is dialled first and accepted second. A closed port refuses, a host
//     that is down stays silent or is reported unreachable, and only a
//     connection that really exists is accepted.
//   - One choke point, policy.dialable, decides which addresses a socket may be
//     opened to, because those sockets carry the host's own identity.
//   - Behind a filter (Config.Guarded) packets between peers go straight on, and
//     peers that OpenBox named may reach the host itself: the filter has looked
//     at each packet.
//   - A packet that has no hop left ends here, and its sender is told: to
//     traceroute the box is the first hop, as any router is. A small TTL is
//     carried on, one less, and what routers and hosts on the way say about a
//     datagram or an echo is told the peer as theirs, with the MTU that fits.
//   - Echo is asked by ping sockets, else by raw ones, else by a datagram that
//     a host that is up refuses; it is never made up.
//   - Every flow is counted against Limits, belongs to the peer's address that
//     opened it, and ends when CutFlows names that address or Close is called.
//
// It is the only package that imports gVisor. Nobody but package tunnel (and
// the planes' conformance suite) imports it.
package netstack
