// Package upnp makes the box reachable: it asks the home router to send one UDP
// port of the internet to us, keeps that so, and says in plain words what stands
// in the way when the router won't.
//
// # Promises
//
//   - Exactly one port is mapped, the one in Config, for UDP, to our own address.
//     The external port equals the internal one, because it is printed in codes.
//   - Nobody else's mapping is ever taken, changed or removed. Ours are known by
//     their description (with the instance's id) and our address in the LAN.
//   - A mapping is called good only after it was read back (a router that can't
//     be asked is believed, and the mapping says so), and it is read back again
//     every few minutes, because routers tidy up idle ones long before their
//     lease ends.
//   - Whatever the router sends, Run goes on: the router is a hostile, broken or
//     absent machine like any other in the LAN. Answers count only when they come
//     from the gateway; connections go only to the gateway (see transport.go);
//     replies are bounded in size, depth and time; its words are cut and cleaned.
//   - At the end the mapping is removed, within two seconds, also when the end
//     came in the middle of asking for it.
//
// It never learns what the port is for: no WireGuard, no peers, no HTTP of ours.
//
// # How it goes
//
// One goroutine, Mapper.Run, owns all state and has one request in flight. What
// others see is an immutable Status.
//
//	            no route              route
//	  ┌────────────────────┐   ┌──────────────────┐
//	  ▼                    │   │                  ▼
//	no router ─────────────┴───┘   ┌────────▶ looking ◀───────────────┐
//	                               │   found │      │ nobody answers  │
//	   gateway or own address      │         ▼      ▼                 │
//	   changed: from any state ────┘      mapping  waiting ───────────┤
//	                                refused │  │    ▲  5 s, 15 s, 60 s,│
//	                                  or    │  │    │  then every 5 min│
//	                                conflict│  │    │                  │
//	                                        └──┼────┘                  │
//	                                           ▼ added and read back   │
//	                     ┌────────────────── held ─────────────────────┘
//	                     │ renew at half of     ▲   refused, 404, silent,
//	                     └─ the granted lease ──┘   or gone at read-back
//
// While held, the external address is asked for every minute (which also notices
// a router that restarted) and the mapping is read back every five minutes.
//
// # What is behind the seam
//
// A protocol looks for its server on the gateway and returns a session; a session
// adds, checks and removes the mapping, and answers with one of a closed set of
// outcomes, never with a raw error. UPnP IGD (igd.go) is the only protocol so
// far; NAT-PMP and PCP are to be others. UPnP's messages are those of
// github.com/huin/goupnp; discovery and transport are our own, because goupnp's
// have no limits, follow redirects and proxies, and fail as a whole when one
// interface does.
package upnp
