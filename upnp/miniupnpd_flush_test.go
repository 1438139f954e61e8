//go:build linux

package upnp

import (
	"testing"
	"time"
)

// flush empties the router's firewall, which its program is not told of.
func (r *realRouter) flush() {
	r.t.Helper()
	for _, chain := range []string{"miniupnpd", "prerouting_miniupnpd", "postrouting_miniupnpd"} {
		r.in(r.router, "nft", "flush", "chain", "inet", "filter", chain)
	}
}

// T42: a router's firewall that was loaded anew. miniupnpd goes on showing the entry, and
// by UPnP alone it takes a new request for it as one to lengthen the lease. By PCP and
// NAT-PMP asking again restores the rule, also where UPnP is the witness. By UPnP alone
// it has to be made to look (stir.go), here at once because the address changed with it.
func TestRealRouterFirewallIsLoadedAnew(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		extra, env []string
		readdress  bool
		limit      time.Duration
	}{
		"all":                       {[]string{"enable_natpmp=yes"}, nil, false, 30 * time.Second},
		"PCP":                       {[]string{"enable_natpmp=yes", "enable_upnp=no"}, nil, false, 30 * time.Second},
		"NAT-PMP":                   {[]string{"enable_natpmp=yes", "enable_upnp=no"}, []string{helperOnly + "=NAT-PMP"}, false, 30 * time.Second},
		"UPnP, address changes too": {nil, nil, true, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRealRouter(t, tt.extra...)
			r.mapper(tt.env...).await(Mapped, 10*time.Second)
			time.Sleep(firstCheck + time.Second) // past the first look
			if n := r.rules(); n != 1 {
				t.Fatalf("%d rules", n)
			}
			if tt.readdress {
				r.run("ip", "-n", r.router, "addr", "del", labWAN+"/24", "dev", "wan0")
				r.run("ip", "-n", r.router, "addr", "add", "81.2.69.77/24", "dev", "wan0")
			}
			r.flush()
			start := time.Now()
			if n := r.rules(); n != 0 {
				t.Fatalf("%d rules after the flush", n)
			}
			if !poll(tt.limit, func() bool { return r.rules() == 1 }) {
				t.Fatalf("the rule was not back within %v", tt.limit)
			}
			t.Logf("back after %v", time.Since(start).Round(100*time.Millisecond))
		})
	}
}
