// Package neighbours says who is who in the LAN: whether a machine is there, and
// what the home router calls it. It asks the kernel's neighbour table and the
// router's name server, nobody outside the house.
package neighbours

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Neighbour is what is known of a machine.
type Neighbour struct {
	Name string // the router's name for it, cleaned; empty: none
	// Absent says that it was looked for and did not answer.
	Absent bool
}

const (
	patience = 1500 * time.Millisecond // two of the kernel's questions, a second apart
	most     = 64                      // machines looked at
	maxName  = 63
)

// Look looks at machines in the LAN, in at most two seconds. Addresses outside of
// lan are left alone, and so is everything after 64 machines.
func Look(ctx context.Context, router netip.Addr, lan []netip.Prefix, machines []netip.Addr) map[netip.Addr]Neighbour {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	found := make(map[netip.Addr]Neighbour)
	for _, m := range machines {
		if len(found) < most && slices.ContainsFunc(lan, func(p netip.Prefix) bool { return p.Contains(m) }) {
			found[m] = Neighbour{}
		}
	}
	var (
		wait   sync.WaitGroup
		mu     sync.Mutex // guards names
		names  = make(map[netip.Addr]string)
		absent map[netip.Addr]bool
	)
	for m := range found {
		wait.Go(func() {
			if n := nameOf(ctx, router, m); n != "" {
				mu.Lock()
				names[m] = n
				mu.Unlock()
			}
		})
	}
	wait.Go(func() { absent = whoIsAbsent(ctx, found) })
	wait.Wait()
	for m := range found {
		found[m] = Neighbour{names[m], absent[m]}
	}
	return found
}

// nameOf asks the router, which hands out the addresses and so knows the names.
func nameOf(ctx context.Context, router, machine netip.Addr) string {
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, netip.AddrPortFrom(router, 53).String())
	}}
	list, err := r.LookupAddr(ctx, machine.String())
	if err != nil || len(list) == 0 {
		return ""
	}
	return clean(list[0])
}

// clean leaves the first label of a name, in printable characters.
func clean(name string) string {
	name, _, _ = strings.Cut(name, ".")
	name = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_' {
			return r
		}
		return -1
	}, name)
	if len(name) > maxName {
		return ""
	}
	return name
}

// stir makes the kernel look for a machine: a byte to the port
// where everything is thrown away.
func stir(machine netip.Addr) {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(machine, 9)))
	if err != nil {
		return
	}
	defer c.Close()
	_, _ = c.Write([]byte{0}) // that nobody takes it is no news
}
