// Package kernel is the data plane that lets the Linux kernel do the work: a
// TUN device, the kernel's forwarding and one nftables table of our own.
//
//	wireguard-go ──Write──▶ TUN ─▶ prerouting: source and destination may be such ─▶ routing ─┬─▶ input: echo, ports that Listen opened
//	                                                                                         └─▶ forward ─▶ postrouting: masquerade ─▶ LAN
//	             ◀──Read─── TUN ◀─ forward: only what a peer began ◀──────────────────────────────────────────────────────────────── LAN
//
// What it promises:
//
//   - It changes nothing that others made: the rules match our interface or
//     our tunnel addresses only, in a table that carries the interface's name,
//     replaced as a whole on opening. They are there before the interface is,
//     and Watch writes them again when another program has removed them.
//   - Peers reach the LAN and the internet, and of the box itself ICMP echo and
//     the ports that Listen and ListenPacket opened, on our tunnel addresses.
//     Nothing else of the box by any of its addresses, no other peer, no
//     loopback, link-local, multicast or metadata address, and none of these
//     wrapped into an IPv6 transition address.
//   - Behind a filter (Config.Guarded) packets between peers pass, and those to
//     the box from peers that OpenBox named: the filter has looked at each.
//   - Nobody but the peers and the box itself reaches our tunnel addresses
//     (Linux would answer on every interface), and nobody opens a flow to a peer.
//   - Masqueraded TCP and UDP flows leave from ports at and above 32768, and
//     never from the WireGuard port: a peer cannot sit on a port on which a
//     service of the box is waiting ("port shadowing"). A port that is in the
//     range already is kept when it is free, which calls and games need.
//   - The sysctls that had to change are noted in the state directory before
//     they are changed, and put back by Close or, after a crash, by Cleanup,
//     unless somebody else changed them again. Watch puts right, in the same
//     way, what peers and the box itself cannot do without: forwarding, that of
//     the uplinks and of the tunnel's interface included, and that the uplinks
//     listen to their IPv6 router.
//
// Forwarding is a switch of the whole host. While the plane is open, the host
// also forwards between its other interfaces if no other rule forbids it.
//
// It is the only package that imports nftables. Nobody but package tunnel
// imports it. Other systems than Linux get a stub that says so.
package kernel
