//go:build !linux

package neighbours

import (
	"context"
	"net/netip"
)

// whoIsAbsent knows of nobody.
func whoIsAbsent(context.Context, map[netip.Addr]Neighbour) map[netip.Addr]bool { return nil }
