// Package upnp makes the box reachable: it asks the home router to send one UDP
// port of the internet to us, keeps that so, and says in plain words what stands
// in the way when the router won't.
//
// # Promises
//
//   - Exactly one port is opened, for UDP, to our own address: the one in Config, or,
//     where the router gives that one to somebody else or to nobody, another one that
//     is listened on as well (elsewhere.go). The external port always equals the
//     internal one. A port that is printed in codes is left only when it stays away.
//   - Others are opened only where the owner says so (forward.go): by UPnP, to the
//     machine and port that he names, and kept and taken back in the same way.
//   - Nobody else's mapping is ever taken, changed or removed. Ours are known by
//     their description (with the instance's id) and our address in the LAN, or by
//     the nonce that PCP asks for, which is made from Config.Secret.
//   - One port is one entry: never is the same port asked for by two protocols at
//     the same time. What one made is removed before another is asked.
//   - A mapping is called good only after it was read back (a router that can't
//     be asked is believed, and the mapping says so), and it is read back again
//     every few minutes, because routers tidy up idle ones long before their
//     lease ends. Where nobody can read it is asked for again instead.
//   - Whatever the router sends, Run goes on: the router is a hostile, broken or
//     absent machine like any other in the LAN. Answers count only when they come
//     from the gateway; connections go only to the gateway (see transport.go);
//     replies are bounded in size, depth and time; its words are cut and cleaned.
//   - What is asked of the router is noted in Config.Journal before, so that after a
//     crash nothing of ours on it is unknown: the next run takes it over or gives it
//     back (journal.go).
//   - At the end the mapping is removed, within two seconds, also when the end
//     came in the middle of asking for it.
//
// Where the owner forwards the port himself (SetByHand) it is asked for no more.
//
// It never learns what the port is for: no WireGuard, no peers, no HTTP of ours.
//
// # How it goes
//
// One goroutine for each family of addresses owns its state; the router is asked one
// thing at a time. What others see is an immutable Status.
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
// While held, the router is asked for its address (by PCP: for a sign of life),
// every 50 s by UPnP and every 25 s by PCP or NAT-PMP, which also tells that it
// restarted. The mapping is looked at, and asked for again by PCP or NAT-PMP, every
// 25 s; an IPv6 opening is asked for again every five minutes. By UPnP alone a router
// that answers from memory is made to look at its own rules now and then (stir.go):
// for a moment another port leads to ours then. Four things shorten
// the wait (ears.go): the kernel's news about
// routes and addresses; an event of the router's, where it offers such (gena.go); a
// router's announcement that it has just started or has
// another address, which is only a hint to ask, as anybody can forge it; and, once
// a router we had a mapping on is gone, a packet every ten seconds that asks
// whether it is back.
//
// # What is not so
//
// A router may say what is not so. Entries that it grants and does not keep are counted
// (Status.Denied), and where it says that the house is can be held against what servers
// outside saw, for callers who asked some: Status.Lies. What proved the way in is judged
// by Status.Proves, and kept over a restart by package proven. Other routers that answer
// on the LAN are told of and never asked (others.go).
//
// # Which protocol
//
// A protocol looks for its server on the gateway and returns a session; a session
// adds, checks and removes the mapping, and answers with one of a closed set of
// outcomes, never with a raw error. All protocols are asked side by side; the first
// of these that does as asked makes the mapping, and keeps it while it works:
//
//	PCP      RFC 6887  asks for exactly one port, proves ownership by a nonce
//	NAT-PMP  RFC 6886  has to look whether it got the port that it asked for
//	UPnP IGD 1 and 2   needs five requests for one, but can read the table
//
// Status.Router tells by which and why. UPnP is preferred last and is of use all the
// same: where it answers, it looks before PCP or NAT-PMP asks, sees whose the port
// is, and reads back what they made (witness.go).
//
// # IPv6
//
// With IPv6 nothing is translated: the router's firewall has to let the port through
// to our own lasting address, by WANIPv6FirewallControl:1 or by PCP. A second keeper
// of the same kind does that, with a Gateway of its own and a light of its own
// (Status.IPv6), after IPv4's first step and never at the same time as the other, because
// some routers answer wrongly when they are asked two things at once.
//
// PCP and NAT-PMP are our own (pcp.go and natpmp.go are the messages, exchange.go
// the packets): each is a page of the RFC, and libraries for them lose the result
// codes, the nonce or the epoch. UPnP's messages are those of
// github.com/huin/goupnp; discovery and transport are our own, because goupnp's
// have no limits, follow redirects and proxies, and fail as a whole when one
// interface does.
package upnp
