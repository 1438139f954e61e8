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

// A router's firewall that was loaded anew: miniupnpd goes on showing the entry, and by
// UPnP alone it takes a new request for it as one to lengthen the lease. By PCP and
// NAT-PMP asking again restores the rule, also where UPnP is the witness.
func TestRealRouterFirewallIsLoadedAnew(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ extra, env []string }{
		"all":     {extra: []string{"enable_natpmp=yes"}},
		"PCP":     {extra: []string{"enable_natpmp=yes", "enable_upnp=no"}},
		"NAT-PMP": {[]string{"enable_natpmp=yes", "enable_upnp=no"}, []string{helperOnly + "=NAT-PMP"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRealRouter(t, tt.extra...)
			r.mapper(tt.env...).await(Mapped, 10*time.Second)
			time.Sleep(firstCheck + time.Second) // past the first look
			if n := r.rules(); n != 1 {
				t.Fatalf("%d rules", n)
			}
			r.flush()
			start := time.Now()
			if n := r.rules(); n != 0 {
				t.Fatalf("%d rules after the flush", n)
			}
			if !poll(30*time.Second, func() bool { return r.rules() == 1 }) {
				t.Fatal("the rule was not back within 30 s")
			}
			t.Logf("back after %v", time.Since(start).Round(100*time.Millisecond))
		})
	}
}
