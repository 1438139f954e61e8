package upnp

import (
	"net/netip"
	"strings"
	"testing"
)

// What forbids or lacks UPnP is told with the name that the switch has on this
// router, and the rule to enter by hand with the way to it.
func TestTheAdviceSpeaksTheRoutersLanguage(t *testing.T) {
	gw := Gateway{Addr: netip.MustParseAddr("192.168.178.1"), Self: netip.MustParseAddr("192.168.178.20")}
	for _, c := range []struct {
		name    string
		router  string
		verdict Verdict
		says    []string
	}{
		{"a refusing FRITZ!Box", "AVM FRITZ!Box 7590", Refused, []string{
			"AVM FRITZ!Box 7590", "“Permit independent port sharing for this device” (Internet > Permit Access > Port Sharing", "forward UDP port 41234 to 192.168.178.20:41234 there (Internet > Permit Access > Port Sharing)"}},
		{"an ASUS that was switched off", "ASUSTeK Computer Inc. RT-AX88U", NoIGD, []string{
			"“Enable UPnP” (WAN > Internet Connection)", "(WAN > Virtual Server / Port Forwarding)"}},
		{"a router that nobody knows", "", NoIGD, []string{
			"“UPnP”, often under “Advanced”", "(“port forwarding” or “virtual server”)"}},
	} {
		got := advice(Status{Verdict: c.verdict, Port: 41234, Gateway: gw, Router: Router{Name: c.router}}, answer{})
		for _, part := range c.says {
			if !strings.Contains(got, part) {
				t.Errorf("%s: %q is missing in %q", c.name, part, got)
			}
		}
	}
}

// T60: where the router's list has the port and nothing comes through, its firewall may be
// in the way; where to look is said by the router's brand.
func TestAFirewallInTheWayIsLookedForByBrand(t *testing.T) {
	for name, want := range map[string]string{
		"MikroTik RB4011": "connection NAT state dstnat", "OpenWrt router": "start firewall and then miniupnpd anew", "Debian router": "drops connections from the internet", "": "drops connections from the internet",
	} {
		s := Status{Port: 41234, Router: Router{Name: name}, Gateway: Gateway{Self: netip.MustParseAddr("192.168.1.10")}}
		if got := s.Blocked(); !strings.Contains(got, want) || !strings.Contains(got, "41234") || !strings.Contains(got, "192.168.1.10") {
			t.Errorf("%s: %q", name, got)
		}
	}
}
