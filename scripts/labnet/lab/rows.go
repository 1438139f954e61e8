//go:build linux

package main

import (
	"net/netip"
	"syscall"
	"time"

	"homeward/scripts/labnet"
)

var (
	byUPnP = labnet.Options{NoNATPMP: true}
	byPCP  = labnet.Options{NoUPnP: true}
)

const (
	firstOpen = 3 * time.Second  // by UPnP
	quickOpen = time.Second      // by PCP or NAT-PMP
	knownSoon = 10 * time.Second // that nothing can be opened
	backSoon  = 30 * time.Second
	noticed   = time.Minute // looked for every 50 s
	otherPort = 5 * time.Second
	// A router that answers from memory is made to look at its rules so often.
	stirred = 5*time.Minute + backSoon
)

// starts are routers; what is measured is how long it takes until the port is open,
// or until it is told why it is not.
func starts() []fault {
	behind := func(wan string) labnet.Options { return labnet.Options{WAN: netip.MustParseAddr(wan)} }
	return []fault{
		{name: "UPnP only, IGD 2", router: byUPnP, bound: firstOpen},
		{name: "UPnP only, IGD 1", router: labnet.Options{NoNATPMP: true, IGDv1: true}, bound: firstOpen},
		{name: "PCP and NAT-PMP", router: byPCP, bound: quickOpen},
		{name: "PCP only", router: byPCP, bound: quickOpen, prepare: func(p *patient) { p.deafTo(0) }},
		// PCP is silent here, and waited for a little.
		{name: "NAT-PMP only", router: byPCP, bound: quickOpen, prepare: func(p *patient) { p.deafTo(2) }},
		{name: "all protocols", bound: quickOpen},
		{name: "UPnP only, not in secure mode", router: labnet.Options{NoNATPMP: true, Insecure: true}, bound: firstOpen},
		{name: "another host has the port (UPnP)", router: byUPnP, bound: otherPort, prepare: (*patient).takenBefore},
		{name: "another host has the port (all protocols)", bound: otherPort, prepare: (*patient).takenBefore},
		{name: "a stranger in the LAN answers first", router: byUPnP, bound: firstOpen, prepare: (*patient).stranger},
		{name: "no protocol", router: labnet.Options{NoUPnP: true, NoNATPMP: true}, bound: knownSoon, told: "does not open ports by itself"},
		{name: "forbidden by rule", router: labnet.Options{PortsDeny: true}, bound: knownSoon, told: "refused to open the port"},
		{name: "forbidden by rule, IGD 1", router: labnet.Options{PortsDeny: true, NoNATPMP: true, IGDv1: true}, bound: knownSoon, told: "refused to open the port"},
		{name: "forbidden by rule, PCP", router: labnet.Options{PortsDeny: true, NoUPnP: true}, bound: knownSoon, told: "refused to open the port"},
		// This router then says that it has no address at all.
		{name: "second router in front, with IPv6", router: behind("10.5.0.2"), bound: knownSoon, told: "another box in front of your router"},
		{name: "carrier NAT, with IPv6", router: behind("100.64.5.2"), bound: knownSoon, told: "open by IPv6 only"},
	}
}

// faults are what happens to a port that is open.
func faults() []fault {
	var list []fault
	for _, r := range []struct {
		name    string
		options labnet.Options
		prepare func(*patient)
	}{
		{"UPnP", byUPnP, nil},
		{"IGD 1", labnet.Options{NoNATPMP: true, IGDv1: true}, nil},
		{"PCP", byPCP, nil},
		{"NAT-PMP", byPCP, func(p *patient) { p.deafTo(2) }},
		{"all protocols", labnet.Options{}, nil},
	} {
		begin := len(list)
		list = append(list,
			fault{name: "router restarts (" + r.name + ")", router: r.options, bound: backSoon, inject: func(p *patient) { p.restartRouter(syscall.SIGTERM, 0) }},
			fault{name: "router crashes, back after 5 s (" + r.name + ")", router: r.options, bound: backSoon, inject: func(p *patient) { p.restartRouter(syscall.SIGKILL, 5*time.Second) }},
			// A phone that had a session waits 15 s until it tries a new one.
			fault{name: "homeward is killed and started (" + r.name + ")", router: r.options, bound: 20 * time.Second, inject: (*patient).killHomeward},
			fault{name: "the cable is out for 5 s (" + r.name + ")", router: r.options, bound: backSoon, inject: (*patient).pullCable},
			fault{name: "router restarts and keeps its list (" + r.name + ")", router: r.options, bound: backSoon, inject: (*patient).restartRouterWithList},
			fault{name: "the line is down for 10 s (" + r.name + ")", router: r.options, bound: backSoon, inject: (*patient).cutLine},
			fault{name: "the router gets another address in the LAN (" + r.name + ")", router: r.options, bound: backSoon, inject: (*patient).moveRouter},
		)
		for i := begin; i < len(list); i++ {
			list[i].prepare = r.prepare
		}
	}
	open := labnet.Options{Insecure: true, NoNATPMP: true}
	return append(list,
		// Its program doesn't notice. By UPnP it shows the entry, and asked for it again it only
		// lengthens the lease.
		fault{name: "the router's firewall is loaded anew (all protocols)", bound: backSoon, inject: (*patient).flush},
		fault{name: "the router's firewall is loaded anew (PCP)", router: byPCP, bound: backSoon, inject: (*patient).flush},
		fault{name: "the router's firewall is loaded anew (NAT-PMP)", router: byPCP, bound: backSoon, prepare: func(p *patient) { p.deafTo(2) }, inject: (*patient).flush},
		fault{name: "the router's firewall is loaded anew (UPnP)", router: byUPnP, bound: stirred, inject: (*patient).flush},
		fault{name: "another public address, a firewall loaded anew, the phone knows (UPnP)", router: byUPnP, bound: noticed, inject: (*patient).reconnect},
		fault{name: "another host takes the port while the router is away", router: byUPnP, bound: 70 * time.Second, told: "already goes to " + labnet.Laptop4, inject: (*patient).stealPort},
		fault{name: "the public address changes (all protocols)", bound: noticed, told: newWAN, inject: (*patient).changeWAN},
		fault{name: "the public address changes (UPnP)", router: byUPnP, bound: noticed, told: newWAN, inject: (*patient).changeWAN},
		fault{name: "the public address changes (PCP)", router: byPCP, bound: noticed, told: newWAN, inject: (*patient).changeWAN},
		fault{name: "the NAS gets another address", router: open, bound: backSoon, inject: (*patient).moveNAS},
		fault{name: "the NAS gets another address (secure mode)", router: byUPnP, bound: backSoon, told: "a former address of this box", inject: (*patient).moveNAS},
		fault{name: "IPv6 only: carrier NAT, router restarts", router: labnet.Options{WAN: netip.MustParseAddr("100.64.5.2")}, bound: backSoon,
			code: "Endpoint = [" + labnet.NASPublic6 + "]", prepare: (*patient).phoneWithoutIPv4,
			inject: func(p *patient) { p.restartRouter(syscall.SIGTERM, 0) }},
	)
}
