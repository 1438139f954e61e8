package upnp

import (
	"context"
	"net/netip"
)

// protocol is one way to talk to routers.
type protocol interface {
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
	// cannot be asked.
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
	// Via is the protocol and service, for example "UPnP WANIPConnection:2".
	Via string
	// ID tells this router from another at the same address (UPnP: its UDN, cleaned).
	ID string
}
