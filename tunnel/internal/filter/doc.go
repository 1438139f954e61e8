// Package filter decides, packet by packet, what each peer may reach. It is the
// same for both data planes and lies between wireguard-go and the plane:
//
//	wireguard-go ──Write──▶ parse ─▶ whose source? ─▶ known flow? ──yes──────────────────▶ plane
//	                          │            │               └─no─▶ class of the destination
//	                       malformed    spoofed                     ├ special, disguised ─▶ dropped
//	                                                                ├ own: DNS, echo ─────▶ new flow ─▶ plane
//	                                                                └ box, peer, home, internet:
//	                                                                  granted by Access? ─▶ new flow ─▶ plane
//	wireguard-go ◀──Read─── known flow, or an ICMP error about one ◀──────────────────────── plane
//
// What it promises:
//
//   - Default deny. What is not granted, not understood or not remembered does
//     not get further than a counter. IPv4 and IPv6 take the same path.
//   - Flows are opened by peers only. Towards a peer come answers to them, and
//     ICMP errors that quote one of their packets.
//   - A change of peers, rules or the box's addresses takes effect before
//     SetPeers or SetHost returns, open flows included. Flows that stay allowed
//     don't notice.
//   - Each peer has a table, a lock and limits of its own: a flood of one costs
//     the others nothing. What is remembered is bounded for a peer and in total;
//     the oldest flows that nobody answered go first.
//   - Nothing is allocated for a packet of a known flow. No goroutine belongs to
//     a flow; Run sweeps.
//
// The filter reads packets and never changes them. Beside it, each plane has a
// second line of its own, which knows no peers: the netstack plane's policy for
// dialling and the kernel plane's table.
package filter
