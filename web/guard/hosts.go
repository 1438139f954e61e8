package guard

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Hosts decides which Host headers are ours.
type Hosts struct {
	// Names returns the names, in lower case, next to localhost. It is asked at
	// every request.
	Names func() []string
}

// Allowed reports whether a Host header, with or without a port, is ours: a
// known name, or a private or loopback address. An address cannot be rebound,
// and behind a container's port mapping the box does not know the one that
// people use; only public ones are refused, since the page is for the house.
func (h Hosts) Allowed(host string) bool {
	name := host
	if n, port, err := net.SplitHostPort(host); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return false
		}
		name = n
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if a, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		a = a.Unmap()
		return a.IsPrivate() || a.IsLoopback() || slices.Contains(h.Names(), a.String())
	}
	return name == "localhost" || name != "" && slices.Contains(h.Names(), name)
}
