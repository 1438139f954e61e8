package main

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"homeward/cmd/homeward/internal/hostnet"
	"homeward/upnp"
)

const (
	// networksEvery is how often the house's networks are looked up where the kernel
	// says nothing of them.
	networksEvery = 30 * time.Second
	// networksSettle gathers the kernel's news, of which a change makes many.
	networksSettle = 500 * time.Millisecond
)

// networks are the house's, at one moment.
type networks struct {
	lan  []netip.Prefix // what new codes lead to
	home []netip.Prefix // whoever calls from here is not outside
	// problem says what a container's own network breaks; empty outside of such.
	problem string
}

func networksOf(h hostnet.Host) *networks {
	n := &networks{lan: h.LAN(), home: h.Home()}
	if hostnet.InContainersNetwork("/", h.Uplink) {
		n.problem = inBridge
	}
	return n
}

const inBridge = "This container has a network of its own: homeward does not hear the router, so that no port is opened, the page is not on the LAN, and devices at home see the container host's address. Run it with the host's network (--network host, network_mode: host)."

// followNetworks keeps the house's networks up to date, and tells the packet
// filter and the DNS name by which public address the house is reached.
func (a *appliance) followNetworks(ctx context.Context) error {
	var changed <-chan struct{} // nil without a mapper: never
	if a.mapper != nil {
		changed = a.mapper.Changed()
	}
	heard, deaf := a.hearNetworks(ctx)
	defer deaf()
	t := time.NewTicker(networksEvery)
	defer t.Stop()
	var settled, moving <-chan time.Time
	for {
		a.tunnel.SetHome(a.ownFace())
		a.name.SetAddresses(nameTells(a.router()))
		a.noteBrand(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
			continue
		case <-heard:
			if settled == nil {
				settled = time.After(networksSettle)
			}
			continue
		case <-settled:
			settled = nil
		case <-t.C:
		case <-moving:
			if a.misplaced() {
				a.moveAside()
				<-ctx.Done() // which is soon
				return nil
			}
		}
		host, err := hostnet.Read(a.settings.Interface)
		if err != nil {
			a.log.Debug("reading the network failed", "err", err)
			continue
		}
		a.networks.Store(networksOf(host))
		a.noteClash(a.plan(), host)
		moving = nil
		if a.misplaced() {
			moving = time.After(asideAfter)
		}
	}
}

// hearNetworks gives news of the network, 1-buffered. end stops and waits.
func (a *appliance) hearNetworks(ctx context.Context) (heard <-chan struct{}, end func()) {
	news := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(ctx)
	var ear sync.WaitGroup
	ear.Go(func() {
		err := hostnet.Follow(ctx, func() {
			select {
			case news <- struct{}{}:
			default: // somebody will look anyway
			}
		})
		if err != nil {
			a.log.Warn("changes of the network are not heard, only looked for", "every", networksEvery, "err", err)
		}
	})
	return news, func() {
		cancel()
		ear.Wait()
	}
}

// ownFace are the addresses by which the internet sees the house: the router's own,
// and the endpoint where the operator wrote an address down.
func (a *appliance) ownFace() []netip.Prefix {
	var list []netip.Prefix
	add := func(ip netip.Addr) {
		if ip = ip.Unmap(); ip.IsValid() && !ip.IsUnspecified() {
			list = append(list, netip.PrefixFrom(ip, ip.BitLen()))
		}
	}
	add(a.router().WAN)
	if e := a.operators(a.port); e != nil {
		if ip, err := netip.ParseAddr(e.Host); err == nil {
			add(ip)
		}
	}
	return list
}

// nameTells is where the DNS name should lead. It has an IPv6 address only where
// IPv4 leads nowhere, and no IPv4 address then: some apps take the first answer,
// and many networks have no IPv6.
func nameTells(r upnp.Status) (v4, v6 netip.Addr, only6 bool) {
	if _, only6 = openedAt(r); only6 {
		return netip.Addr{}, r.IPv6.Address.Addr(), true
	}
	return r.WAN, netip.Addr{}, false
}
