package upnp

import (
	"context"
	"net/netip"
)

// protocol is one way to talk to routers.
type protocol interface {
	// name is for people: "NAT-PMP".
	name() string
	// probe looks for the protocol's server on the gateway. The session is nil
	// unless the answer is done.
	probe(ctx context.Context, gw Gateway) (session, answer)
}

// session is a router that answered, on the address it answered from. It is used
// by one goroutine. Every method is bounded in time by itself as well as by ctx.
type session interface {
	// router says who answered and by which protocol.
	router() Router
	// external asks for the router's address on the internet side. It may be any
	// address: the caller classifies it. Invalid means the router has none.
	external(ctx context.Context) (netip.Addr, answer)
	// add makes or renews the mapping and reads it back.
	add(ctx context.Context, w want) (grant, answer)
	// check reads the mapping back; the outcome is unsupported where the router
	// cannot be asked. A protocol that can't look, but may ask again without harm,
	// does that, and its grant isn't verified. The outcome of external is notThere
	// where the router tells that it lost its table.
	check(ctx context.Context, w want) (grant, answer)
	// remove takes the mapping away, if it is still ours.
	remove(ctx context.Context, w want) answer
	// sweep removes what an earlier run of ours left on other ports.
	sweep(ctx context.Context, w want) (removed int, a answer)
}

// Router is who answered.
type Router struct {
	// Name is maker and model in the router's own words, cleaned: at most 64
	// printable characters. It may be empty.
	Name string
	// Via is the protocol and service, for example "PCP" or "UPnP WANIPConnection:2".
	Via string
	// Why is why by this protocol: what those preferred to it answered. It is empty
	// when Via is the first choice.
	Why string
	// ID tells this router from another at the same address (UPnP: its UDN, cleaned).
	ID string
}
