package upnp

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// lingering is how much longer a search listens once the gateway has answered, for
// other routers to be told of.
const lingering = 150 * time.Millisecond

// Others are the first routers that answered a search besides the gateway. They are
// shown and never asked for anything: this box's way to the internet does not lead
// through them, and whoever is on the LAN can claim to be one.
type Others [4]netip.Addr

// Addrs lists them.
func (o Others) Addrs() []netip.Addr {
	return slices.DeleteFunc(slices.Clone(o[:]), func(a netip.Addr) bool { return !a.IsValid() })
}

// otherRouters collects Others.
type otherRouters struct {
	mu   sync.Mutex // guards what follows
	gw   netip.Addr // whose they are
	seen Others
}

// note notes an answer that is not the gateway's.
func (o *otherRouters) note(gw Gateway, from netip.Addr, target string) {
	if o == nil || from == gw.Self || !from.IsGlobalUnicast() && !from.IsLoopback() || !strings.HasPrefix(target, "urn:schemas-upnp-org:device:InternetGatewayDevice:") {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.gw != gw.Addr {
		o.gw, o.seen = gw.Addr, Others{}
	}
	for i, a := range o.seen {
		if a == from {
			return
		}
		if !a.IsValid() {
			o.seen[i] = from
			return
		}
	}
}

// of are those beside a gateway.
func (o *otherRouters) of(gw netip.Addr) Others {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.gw != gw {
		return Others{}
	}
	return o.seen
}
