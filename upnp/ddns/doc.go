// Package ddns keeps a DNS name pointing at home: it tells a DNS provider our
// public address when that changes, and asks the zone's own servers whether the
// world now sees it.
//
// # Promises
//
//   - The last wanted addresses win, whatever happened on the way. Setting the
//     same again costs nothing.
//   - A provider gets at most one update in five minutes, fewer while it fails,
//     and none when the zone already says the right thing. Refused credentials
//     end the trying until a new Updater is made with others; a complaint of
//     abuse ends it for hours.
//   - A name is called verified only when the zone's authoritative servers were
//     asked and agree. No cache is asked, and no provider believed.
//   - The name is ours alone: where the provider can, every other A and AAAA
//     record at it is removed. Records of other names and types are not touched.
//   - Credentials are sent to the provider and to nobody else. They cannot be
//     printed, logged or marshalled, and are cut out of what a provider says.
//   - HTTP goes only to public addresses, over verified TLS, without proxies, to
//     the host that was configured; the address that was checked is the one that
//     is dialled. A request takes ten seconds and a reply 64 KiB at most.
//   - The last published address stays when Run ends or no address is known: an
//     old address may still be right, none never is.
//
// It never finds out addresses and never decides which of them work: the caller
// does, from the router and from evidence.
//
// # A and AAAA
//
// A is published whenever there is a public IPv4 address. AAAA is published only
// when the caller says that nothing but IPv6 works, because some WireGuard apps
// take the first answer and some networks have no way to IPv6. The record that
// isn't wanted is removed: a stale one is an address that is tried first.
//
// # How it goes
//
// One goroutine, Updater.Run, owns all state. What others see is an immutable
// Status.
//
//	           the zone has it already
//	  ┌──────────────────────────────────────────┐
//	  │                                          ▼
//	look ──▶ pending ──────────▶ published ──▶ verified ─┐ every hour
//	          ▲ ▲ │    accepted      │ ▲         │  ▲    │
//	          │ │ │                  │ └ 10 s … 5 min ───┘
//	  backoff │ │ └─▶ refused        │           │
//	          └─┼──── temporarily    │           │
//	            │ └─▶ stopped        │           │
//	            └────────────────────┴───────────┘
//	              no server of the zone has it
//
// # What is behind the seam
//
// A provider publishes records and answers with nil or a fault: temporary, stop
// or abuse. dyndns2 is one provider with a table of known services.
//
//	            removes the other record   how
//	DuckDNS     yes                        clears both, then sets one
//	deSEC       yes                        an empty parameter
//	Cloudflare  yes                        DELETE
//	RFC 2136    yes                        in the same message, atomically
//	dyndns2     no                         the owner is told
//	custom      no                         the owner is told
//
// DNS messages are those of github.com/miekg/dns; everything else is the
// standard library.
package ddns
