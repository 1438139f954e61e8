package routertest

import (
	"net/netip"
	"strconv"
	"time"
)

// firewallService is the service that opens the IPv6 firewall.
const firewallService = "WANIPv6FirewallControl:1"

// pinhole is an opening of the IPv6 firewall (WANIPv6FirewallControl:1 section 2.2).
type pinhole struct {
	client  string
	port    uint16
	lease   time.Duration
	packets int
}

// Pass makes packets come in from outside through every opening.
func (r *Router) Pass(packets int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.pinholes {
		p.packets += packets
	}
}

// Reassign makes the router start anew without moving, and give the first number to
// another host's opening.
func (r *Router) Reassign(client string, port uint16) {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.pinholes)
	r.lastPinhole = 1
	r.pinholes[1] = &pinhole{client: client, port: port, lease: time.Hour}
}

// openings are the pinholes as entries.
func (r *Router) openings() []Entry {
	table := make(map[uint16]Entry)
	for id, p := range r.pinholes {
		table[id] = Entry{External: p.port, Internal: p.port, Protocol: "UDP", Client: p.client, Lease: p.lease}
	}
	return sorted(table)
}

// firewallLocked is what a good firewall does.
func (r *Router) firewallLocked(_ Service, action string, args map[string]string) (map[string]string, int) {
	id64, _ := strconv.ParseUint(args["UniqueID"], 10, 16)
	id := uint16(id64)
	seconds, err := strconv.ParseUint(args["LeaseTime"]+args["NewLeaseTime"], 10, 32)
	badLease := err != nil || seconds < 1 || seconds > 86400
	p := r.pinholes[id]
	switch action {
	case "GetFirewallStatus":
		return map[string]string{"FirewallEnabled": "1", "InboundPinholeAllowed": "1"}, 0
	case "AddPinhole":
		return r.addPinhole(args, time.Duration(seconds)*time.Second, badLease)
	case "UpdatePinhole", "DeletePinhole", "GetPinholePackets", "CheckPinholeWorking":
		if p == nil {
			return nil, 704
		}
	}
	switch action {
	case "UpdatePinhole":
		if badLease {
			return nil, 402
		}
		p.lease = time.Duration(seconds) * time.Second
		return nil, 0
	case "DeletePinhole":
		delete(r.pinholes, id)
		return nil, 0
	case "GetPinholePackets":
		return map[string]string{"PinholePackets": strconv.Itoa(p.packets)}, 0
	case "CheckPinholeWorking":
		if p.packets == 0 {
			return nil, 709
		}
		return map[string]string{"IsWorking": "1"}, 0
	}
	return nil, 401
}

// addPinhole makes an opening, or lengthens the lease of the same one.
func (r *Router) addPinhole(args map[string]string, lease time.Duration, badLease bool) (map[string]string, int) {
	port, err := strconv.ParseUint(args["InternalPort"], 10, 16)
	client, notAddr := netip.ParseAddr(args["InternalClient"])
	switch {
	case err != nil || notAddr != nil || badLease || args["Protocol"] != "17" || args["RemotePort"] != "0":
		return nil, 402
	case args["RemoteHost"] != "":
		return nil, 708
	case client != netip.IPv6Loopback(): // who asks
		return nil, 606
	}
	for id, p := range r.pinholes {
		if p.client == client.String() && p.port == uint16(port) {
			p.lease = lease
			return map[string]string{"UniqueID": strconv.Itoa(int(id))}, 0
		}
	}
	r.lastPinhole++
	r.pinholes[r.lastPinhole] = &pinhole{client: client.String(), port: uint16(port), lease: lease}
	return map[string]string{"UniqueID": strconv.Itoa(int(r.lastPinhole))}, 0
}
