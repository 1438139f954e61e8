package main

import (
	"net/netip"
	"strings"
	"testing"

	"homeward/configs/state"
)

// A network that somebody chose may be larger than the tunnel's, and all of it is private.
func TestAChosenNetworkIsPrivateAndLargeEnough(t *testing.T) {
	plan := state.Plan{V4: netip.MustParsePrefix("10.77.3.0/24"), V6: netip.MustParsePrefix("fd00:77::/64")}
	taken := []netip.Prefix{netip.MustParsePrefix("192.168.50.0/24")}
	for network, wrong := range map[string]string{
		"10.99.3.0/24": "", "10.99.0.0/16": "", "10.77.0.0/16": "", "172.16.0.0/12": "", "10.0.0.0/8": "",
		"10.99.3.0/28": "does not fit", "10.99.3.0/25": "does not fit", "10.99.3.1/16": "does not fit", "fd00:78::/64": "does not fit",
		"10.77.3.0/24": "already", "81.2.69.0/24": "is not private", "192.168.0.0/15": "is not private", "10.0.0.0/7": "is not private", "172.16.0.0/11": "does not fit",
		"192.168.0.0/16": "is used by this machine", "192.168.50.0/24": "is used by this machine",
	} {
		next := plan
		next.V4 = netip.MustParsePrefix(network)
		err := checkNetwork(plan, next, taken)
		if (err == nil) != (wrong == "") || err != nil && !strings.Contains(err.Error(), wrong) {
			t.Errorf("%s: %v, want %q", network, err, wrong)
		}
	}
}
