//go:build linux

package labnet

import (
	_ "embed"
	"fmt"
	"net/netip"
)

// Lab is a home and the internet around it.
type Lab struct {
	*Builder
	// Internet is a server that everybody reaches. ISP joins it, the home and
	// the phone.
	Internet, ISP *Host
	// At home.
	Router, NAS, Share, Laptop *Host
	// Phone is outside, at another end of the internet.
	Phone *Host

	opts Options
	igd  *Process // miniupnpd; nil while it does not run
}

//go:embed carrier.nft
var carrierRules string

// New builds a lab that is gone when the test ends. Without options it is the
// usual home.
func New(t T, options ...Options) *Lab {
	t.Helper()
	l := &Lab{Builder: Bare(t)}
	NeedPrograms(t, "nft:nftables", "miniupnpd:miniupnpd-nftables", "upnpc:miniupnpc", "dnsmasq:dnsmasq-base")
	if len(options) > 0 {
		l.opts = options[0]
	}
	for name, h := range map[string]**Host{
		"inet": &l.Internet, "isp": &l.ISP, "router": &l.Router,
		"nas": &l.NAS, "share": &l.Share, "laptop": &l.Laptop, "phone": &l.Phone,
	} {
		*h = l.NewHost(name)
	}
	for _, h := range []*Host{l.ISP, l.Router} {
		h.Sysctl("net.ipv4.ip_forward", "1")
		h.Sysctl("net.ipv6.conf.all.forwarding", "1")
	}
	l.joinInternet()
	l.joinHome()
	l.startRouter()
	return l
}

// joinInternet connects what is outside of the house, and the house.
func (l *Lab) joinInternet() {
	l.t.Helper()
	l.Veth(l.ISP, "inet0", []string{carrierSide + "/24", "2a01:5ead:68::1/64"}, l.Internet, "eth0", []string{Internet4 + "/24", Internet6 + "/64"})
	l.Veth(l.ISP, "mobile0", []string{"81.2.70.1/24", "2a01:5ead:70::1/64"}, l.Phone, "eth0", []string{Phone4 + "/24", Phone6 + "/64"})
	l.Veth(l.ISP, "home1", nil, l.Router, "wan0", []string{l.opts.home().String(), RouterWAN6 + "/64"})
	l.Bridge(l.ISP, "homes0", []string{netip.PrefixFrom(l.opts.gateway(), 24).String(), "2a01:5ead:69::1/64"}, "home1")
	l.Internet.AddRoute("default", carrierSide)
	l.Internet.AddRoute("default", "2a01:5ead:68::1")
	l.Phone.AddRoute("default", "81.2.70.1")
	l.Phone.AddRoute("default", "2a01:5ead:70::1")
	l.Router.AddRoute("default", l.opts.gateway().String())
	l.Router.AddRoute("default", "2a01:5ead:69::1")
	l.ISP.AddRoute(LANPublic6, RouterWAN6)
	if l.opts.carrierNAT() {
		l.ISP.Run("nft", "-f", l.write("carrier.nft", carrierRules))
	}
	l.Internet.SetResolver("127.0.0.1") // where nobody answers
	l.Phone.SetResolver(Internet4)      // nor here
}

// joinHome connects the hosts at home by a switch in the router.
func (l *Lab) joinHome() {
	l.t.Helper()
	var ports []string
	for n, h := range map[int]*Host{10: l.NAS, 20: l.Share, 30: l.Laptop} {
		port := fmt.Sprintf("port%d", n)
		l.Veth(l.Router, port, nil, h, "eth0", []string{
			fmt.Sprintf("192.168.77.%d/24", n), fmt.Sprintf("fd77::%d/64", n), fmt.Sprintf("2a01:5ead:77::%d/64", n),
		})
		ports = append(ports, port)
		h.AddRoute("default", RouterLAN)
		h.AddRoute("default", RouterLAN6)
		h.SetResolver(RouterLAN)
	}
	l.Bridge(l.Router, "lan0", []string{RouterLAN + "/24", "fd77::1/64", RouterLAN6 + "/64"}, ports...)
	l.NAS.Sysctl("net.ipv4.ping_group_range", "0 2147483647") // as systemd sets it
}

// PublicAddr4 is the address by which the internet reaches the home. Behind a
// carrier's NAT it is the carrier's.
func (l *Lab) PublicAddr4() netip.Addr {
	if l.opts.carrierNAT() {
		return netip.MustParseAddr(carrierSide)
	}
	return l.opts.wan()
}

// PublicAddr6 is the router's own address. The hosts at home have theirs.
func (l *Lab) PublicAddr6() netip.Addr { return netip.MustParseAddr(RouterWAN6) }
