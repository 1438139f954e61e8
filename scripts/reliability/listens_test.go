//go:build linux

package reliability

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"homeward/scripts/labnet"
)

// What listens is what the README says, and nothing else. A port that somebody adds has
// to be told there.
func TestNothingElseListens(t *testing.T) {
	bin := buildHomeward(t)
	everywhere := []string{
		"the WireGuard port by IPv4", "the WireGuard port by IPv6",
		"the page on loopback", "the page in the LAN",
		"the router's announcements", "the router's events in the LAN",
	}
	for plane, c := range map[string]struct {
		rootless bool
		want     []string
	}{
		"tun":      {false, append([]string{"names inside the tunnel"}, everywhere...)},
		"netstack": {true, everywhere}, // names are answered without any socket
	} {
		t.Run(plane, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, bin, c.rootless, labnet.Options{NoNATPMP: true})
			slices.Sort(c.want)
			var got []string
			for end := time.Now().Add(10 * time.Second); !slices.Equal(got, c.want); got = h.listening() {
				if time.Now().After(end) {
					t.Fatalf("what listens:\n%q, want\n%q", got, c.want)
				}
			}
		})
	}
}

// listening says in words which sockets of the NAS can be called from elsewhere.
func (h *home) listening() []string {
	h.Helper()
	found := map[string]bool{}
	for line := range strings.Lines(h.NAS.Run("ss", "-Hlntu")) {
		fields := strings.Fields(line)
		at, err := netip.ParseAddrPort(fields[4])
		if err != nil {
			h.Fatalf("%q: %v", line, err)
		}
		if what := h.what(fields[0], at); what != asking {
			found[what] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// asking is a socket for questions to the router, which is there now and then and takes
// answers of the router alone.
const asking = "questions to the router"

func (h *home) what(protocol string, at netip.AddrPort) string {
	addr, port := at.Addr(), at.Port()
	lan := addr == netip.MustParseAddr(labnet.NAS4) || addr == netip.MustParseAddr(labnet.NAS6)
	tunnel := addr.IsPrivate() && !lan // the NAS has no other private address
	switch {
	case protocol == "udp" && addr == netip.IPv4Unspecified() && at.String() == "0.0.0.0:"+h.port:
		return "the WireGuard port by IPv4"
	case protocol == "udp" && addr == netip.IPv6Unspecified() && at.String() == "[::]:"+h.port:
		return "the WireGuard port by IPv6"
	case protocol == "udp" && addr == netip.IPv4Unspecified() && port == 5350: // RFC 6887 section 14.1.1
		return "the router's announcements"
	case protocol == "tcp" && port == 8377 && addr.IsLoopback():
		return "the page on loopback"
	case protocol == "tcp" && port == 8377 && lan:
		return "the page in the LAN"
	case protocol == "tcp" && addr.Is4() && lan:
		return "the router's events in the LAN" // where only the router is answered
	case protocol == "udp" && addr.Is4() && lan:
		return asking
	case port == 53 && tunnel:
		return "names inside the tunnel"
	}
	return protocol + " " + at.String()
}
